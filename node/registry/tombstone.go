package registry

import (
	"net"
	"strconv"
)

// TombstoneProducer hides the producers of a topic that are at node ("address:port" of their HTTP) for the tombstone
// lifetime. Doing it again starts the time anew.
func (r *Registry) TombstoneProducer(topic, node string) {
	r.mu.Lock()
	defer r.commit()
	t := r.topics[topic]
	if t == nil {
		return
	}
	for p := range t.holders {
		if p.facts != nil && p.facts.at(node) {
			r.tombstone(topic, p)
		}
	}
}

func (r *Registry) tombstone(topic string, p *producer) {
	registered := key(kindTopic, topic)
	if p.guest != "" {
		registered = key(kindGuestTopic, p.guest, topic)
	}
	e, ok := p.doc.entries[registered]
	if !ok || e.deleted {
		return
	}
	v := buried{p.doc.generation, decodeStamped(e.value, p.owner).stamp}
	r.put(key(kindTombstone, topic, p.owner, p.guest), v.encode(r.own.owner), r.opts.TombstoneLifetime)
}

// UntombstoneProducer ends what TombstoneProducer of this node did. A tombstone that another node made ends there.
func (r *Registry) UntombstoneProducer(topic, node string) {
	r.mu.Lock()
	defer r.commit()
	t := r.topics[topic]
	if t == nil {
		return
	}
	for p := range t.holders {
		if p.facts != nil && p.facts.at(node) {
			r.remove(key(kindTombstone, topic, p.owner, p.guest))
		}
	}
}

// at compares as stock does, by text; an IPv6 address may have its brackets, as nsqadmin sends it, or not.
func (p Producer) at(node string) bool {
	port := strconv.Itoa(p.HTTPPort)
	return node == p.BroadcastAddress+":"+port || node == net.JoinHostPort(p.BroadcastAddress, port)
}

// Tombstoned reports whether this node's own nsqd is hidden from the lookups of a topic now.
func (r *Registry) Tombstoned(topic string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.topics[topic]
	if t == nil {
		return false
	}
	for p, hidden := range t.holders {
		if hidden && p.doc == r.own && p.guest == "" {
			return true
		}
	}
	return false
}
