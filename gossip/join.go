package gossip

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"strings"
	"sync"
	"time"
)

const (
	maxJoins     = 3                // attempts at once
	resolveEvery = 5 * time.Second  // while somebody is missing
	foreignRest  = time.Minute      // an address that answers and is nobody's: a name of our own, or a balancer
	recently     = 10 * time.Minute // until then every node looks for a missing member, afterwards they share the work
	secondLook   = 250 * time.Millisecond
)

// joined remembers attempts to join.
type joined struct {
	mu      sync.Mutex
	running map[netip.AddrPort]bool
	foreign map[netip.AddrPort]time.Time // when it answered
}

func (j *joined) start(a netip.AddrPort) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.running[a] || len(j.running) >= maxJoins {
		return false
	}
	if j.running == nil {
		j.running = make(map[netip.AddrPort]bool)
		j.foreign = make(map[netip.AddrPort]time.Time)
	}
	j.running[a] = true
	return true
}

func (j *joined) end(a netip.AddrPort, foreign bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	delete(j.running, a)
	delete(j.foreign, a)
	if foreign {
		j.foreign[a] = time.Now()
	}
	maps.DeleteFunc(j.foreign, func(_ netip.AddrPort, at time.Time) bool { return time.Since(at) > foreignRest })
}

func (j *joined) resting(a netip.AddrPort) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	at, ok := j.foreign[a]
	return ok && time.Since(at) < foreignRest
}

// joinLoop looks for everybody who should be a member and is not, for ever. memberlist does not: after some twenty
// seconds of partition its two halves have forgotten each other.
func (m *Mesh) joinLoop(ctx context.Context, l *life) {
	for ctx.Err() == nil {
		missing := m.joinMissing(l, m.seedAddresses(ctx, l))
		pause := m.profile.calm
		if missing {
			pause = m.profile.rejoin
		}
		m.saveMembers()
		select {
		case <-ctx.Done():
		case <-m.joinKick: // changes come in bursts
			_ = sleep(ctx, m.profile.rejoin/10)
		case <-time.After(jitter(pause)):
		}
	}
}

// joinMissing starts attempts and reports whether somebody is missing.
func (m *Mesh) joinMissing(l *life, seeds []netip.AddrPort) bool {
	members := m.table.members()
	alive := map[netip.AddrPort]bool{m.advertise: true}
	var lost []netip.AddrPort
	missing := false
	living := m.table.countAlive()
	for _, o := range members {
		addr, err := netip.ParseAddrPort(o.Addr)
		if err != nil || addr.Port() == 0 {
			continue
		}
		switch {
		case o.Status == Left:
		case o.Status.Alive() && o.listed:
			alive[addr] = true
		case o.listed: // to memberlist a join says nothing new, but an answer would to us
			l.group.start(func() { m.answersUDP(l, o.ID) })
			missing = true
		default:
			missing = true
			if time.Since(o.Since) < recently || rand.IntN(living+1) == 0 {
				lost = append(lost, addr)
			}
		}
	}
	var absent []netip.AddrPort
	for _, s := range seeds {
		if !alive[s] && (living == 0 || !m.joined.resting(s)) {
			absent = append(absent, s)
		}
	}
	m.joinSome(l, absent, alive)
	m.joinSome(l, lost, alive)
	return missing || living == 0 || len(absent) > 0
}

// joinSome tries addresses in random order, as many at once as may be.
func (m *Mesh) joinSome(l *life, addrs []netip.AddrPort, alive map[netip.AddrPort]bool) {
	rand.Shuffle(len(addrs), func(i, j int) { addrs[i], addrs[j] = addrs[j], addrs[i] })
	for _, a := range addrs {
		if alive[a] || !m.joined.start(a) {
			continue
		}
		if !l.group.start(func() { m.join(l, a) }) {
			m.joined.end(a, false)
		}
	}
}

// join exchanges members with one address. Both sides may have believed each other dead: each refutes that only after
// it has heard it, so a second exchange may be needed until both agree.
func (m *Mesh) join(l *life, a netip.AddrPort) {
	answered := false
	for range 2 {
		if l.ctx.Err() != nil || l.leaving.Load() {
			break
		}
		if n, err := l.list.Join([]string{a.String()}); n == 0 || err != nil {
			if m.table.countAlive() == 0 && l.ctx.Err() == nil {
				m.tellKeptOut(a, err)
			}
			break
		}
		answered = true
		if sleep(l.ctx, secondLook) != nil || m.table.listedAt(a) {
			break
		}
	}
	m.joined.end(a, answered && !m.table.listedAt(a))
	if answered {
		kick(m.linkKick)
	}
}

// tellKeptOut tells why a node that is alone does not get in, once a minute. memberlist's errors are texts, in lists of one.
func (m *Mesh) tellKeptOut(a netip.AddrPort, err error) {
	why := fmt.Sprint(err)
	if _, after, ok := strings.Cut(why, "failed to join "+a.String()+": "); ok {
		why = strings.TrimSpace(after)
	}
	if strings.HasSuffix(why, "EOF") || strings.HasSuffix(why, "connection reset by peer") {
		why = "it hung up: its cluster name may be another one"
	}
	if repeated, ok := m.quiet.pass("cannot join" + a.String() + withoutPorts(why)); ok {
		m.log.Warn("cannot join", "address", a.String(), "error", why, "repeated", repeated)
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
