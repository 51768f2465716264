package httpapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/julienschmidt/httprouter"

	"github.com/nsqmesh/nsqmesh/node"
	"github.com/nsqmesh/nsqmesh/node/names"
	"github.com/nsqmesh/nsqmesh/node/queue"
)

func (a *nsqdAPI) addTopics(r *router) {
	m := a.Metadata
	r.api("POST", "/topic/create", onTopic(validTopic, func(ctx context.Context, topic string) error {
		return m.CreateTopic(ctx, strings.Clone(topic)) // so that it does not keep the request in memory
	}))
	r.api("POST", "/topic/delete", onTopic(anyTopic, m.DeleteTopic))
	r.api("POST", "/topic/empty", onTopic(validTopic, a.emptyTopic))
	r.api("POST", "/topic/pause", onTopic(anyTopic, func(ctx context.Context, topic string) error {
		return m.PauseTopic(ctx, topic, true)
	}))
	r.api("POST", "/topic/unpause", onTopic(anyTopic, func(ctx context.Context, topic string) error {
		return m.PauseTopic(ctx, topic, false)
	}))

	r.api("POST", "/channel/create", onChannel(func(ctx context.Context, topic, channel string) error {
		return m.CreateChannel(ctx, topic, strings.Clone(channel))
	}))
	r.api("POST", "/channel/delete", onChannel(m.DeleteChannel))
	r.api("POST", "/channel/empty", onChannel(a.emptyChannel))
	r.api("POST", "/channel/pause", onChannel(func(ctx context.Context, topic, channel string) error {
		return m.PauseChannel(ctx, topic, channel, true)
	}))
	r.api("POST", "/channel/unpause", onChannel(func(ctx context.Context, topic, channel string) error {
		return m.PauseChannel(ctx, topic, channel, false)
	}))
}

func onTopic(name func(params) (string, error), act func(ctx context.Context, topic string) error) handler {
	return func(req *http.Request, _ httprouter.Params) (any, error) {
		q, err := query(req)
		if err != nil {
			return nil, err
		}
		topic, err := name(q)
		if err != nil {
			return nil, err
		}
		return nil, inHTTP(act(scope(req.Context(), q), topic))
	}
}

func onChannel(act func(ctx context.Context, topic, channel string) error) handler {
	return func(req *http.Request, _ httprouter.Params) (any, error) {
		topic, channel, err := topicAndChannel(req)
		if err != nil {
			return nil, err
		}
		q, err := query(req)
		if err != nil {
			return nil, err
		}
		return nil, inHTTP(act(scope(req.Context(), q), topic, channel))
	}
}

// scope is of the whole mesh, unless scope=local asks for this node alone.
func scope(ctx context.Context, q params) context.Context {
	if s, _ := q.lookup("scope"); s == "local" {
		return node.Alone(ctx)
	}
	return ctx
}

// anyTopic reads the topic where its form does not matter, because one that is not valid does not exist either.
func anyTopic(q params) (string, error) {
	topic, ok := q.lookup("topic")
	if !ok {
		return "", errMissingArgTopic
	}
	return topic, nil
}

// validTopic reads the topic where it may come into being.
func validTopic(q params) (string, error) {
	topic, err := anyTopic(q)
	if err == nil && !names.ValidTopic(topic) {
		err = errInvalidTopic
	}
	return topic, err
}

func (a *nsqdAPI) emptyTopic(_ context.Context, name string) error {
	topic := a.Queues.FindTopic(name)
	if topic == nil {
		return errTopicNotFound
	}
	if err := topic.Empty(); err != nil {
		return fmt.Errorf("empty topic %s: %w", name, err)
	}
	return nil
}

func (a *nsqdAPI) emptyChannel(_ context.Context, topicName, name string) error {
	topic := a.Queues.FindTopic(topicName)
	if topic == nil {
		return errTopicNotFound
	}
	channel := topic.FindChannel(name)
	if channel == nil {
		return errChannelNotFound
	}
	if err := channel.Empty(); err != nil {
		return fmt.Errorf("empty channel %s of %s: %w", name, topicName, err)
	}
	return nil
}

// inHTTP gives the queue's errors the status that clients know them by.
func inHTTP(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, queue.ErrTopicNotFound):
		return errTopicNotFound
	case errors.Is(err, queue.ErrChannelNotFound):
		return errChannelNotFound
	case errors.Is(err, queue.ErrExiting):
		return errExiting
	case errors.Is(err, node.ErrNoQuorum):
		return &apiError{http.StatusServiceUnavailable, "NO_QUORUM: " + err.Error()}
	}
	return err
}
