package registry

import (
	"container/heap"
	"context"
	"time"

	"github.com/nsqmesh/nsqmesh/node/names"
)

// Run does what is due, when it is due, until ctx ends: tombstones and intents end, silent guests are hidden, dead nodes
// are forgotten, coalesced changes are told, and what must outlive a restart is written. With nothing due it sleeps.
func (r *Registry) Run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return r.save()
		case <-timer.C:
		case <-r.wake:
		}
		next := r.tick()
		if err := r.saveIfDue(); err != nil {
			r.log.Error("cannot write the registry's state", "err", err)
		}
		timer.Stop()
		if next != 0 {
			timer.Reset(max(0, next-r.now()))
		}
	}
}

// MembersChanged has liveness asked again, soon and by Run: the caller may hold whatever it likes.
func (r *Registry) MembersChanged() {
	r.mu.Lock()
	r.members = true
	r.schedule(r.now())
	r.mu.Unlock()
}

// schedule makes Run look at what is due no later than that.
func (r *Registry) schedule(at instant) {
	if r.wakeAt == 0 || at < r.wakeAt {
		r.wakeAt = at
		poke(r.wake)
	}
}

// tick does what is due and returns when it is to be called next; 0 is when something calls for it.
func (r *Registry) tick() instant {
	r.askMembers()
	r.mu.Lock()
	r.wakeAt = 0
	now := r.now()
	r.endExpired(now)
	r.hideSilent(now)
	r.forgetDead(now)
	if r.saveAt > now {
		r.schedule(r.saveAt)
	}
	r.commitMerge() // may schedule a broadcast, and the view that waits
	r.mu.Lock()
	defer r.mu.Unlock()
	select {
	case <-r.wake: // what was scheduled up to here is in wakeAt
	default:
	}
	return r.wakeAt
}

// askMembers asks for the liveness of every owner, without the lock.
func (r *Registry) askMembers() {
	r.mu.Lock()
	peers, due := r.peers, r.members
	r.members = false
	owners := make([]string, 0, len(r.docs))
	for owner := range r.docs {
		owners = append(owners, owner)
	}
	r.mu.Unlock()
	if !due || peers == nil {
		return
	}
	alive := map[string]bool{}
	for _, owner := range owners {
		alive[owner] = peers.Alive(owner)
	}
	r.mu.Lock()
	defer r.commit()
	for owner, is := range alive {
		if d := r.docs[owner]; d != nil && d != r.own {
			r.setAlive(d, is)
		}
	}
}

func (r *Registry) setAlive(d *document, alive bool) {
	changed := d.alive != alive
	d.alive = alive
	switch {
	case alive:
		d.since = 0
	case d.since == 0:
		d.since = r.now()
		r.schedule(d.since + deadLife)
	}
	if changed {
		r.contend(d)
		r.touchAll(d)
	}
}

// forgetDead drops documents of nodes that are dead for long.
func (r *Registry) forgetDead(now instant) {
	for owner, d := range r.docs {
		switch {
		case d.since == 0:
		case now-d.since >= deadLife:
			r.forget(owner, d.generation)
		default:
			r.schedule(d.since + deadLife)
		}
	}
	for owner, b := range r.forgotten {
		if now >= b.until {
			delete(r.forgotten, owner)
		}
	}
}

// burial keeps a document that was dropped from coming back from a node that drops it later.
type burial struct {
	generation uint64
	until      instant
}

func (r *Registry) buried(owner string, generation uint64) bool {
	b, ok := r.forgotten[owner]
	return ok && generation <= b.generation && r.now() < b.until
}

// forget drops a node's document up to a generation. If that node ever comes back, it does so with a higher one.
func (r *Registry) forget(owner string, generation uint64) {
	if owner == r.opts.ID {
		r.refute(generation, maxNumber)
		return
	}
	if b := r.forgotten[owner]; b.generation < generation || b.until == 0 {
		r.forgotten[owner] = burial{generation, r.now() + 2*deadLife}
	}
	if d := r.docs[owner]; d != nil && d.generation <= generation {
		r.inherit(d)
		r.discard(d)
	}
}

// inherit takes over the intents of a document that is about to be dropped: what nodes agreed on outlives them.
func (r *Registry) inherit(d *document) {
	for k, e := range d.entries {
		s, ok := parseKey(k)
		if !ok || e.deleted || s.kind != kindCreate && s.kind != kindPause {
			continue
		}
		v := decodeStamped(e.value, d.owner)
		if mine, had := r.stamp(k); !had || mine.Less(v.stamp) {
			r.put(k, v.encode(r.own.owner), 0)
			r.unsave(saveDelay)
		}
	}
}

// ForgetNode drops a dead node's document on all nodes, for one that is not to come back. It reports whether it was known
// and dead.
func (r *Registry) ForgetNode(owner string) bool {
	r.mu.Lock()
	defer r.commit()
	d := r.docs[owner]
	if d == nil || d.alive {
		return false
	}
	r.put(key(kindForget, owner), buried{generation: d.generation, stamp: r.nextStamp()}.encode(r.own.owner), 2*deadLife)
	return true
}

// expiry says when an entry ends, unless it was replaced before.
type expiry struct {
	ref
	at      instant
	version uint64
}

// expiring is a heap, the next one first.
type expiring []expiry

func (x expiring) Len() int           { return len(x) }
func (x expiring) Less(i, j int) bool { return x[i].at < x[j].at }
func (x expiring) Swap(i, j int)      { x[i], x[j] = x[j], x[i] }
func (x *expiring) Push(v any)        { *x = append(*x, v.(expiry)) }
func (x *expiring) Pop() any {
	last := (*x)[len(*x)-1]
	*x = (*x)[:len(*x)-1]
	return last
}

func (r *Registry) expire(at instant, what ref, version uint64) {
	heap.Push(&r.expiring, expiry{what, at, version})
	r.schedule(at)
}

func (r *Registry) endExpired(now instant) {
	for len(r.expiring) > 0 {
		x := r.expiring[0]
		if x.at > now {
			r.schedule(x.at)
			return
		}
		heap.Pop(&r.expiring)
		if e := x.doc.entries[x.key]; e.version != x.version || e.deleted {
			continue
		}
		if x.doc == r.own {
			r.remove(x.key)
		} else if s, _ := parseKey(x.key); names.ValidTopic(s.topic) {
			r.dirtyTopics[s.topic] = struct{}{}
		}
	}
}
