package httpapi

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/julienschmidt/httprouter"

	"github.com/nsqmesh/nsqmesh/node/names"
	"github.com/nsqmesh/nsqmesh/node/queue"
)

var errMissingArgNode = &apiError{http.StatusBadRequest, "MISSING_ARG_NODE"}

// LookupdMetadata changes what the whole mesh knows. Creating makes a name known and no queue, and a channel makes its topic
// known, too; deleting what is unknown is queue.ErrTopicNotFound or queue.ErrChannelNotFound. A tombstone hides the producer
// with that address and HTTP port from lookups of a topic for a while; ending that ends what was asked of this node.
type LookupdMetadata interface {
	CreateTopic(ctx context.Context, topic string) error
	DeleteTopic(ctx context.Context, topic string) error
	CreateChannel(ctx context.Context, topic, channel string) error
	DeleteChannel(ctx context.Context, topic, channel string) error
	TombstoneProducer(topic, node string)
	UntombstoneProducer(topic, node string)
}

func (a *lookupdAPI) addTopics(r *router) {
	m := a.Metadata
	r.api("POST", "/topic/create", onTopic(knownTopic, func(ctx context.Context, topic string) error {
		return m.CreateTopic(ctx, strings.Clone(topic))
	}))
	r.api("POST", "/topic/delete", onTopic(anyTopic, a.deleteTopic))
	r.api("POST", "/topic/tombstone", onProducer(m.TombstoneProducer))
	r.api("POST", "/topic/untombstone", onProducer(m.UntombstoneProducer))
	r.api("POST", "/channel/create", onChannel(func(ctx context.Context, topic, channel string) error {
		return m.CreateChannel(ctx, strings.Clone(topic), strings.Clone(channel))
	}))
	r.api("POST", "/channel/delete", onChannel(a.deleteChannel))
}

// knownTopic is validTopic with the words of an nsqlookupd.
func knownTopic(q params) (string, error) {
	topic, err := anyTopic(q)
	if err == nil && !names.ValidTopic(topic) {
		err = errInvalidArgTopic
	}
	return topic, err
}

// deleteTopic is content when there is nothing to delete.
func (a *lookupdAPI) deleteTopic(ctx context.Context, topic string) error {
	if err := a.Metadata.DeleteTopic(ctx, topic); !errors.Is(err, queue.ErrTopicNotFound) {
		return err
	}
	return nil
}

func (a *lookupdAPI) deleteChannel(ctx context.Context, topic, channel string) error {
	err := a.Metadata.DeleteChannel(ctx, topic, channel)
	if errors.Is(err, queue.ErrTopicNotFound) {
		return queue.ErrChannelNotFound
	}
	return err
}

// onProducer acts on a topic of one producer.
func onProducer(act func(topic, node string)) handler {
	return func(req *http.Request, _ httprouter.Params) (any, error) {
		q, topic, err := topicArg(req)
		if err != nil {
			return nil, err
		}
		node, ok := q.lookup("node")
		if !ok {
			return nil, errMissingArgNode
		}
		act(topic, node)
		return nil, nil
	}
}
