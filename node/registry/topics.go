package registry

import "github.com/nsqmesh/nsqmesh/node/names"

// Topic is a topic of this node's own nsqd. A zero Created keeps the stamp of the registration, over restarts, too; where
// there is none the topic is new.
type Topic struct {
	Paused   bool
	Created  Stamp
	Channels []Channel
}

// Channel is a channel of such a topic.
type Channel struct {
	Name   string
	Paused bool
}

// SetNode says what this node is.
func (r *Registry) SetNode(n Node) {
	r.mu.Lock()
	defer r.commit()
	r.nodeID.number, r.nodeID.begun, r.nodeID.origin = n.NodeID, n.NodeID, n.NodeIDOrigin
	r.put("n", n.encode(), 0)
	for _, d := range r.docs {
		r.contend(d)
	}
}

// SetDraining says whether producers should go elsewhere. SetNode comes first.
func (r *Registry) SetDraining(on bool) {
	r.mu.Lock()
	defer r.commit()
	if n := r.own.node; n.Draining != on {
		n.Draining = on
		r.put("n", n.encode(), 0)
	}
}

// SetTopic says how a topic of this node's own nsqd is now.
func (r *Registry) SetTopic(name string, t Topic) {
	r.SetTopics(map[string]Topic{name: t})
}

// SetTopics is SetTopic for many topics at once, as after a start.
func (r *Registry) SetTopics(topics map[string]Topic) {
	r.mu.Lock()
	defer r.commit()
	for name, t := range topics {
		if names.ValidTopic(name) {
			r.setTopic(name, t)
		}
	}
}

func (r *Registry) setTopic(name string, t Topic) {
	r.register(key(kindTopic, name), t.Paused, t.Created)
	keep := map[string]bool{}
	for _, c := range t.Channels {
		if names.ValidChannel(c.Name) {
			k := key(kindChannel, name, c.Name)
			keep[k] = true
			r.register(k, c.Paused, Stamp{})
		}
	}
	for _, k := range r.ownChannels(name) {
		if !keep[k] {
			r.unregister(k)
		}
	}
}

// register puts a registration. It keeps its stamp while it lives, for deletes are told apart by it.
func (r *Registry) register(k string, paused bool, created Stamp) {
	stamp, had := r.stamp(k)
	switch {
	case !created.IsZero():
		stamp = created
	case had:
	case !r.created[k].IsZero():
		stamp = r.created[k]
	default:
		stamp = r.nextStamp()
	}
	delete(r.created, k)
	r.observe(stamp)
	r.put(k, stamped{paused: paused, stamp: stamp}.encode(r.own.owner), 0)
	if s, _ := parseKey(k); !had && !s.ephemeral() {
		r.unsave(saveDelay)
	}
}

func (r *Registry) unregister(k string) {
	r.remove(k)
	delete(r.created, k)
	if s, _ := parseKey(k); !s.ephemeral() {
		r.unsave(saveSoon)
	}
}

// ownChannels returns the keys of the channels that this node's nsqd has of a topic.
func (r *Registry) ownChannels(topic string) []string {
	t := r.topics[topic]
	if t == nil {
		return nil
	}
	var keys []string
	for at := range t.facts {
		if at.doc == r.own && at.key[0] == kindChannel {
			keys = append(keys, at.key)
		}
	}
	return keys
}

// RemoveTopic says that this node's nsqd no longer has a topic.
func (r *Registry) RemoveTopic(name string) {
	r.mu.Lock()
	defer r.commit()
	for _, k := range r.ownChannels(name) {
		r.unregister(k)
	}
	r.unregister(key(kindTopic, name))
	for k := range r.created { // of channels that were not seen again since the start
		if s, ok := parseKey(k); ok && s.topic == name {
			delete(r.created, k)
		}
	}
}

// Created returns the stamps under which a topic of this node's nsqd, or a channel of it, is registered, and whether it is.
func (r *Registry) Created(topic, channel string) (Stamp, bool) {
	k := key(kindTopic, topic)
	if channel != "" {
		k = key(kindChannel, topic, channel)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if s, ok := r.stamp(k); ok {
		return s, true
	}
	s, ok := r.created[k]
	return s, ok
}
