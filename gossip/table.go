package gossip

import (
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// retention is how long a member that is away is remembered, and looked for.
	retention = 72 * time.Hour
	// proofDelay is how much later than a refused connection a UDP answer must come to prove that there is life.
	proofDelay = time.Second
)

// table knows every member but this node. Its lock is a leaf: memberlist's delegates take it.
type table struct {
	silence, grace, hearsay time.Duration
	changed                 func() // must not block

	mu     sync.Mutex
	byID   map[string]*record
	byPeer map[string]*incarnation // by the name in memberlist
	orders uint64

	talking    int       // members that talk over their links
	answeredAt time.Time // when any member was last heard by UDP
	isolated   bool
	relieved   time.Time // until then members are spared that have not been heard since
	sweptAt    time.Time
	wakes      time.Time // until then silence may be this node's own fault

	living atomic.Pointer[living]
}

// living is who counts as alive. It is replaced, never changed.
type living struct {
	ids      map[string]struct{}
	count    int // without those that are spared; 0 of an isolated node
	isolated bool
}

func newTable(silence, grace, hearsay time.Duration, changed func()) *table {
	t := &table{silence: silence, grace: grace, hearsay: hearsay, changed: changed,
		byID: make(map[string]*record), byPeer: make(map[string]*incarnation)}
	t.living.Store(&living{})
	return t
}

// process returns the incarnation that m describes, made if it is new. Called with the lock held.
func (t *table) process(m meta, addr netip.AddrPort) *incarnation {
	r := t.byID[m.id]
	if r == nil {
		r = &record{id: m.id, procs: make(map[uint64]*incarnation)}
		t.byID[m.id] = r
	}
	p := r.procs[m.instance]
	if p == nil {
		t.orders++
		p = &incarnation{order: t.orders}
		r.procs[m.instance] = p
		t.byPeer[m.peerName()] = p
	}
	p.meta, p.addr = m, addr
	return p
}

// settle judges a member anew after some evidence has changed. Called with the lock held.
func (t *table) settle(id string) {
	r := t.byID[id]
	if r == nil || len(r.procs) == 0 {
		return
	}
	now := time.Now()
	changed := t.rejudge(r, now)
	if t.weigh(now) || changed {
		t.publish()
	}
}

// rejudge also forgets processes that are over once another one has taken their place.
func (t *table) rejudge(r *record, now time.Time) bool {
	shown := r.shown
	r.judge(now, t.silence, t.grace)
	t.listen(r, now)
	r.spared = r.spared && (t.isolated || r.verdict != Alive && now.Before(t.relieved))
	changed := r.shown != shown
	if status := t.temper(r); status != r.status {
		r.status, r.since, changed = status, now, true
	}
	for instance, p := range r.procs {
		if p != r.shown && !p.listed && p.link == nil {
			delete(r.procs, instance)
			delete(t.byPeer, p.peerName())
		}
	}
	return changed
}

func (t *table) publish() {
	l := &living{ids: make(map[string]struct{}, len(t.byID)), isolated: t.isolated}
	for id, r := range t.byID {
		if r.status.Alive() {
			l.ids[id] = struct{}{}
		}
		if r.verdict.Alive() && !t.isolated {
			l.count++
		}
	}
	t.living.Store(l)
	t.changed()
}

// listed takes memberlist's word that a node lives.
func (t *table) listed(m meta, addr netip.AddrPort) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.process(m, addr)
	if !p.listed {
		p.gone, p.mute = false, time.Time{}
	}
	p.listed, t.answeredAt = true, time.Now()
	p.left = p.left || m.leaving
	t.settle(m.id)
	t.changed() // an address may be new
}

// unlisted takes memberlist's word that it does not. It reports whether that is to be looked into.
func (t *table) unlisted(peerName string, m meta) (doubtful bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.byPeer[peerName]
	if p == nil {
		return false
	}
	p.listed = false
	p.left = p.left || m.leaving
	doubtful = t.doubt(p)
	t.settle(p.id)
	return doubtful
}

// linked is told that a link to a node works, unlinked that it does not any more. Of two links made at the same moment
// the one that lost is closed before the other one is told of, so it cannot take its place whatever the order.
func (t *table) linked(m meta, addr netip.AddrPort, l *link) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.process(m, addr)
	p.gone, p.mute = false, time.Time{}
	if !l.closed() {
		p.link = l
	}
	t.settle(m.id)
}

