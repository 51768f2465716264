package registry

import (
	"maps"
	"slices"
	"time"
)

// DocumentStatus is what this node has of one node's document.
type DocumentStatus struct {
	Owner               string
	Node                Node // what the owner says about itself
	Generation, Version uint64
	Entries             int
	Alive               bool
}

// Documents returns the state of all documents that this node has, sorted by owner.
func (r *Registry) Documents() []DocumentStatus {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := make([]DocumentStatus, 0, len(r.docs))
	for _, owner := range slices.Sorted(maps.Keys(r.docs)) {
		d := r.docs[owner]
		list = append(list, DocumentStatus{
			Owner: owner, Node: d.node,
			Generation: d.generation, Version: d.version,
			Entries: len(d.live()), Alive: d.alive,
		})
	}
	return list
}

// Rejected returns how many chunks could not be read, and how many records and chunks were of unknown kinds.
func (r *Registry) Rejected() (garbage, foreign uint64) {
	return r.garbage.Load(), r.foreign.Load()
}

// Registration is an entry as /debug of an nsqlookupd shows it.
type Registration struct {
	Producer
	ID           string    // of guests the address of their connection
	LastUpdate   time.Time // by this node's clock
	Tombstoned   bool
	TombstonedAt time.Time // by this node's clock; zero is never
}

// Registrations returns who registered what, by "category:topic:channel", whether it is up or not.
func (r *Registry) Registrations() map[string][]Registration {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := map[string][]Registration{}
	for _, p := range r.producers {
		if p.facts != nil {
			all["client::"] = append(all["client::"], r.registration(p))
		}
	}
	for name, t := range r.topics {
		for _, f := range r.facts(t) {
			p := r.producers[producerKey{f.doc.owner, f.guest}]
			_, holds := t.holders[p]
			if !holds || p.facts == nil {
				continue
			}
			reg := r.registration(p)
			switch f.kind {
			case kindTopic, kindGuestTopic:
				reg.Tombstoned, reg.TombstonedAt = t.holders[p], r.tombstonedAt(t, p)
				all["topic:"+name+":"] = append(all["topic:"+name+":"], reg)
			case kindChannel, kindGuestChannel:
				k := "channel:" + name + ":" + f.channel
				all[k] = append(all[k], reg)
			}
		}
	}
	return all
}

func (r *Registry) registration(p *producer) Registration {
	reg := Registration{Producer: p.facts.Producer, ID: p.facts.RemoteAddress, LastUpdate: p.doc.heard}
	if g := r.guests[p.guest]; g != nil && p.doc == r.own {
		reg.LastUpdate = g.pinged
	}
	return reg
}

func (r *Registry) tombstonedAt(t *topicIndex, p *producer) time.Time {
	for at, e := range t.facts {
		s, _ := parseKey(at.key)
		if s.kind == kindTombstone && t.holders[p] && s.owner == p.owner && s.guest == p.guest {
			left := e.expires - r.now()
			return time.Now().Add(left - r.opts.TombstoneLifetime)
		}
	}
	return time.Time{}
}
