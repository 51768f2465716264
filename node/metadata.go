package node

import (
	"context"
	"slices"

	"github.com/nsqmesh/nsqmesh/node/queue"
	"github.com/nsqmesh/nsqmesh/node/registry"
)

// Committer makes a change of metadata true on all nodes, this one before it returns. Which one a node has is the whole
// difference between a mesh by gossip and one with an authority.
type Committer interface {
	Create(ctx context.Context, topic, channel string) error
	Delete(ctx context.Context, topic, channel string) error
	Pause(ctx context.Context, topic, channel string, paused bool) error
}

// CreateTopic makes a topic on this node.
func (n *Node) CreateTopic(_ context.Context, topic string) error {
	_, err := n.broker.Topic(topic)
	return err
}

// CreateChannel makes a channel of a topic that is on this node.
func (n *Node) CreateChannel(_ context.Context, topic, channel string) error {
	t := n.broker.FindTopic(topic)
	if t == nil {
		return queue.ErrTopicNotFound
	}
	_, err := t.Channel(channel)
	return err
}

// DeleteTopic deletes a topic of this node everywhere. Where the mesh has just deleted it here, that was it: tools that
// delete on a lookup and then node by node find it gone. A node that is tombstoned for the topic deletes only its own.
func (n *Node) DeleteTopic(ctx context.Context, topic string) error {
	if n.broker.FindTopic(topic) == nil {
		if n.removedLately(topic) {
			return nil
		}
		return queue.ErrTopicNotFound
	}
	if n.registry.Tombstoned(topic) {
		n.acting.Lock()
		defer n.acting.Unlock()
		return n.deleteLocal(topic, "")
	}
	return n.committer(ctx).Delete(ctx, topic, "")
}

// DeleteChannel deletes a channel of this node everywhere.
func (n *Node) DeleteChannel(ctx context.Context, topic, channel string) error {
	if err := n.has(topic, channel); err != nil {
		if n.removedLately(topic + ":" + channel) {
			return nil
		}
		return err
	}
	return n.committer(ctx).Delete(ctx, topic, channel)
}

// PauseTopic pauses or resumes a topic on every node that has it.
func (n *Node) PauseTopic(ctx context.Context, topic string, paused bool) error {
	if n.broker.FindTopic(topic) == nil {
		return queue.ErrTopicNotFound
	}
	return n.committer(ctx).Pause(ctx, topic, "", paused)
}

// PauseChannel pauses or resumes a channel on every node that has it.
func (n *Node) PauseChannel(ctx context.Context, topic, channel string, paused bool) error {
	if err := n.has(topic, channel); err != nil {
		return err
	}
	return n.committer(ctx).Pause(ctx, topic, channel, paused)
}

func (n *Node) has(topic, channel string) error {
	t := n.broker.FindTopic(topic)
	switch {
	case t == nil:
		return queue.ErrTopicNotFound
	case t.FindChannel(channel) == nil:
		return queue.ErrChannelNotFound
	}
	return nil
}

// local commits by gossip: an intent in this node's own document, which every node brings about when it hears of it.
type local struct{ n *Node }

func (l local) Create(_ context.Context, topic, channel string) error {
	if channel == "" {
		l.n.registry.CreateTopic(topic)
	} else {
		l.n.registry.CreateChannel(topic, channel)
	}
	return nil
}

func (l local) Delete(_ context.Context, topic, channel string) error {
	l.n.acting.Lock()
	defer l.n.acting.Unlock()
	l.n.declareTopic(topic) // what was made a moment ago is deleted everywhere, too
	if channel == "" {
		l.n.registry.DeleteTopic(topic)
	} else {
		l.n.registry.DeleteChannel(topic, channel)
	}
	return l.n.deleteLocal(topic, channel)
}

func (l local) Pause(_ context.Context, topic, channel string, paused bool) error {
	l.n.acting.Lock()
	defer l.n.acting.Unlock()
	if channel == "" {
		l.n.registry.PauseTopic(topic, paused)
	} else {
		l.n.registry.PauseChannel(topic, channel, paused)
	}
	if err := l.n.pauseLocal(topic, channel, paused); err != nil {
		return err
	}
	return l.n.broker.Persist()
}

// deleteLocal deletes on this node; n.acting is held. The registration goes first: what somebody makes anew meanwhile must
// not stand under the old stamp, which the delete covers.
func (n *Node) deleteLocal(topic, channel string) error {
	defer n.declareTopic(topic)
	if channel == "" {
		n.registry.RemoveTopic(topic)
		return n.broker.DeleteTopic(topic)
	}
	t := n.broker.FindTopic(topic)
	if t == nil {
		return queue.ErrTopicNotFound
	}
	d := declared(t)
	d.Channels = slices.DeleteFunc(d.Channels, func(c registry.Channel) bool { return c.Name == channel })
	n.registry.SetTopic(topic, d)
	return t.DeleteChannel(channel)
}

func (n *Node) pauseLocal(topic, channel string, paused bool) error {
	t := n.broker.FindTopic(topic)
	if t == nil {
		return queue.ErrTopicNotFound
	}
	if channel == "" {
		t.Pause(paused)
		return nil
	}
	c := t.FindChannel(channel)
	if c == nil {
		return queue.ErrChannelNotFound
	}
	c.Pause(paused)
	return nil
}