func (t *table) unlinked(l *link) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.byID[l.peer.id]
	if r == nil || r.procs[l.peer.instance] == nil || r.procs[l.peer.instance].link != l {
		return
	}
	r.procs[l.peer.instance].link = nil
	t.settle(r.id)
}

// parted is a goodbye, buried the proof that a process is no more.
func (t *table) parted(id string, instance uint64) {
	t.conclude(id, instance, func(p *incarnation) { p.left = true })
}

func (t *table) buried(id string, instance uint64) {
	t.conclude(id, instance, func(p *incarnation) {
		if p.link == nil || p.link.closed() { // else it has come to us meanwhile
			p.gone, p.goneAt = true, time.Now()
		}
	})
}

// muted is the finding that nobody hears anything from a process.
func (t *table) muted(id string, instance uint64) {
	t.conclude(id, instance, func(p *incarnation) { p.mute = time.Now() })
}

func (t *table) conclude(id string, instance uint64, f func(*incarnation)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if r := t.byID[id]; r != nil && r.procs[instance] != nil {
		f(r.procs[instance])
		t.settle(id)
	}
}

// answered is told of an answer to a UDP probe: whoever was believed gone long before it is not.
func (t *table) answered(peerName string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.byPeer[peerName]
	if p == nil {
		return
	}
	t.answeredAt = time.Now()
	p.mute, p.answeredAt = time.Time{}, t.answeredAt
	if p.gone && time.Since(p.goneAt) > proofDelay {
		p.gone = false
	}
	t.settle(p.id)
}

// sweep lets time pass: silence becomes suspicion, grace ends, and who was away too long is forgotten.
func (t *table) sweep() {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	changed := false
	for id, r := range t.byID {
		changed = t.rejudge(r, now) || changed
		if !r.status.Alive() && now.Sub(r.since) > retention {
			t.remove(id)
			changed = true
		}
	}
	if t.weigh(now) || changed {
		t.publish()
	}
	t.sweptAt = now
}

// forget drops a member that is not alive. It reports whether there was one.
func (t *table) forget(id string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if r := t.byID[id]; r == nil || r.status.Alive() {
		return false
	}
	t.remove(id)
	t.publish()
	return true
}

func (t *table) remove(id string) {
	if t.byID[id].talks {
		t.talking--
	}
	for _, p := range t.byID[id].procs {
		delete(t.byPeer, p.peerName())
	}
	delete(t.byID, id)
}

// unlistAll is called when memberlist has ended: it has no opinion on anybody any more.
func (t *table) unlistAll() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for id, r := range t.byID {
		for _, p := range r.procs {
			p.listed = false
		}
		t.settle(id)
	}
}

func (t *table) isAlive(id string) bool {
	_, ok := t.living.Load().ids[id]
	return ok
}

// countAlive leaves out members that are alive only as far as an isolated node knows.
func (t *table) countAlive() int { return t.living.Load().count }

func (t *table) isIsolated() bool { return t.living.Load().isolated }

// members returns everybody, by id.
func (t *table) members() []Member {
	t.mu.Lock()
	list := make([]Member, 0, len(t.byID)+1)
	for _, r := range t.byID {
		list = append(list, r.member())
	}
	t.mu.Unlock()
	slices.SortFunc(list, func(a, b Member) int { return strings.Compare(a.ID, b.ID) })
	return list
}

func (t *table) member(id string) (Member, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if r := t.byID[id]; r != nil {
		return r.member(), true
	}
	return Member{}, false
}

// listedAt reports whether memberlist has somebody at an address among the living.
func (t *table) listedAt(a netip.AddrPort) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, r := range t.byID {
		for _, p := range r.procs {
			if p.addr == a && p.listed && !p.gone {
				return true
			}
		}
	}
	return false
}

// gossipAddr returns how memberlist calls a member and where it gossips.
func (t *table) gossipAddr(id string) (name string, addr netip.AddrPort, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.byID[id]
	if r == nil || r.shown == nil || r.shown.addr.Port() == 0 {
		return "", netip.AddrPort{}, false
	}
	return r.shown.peerName(), r.shown.addr, true
}
