package node

import (
	"context"

	"github.com/nsqmesh/nsqmesh/node/queue"
)

// Lookup is the node as its lookupd role sees it: what is created there is known and not made, and what is deleted there
// is deleted from the queues of every node, this one before the call returns.
type Lookup struct{ n *Node }

// Lookup returns the lookupd side of the node.
func (n *Node) Lookup() Lookup { return Lookup{n} }

// CreateTopic makes a topic known everywhere.
func (l Lookup) CreateTopic(_ context.Context, topic string) error {
	l.n.registry.CreateTopic(topic)
	return nil
}

// CreateChannel makes a channel, and its topic, known everywhere: a node that makes the topic makes the channel with it.
func (l Lookup) CreateChannel(_ context.Context, topic, channel string) error {
	l.n.registry.CreateChannel(topic, channel)
	return nil
}

// DeleteTopic deletes a topic that anybody knows.
func (l Lookup) DeleteTopic(_ context.Context, topic string) error {
	if _, known := l.n.registry.DeleteTopic(topic); !known {
		return queue.ErrTopicNotFound
	}
	l.n.inherit(topic)
	return nil
}

// DeleteChannel deletes a channel that anybody knows.
func (l Lookup) DeleteChannel(_ context.Context, topic, channel string) error {
	if _, known := l.n.registry.DeleteChannel(topic, channel); !known {
		return queue.ErrChannelNotFound
	}
	l.n.inherit(topic)
	return nil
}

// TombstoneProducer hides a producer from the lookups of a topic for a while.
func (l Lookup) TombstoneProducer(topic, node string) { l.n.registry.TombstoneProducer(topic, node) }

// UntombstoneProducer shows it again.
func (l Lookup) UntombstoneProducer(topic, node string) {
	l.n.registry.UntombstoneProducer(topic, node)
}
