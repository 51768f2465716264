package gossip

import (
	"net/netip"
	"time"
)

// Status is what this node thinks of a member.
type Status uint8

const (
	Alive   Status = iota + 1
	Suspect        // silent, but nobody has said that it is dead: it still counts as alive
	Dead
	Left // it said goodbye
)

func (s Status) String() string {
	switch s {
	case Alive:
		return "alive"
	case Suspect:
		return "suspect"
	case Dead:
		return "dead"
	case Left:
		return "left"
	}
	return "unknown"
}

// Alive reports whether a member of that status counts as alive.
func (s Status) Alive() bool { return s == Alive || s == Suspect }

// Member is what this node knows about one member.
type Member struct {
	ID, Name  string
	Instance  uint64 // another one after every restart
	Addr      string // where it gossips
	LinkAddr  string // where it takes links; empty: nowhere
	Status    Status
	Since     time.Time // of that status, by this node's clock
	Self      bool
	Linked    bool
	RoundTrip time.Duration // over the link; 0 if unknown

	listed bool // memberlist believes that it lives
}

// incarnation is one process of a member. A restarted member has two for a while: the new one, and the old one until
// everybody agrees that it is dead.
type incarnation struct {
	meta
	addr   netip.AddrPort // where it gossips
	order  uint64         // later ones are shown
	listed bool           // memberlist has it among the living
	left   bool
	gone   bool // its host refuses connections: the process is no more
	goneAt time.Time
	mute   time.Time // since when everybody hears nothing from it; zero: somebody may
	lostAt time.Time // when neither memberlist nor a link spoke for it any more
	link   *link

	doubted    time.Time // until then its death is hearsay
	answeredAt time.Time // a probe of ours
}

// judge weighs the evidence. A goodbye and a refused connection are certain. What everybody finds silent is, until it
// speaks. A link that talks outweighs memberlist, whose probes may get lost in one direction; then memberlist's opinion
// counts; and then the grace.
func (i *incarnation) judge(now time.Time, silence, grace time.Duration) Status {
	talking := i.talking(now, silence)
	if i.link != nil && i.link.heardAt().After(i.mute) {
		i.mute = time.Time{}
	}
	mute := !i.mute.IsZero()
	if !mute && (i.listed || talking) {
		i.lostAt = time.Time{}
	} else if i.lostAt.IsZero() {
		i.lostAt = now
	}
	switch {
	case i.left:
		return Left
	case i.gone:
		return Dead
	case mute: // what memberlist has not found out yet
	case talking:
		return Alive
	case i.listed && i.link != nil:
		return Suspect
	case i.listed:
		return Alive
	}
	if now.Sub(i.lostAt) < grace || i.trusted(now, silence) {
		return Suspect
	}
	return Dead
}

func (i *incarnation) talking(now time.Time, silence time.Duration) bool {
	return i.link != nil && now.Sub(i.link.heardAt()) < silence
}

// record is one member: its id and the processes that were seen under it.
type record struct {
	id      string
	procs   map[uint64]*incarnation
	shown   *incarnation
	status  Status
	since   time.Time
	verdict Status    // of the evidence alone
	aliveAt time.Time // when that was Alive for the last time
	talks   bool      // over a link
	spared  bool      // from being dead for silence alone (isolation.go)
}

// judge makes the verdict on the best process the member's. Among equals the latest one is shown.
func (r *record) judge(now time.Time, silence, grace time.Duration) {
	r.shown = nil
	for _, p := range r.procs {
		s := p.judge(now, silence, grace)
		if r.shown == nil || s < r.verdict || s == r.verdict && p.order > r.shown.order {
			r.shown, r.verdict = p, s
		}
	}
	if r.verdict == Alive {
		r.aliveAt = now
	}
}

func (r *record) member() Member {
	p := r.shown
	m := Member{
		ID: r.id, Name: p.name, Instance: p.instance, Addr: p.addr.String(), LinkAddr: p.linkAddr(),
		Status: r.status, Since: r.since, Linked: p.link != nil, listed: p.listed,
	}
	if p.link != nil {
		m.RoundTrip = time.Duration(p.link.rtt.Load())
	}
	return m
}

// linkAddr falls back to the host that gossips: a node that does not know its own address announces the port alone.
func (i *incarnation) linkAddr() string {
	switch ip := i.meta.link.Addr(); {
	case i.meta.link.Port() == 0:
		return ""
	case !ip.IsValid() || ip.IsUnspecified():
		return netip.AddrPortFrom(i.addr.Addr(), i.meta.link.Port()).String()
	}
	return i.meta.link.String()
}
