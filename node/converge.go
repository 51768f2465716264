package node

import (
	"context"
	"errors"
	"time"

	"github.com/nsqmesh/nsqmesh/node/queue"
	"github.com/nsqmesh/nsqmesh/node/registry"
)

// removedLife is how long a tool may take from a delete on a lookup to the same delete on each node.
const removedLife = 45 * time.Second

// Run keeps the registry telling what the queues hold, and the queues being what the mesh intends, until ctx ends. It
// goes by what is and what should be, so it does not matter how many signals were one.
func (n *Node) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-n.changes.C():
			n.declare()
		case <-n.registry.C():
			n.Renumber()
			n.Enforce()
			n.Obey()
		}
	}
}

// Renumber has new message ids come from the node id that the mesh knows this node by.
func (n *Node) Renumber() { n.broker.SetNodeID(int64(n.registry.NodeID())) }

// Declare tells the registry of everything that the queues hold; once, before the mesh hears of this node.
func (n *Node) Declare() {
	n.changes.Names()
	all := map[string]registry.Topic{}
	for _, t := range n.broker.Topics() {
		all[t.Name()] = declared(t)
	}
	n.registry.SetTopics(all)
}

// declare tells the registry of the topics that changed.
func (n *Node) declare() {
	for _, name := range n.changes.Names() {
		n.acting.Lock()
		n.declareTopic(name)
		n.acting.Unlock()
		n.inherit(name)
	}
}

func (n *Node) declareTopic(name string) {
	if t := n.broker.FindTopic(name); t != nil {
		n.registry.SetTopic(name, declared(t))
	} else {
		n.registry.RemoveTopic(name)
	}
}

func declared(t *queue.Topic) registry.Topic {
	d := registry.Topic{Paused: t.Paused()}
	for _, c := range t.Channels() {
		d.Channels = append(d.Channels, registry.Channel{Name: c.Name(), Paused: c.Paused()})
	}
	return d
}

// inherit applies to a topic that just came what was decided before: a paused channel is paused here, too.
func (n *Node) inherit(topic string) {
	for _, i := range n.registry.IntentsOf(topic) {
		n.obey(i)
	}
}

// Obey makes all intents of the mesh true on this node.
func (n *Node) Obey() {
	for _, i := range n.registry.Intents() {
		n.obey(i)
	}
}

func (n *Node) obey(i registry.Intent) {
	n.acting.Lock()
	defer n.acting.Unlock()
	if n.broker.FindTopic(i.Topic) == nil {
		return
	}
	var err error
	switch i.Kind {
	case registry.Delete:
		if created, here := n.registry.Created(i.Topic, i.Channel); here && i.Covers(created) {
			err = n.remove(i.Topic, i.Channel)
		}
	case registry.Pause: // in force until a delete, so it holds for what came to this node later, too
		err = n.settle(i)
	}
	if err != nil && !errors.Is(err, queue.ErrTopicNotFound) && !errors.Is(err, queue.ErrChannelNotFound) {
		n.o.Log.Error("cannot bring about what the mesh intends", "topic", i.Topic, "channel", i.Channel, "err", err)
	}
}

// remove deletes what another node was asked to delete.
func (n *Node) remove(topic, channel string) error {
	name := topic
	if channel != "" {
		name += ":" + channel
	}
	n.remember(name)
	err := n.deleteLocal(topic, channel)
	if err == nil {
		n.o.Log.Info("deleted as the mesh intends", "topic", topic, "channel", channel)
	}
	return err
}

// settle pauses or resumes what another node was asked to.
func (n *Node) settle(i registry.Intent) error {
	if n.paused(i.Topic, i.Channel) == i.Paused {
		return nil
	}
	if err := n.pauseLocal(i.Topic, i.Channel, i.Paused); err != nil {
		return err
	}
	n.o.Log.Info("paused or resumed as the mesh intends", "topic", i.Topic, "channel", i.Channel, "paused", i.Paused)
	return nil
}

func (n *Node) paused(topic, channel string) bool {
	t := n.broker.FindTopic(topic)
	if t == nil {
		return false
	}
	if channel == "" {
		return t.Paused()
	}
	c := t.FindChannel(channel)
	return c != nil && c.Paused()
}

func (n *Node) remember(name string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	now := time.Now()
	for old, at := range n.removed {
		if now.Sub(at) > removedLife {
			delete(n.removed, old)
		}
	}
	n.removed[name] = now
}

func (n *Node) removedLately(name string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	at, ok := n.removed[name]
	return ok && time.Since(at) <= removedLife
}
