package node

import (
	"context"
	"errors"

	"github.com/nsqmesh/nsqmesh/node/queue"
)

// Lookup is the node as its lookupd role sees it: what is created there is known and not made, and what is deleted there
// is deleted from the queues of every node, this one before the call returns.
type Lookup struct{ n *Node }

// Lookup returns the lookupd side of the node.
func (n *Node) Lookup() Lookup { return Lookup{n} }

// CreateTopic makes a topic known everywhere.
func (l Lookup) CreateTopic(ctx context.Context, topic string) error {
	return l.n.committer(ctx).Create(ctx, topic, "")
}

// CreateChannel makes a channel, and its topic, known everywhere: a node that makes the topic makes the channel with it.
func (l Lookup) CreateChannel(ctx context.Context, topic, channel string) error {
	return l.n.committer(ctx).Create(ctx, topic, channel)
}

// DeleteTopic deletes a topic that anybody knows.
func (l Lookup) DeleteTopic(ctx context.Context, topic string) error {
	if !l.n.registry.Known(topic, "") {
		return queue.ErrTopicNotFound
	}
	return l.delete(ctx, topic, "")
}

// DeleteChannel deletes a channel that anybody knows.
func (l Lookup) DeleteChannel(ctx context.Context, topic, channel string) error {
	if !l.n.registry.Known(topic, channel) {
		return queue.ErrChannelNotFound
	}
	return l.delete(ctx, topic, channel)
}

// delete is content when this node itself has nothing to delete, and remembers: tools that delete on a lookup do the same on
// every node afterwards.
func (l Lookup) delete(ctx context.Context, topic, channel string) error {
	name := topic
	if channel != "" {
		name += ":" + channel
	}
	err := l.n.committer(ctx).Delete(ctx, topic, channel)
	if err == nil || errors.Is(err, queue.ErrTopicNotFound) || errors.Is(err, queue.ErrChannelNotFound) {
		l.n.remember(name)
		return nil
	}
	return err
}

// TombstoneProducer hides a producer from the lookups of a topic for a while.
func (l Lookup) TombstoneProducer(topic, node string) { l.n.registry.TombstoneProducer(topic, node) }

// UntombstoneProducer shows it again.
func (l Lookup) UntombstoneProducer(topic, node string) {
	l.n.registry.UntombstoneProducer(topic, node)
}
