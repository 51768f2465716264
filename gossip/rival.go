package gossip

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"
)

// ErrNameTaken says that another live node has this node's name or id, and had it first.
var ErrNameTaken = errors.New("another live node has this name or id")

const (
	standBySpan  = time.Minute     // how long a node waits for its namesake to go away
	standByEvery = 2 * time.Second // and how often it looks
	rivalRest    = 2 * time.Second
)

// rivalError ends the life of the later one of two namesakes.
type rivalError struct {
	peer    hello
	address string
}

func (e *rivalError) Error() string {
	return fmt.Sprintf("%s %q (id %s) at %s", ErrNameTaken, e.peer.name, e.peer.id, e.address)
}

func (e *rivalError) Unwrap() error { return ErrNameTaken }

// rivals are nodes of this node's name or id that memberlist knows. Most of them are this node's own past: only one that
// answers over a link is a rival.
type rivals struct {
	mu    sync.Mutex
	known map[uint64]rival
}

type rival struct {
	address string
	next    time.Time
}

func (r *rivals) seen(m meta, addr netip.AddrPort) {
	p := incarnation{meta: m, addr: addr}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.known == nil {
		r.known = make(map[uint64]rival)
	}
	r.known[m.instance] = rival{address: p.linkAddr()}
}

func (r *rivals) lost(instance uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.known, instance)
}

// due returns whom to ask now.
func (r *rivals) due() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var addresses []string
	now := time.Now()
	for instance, k := range r.known {
		if k.address != "" && !now.Before(k.next) {
			addresses = append(addresses, k.address)
			k.next = now.Add(rivalRest)
			r.known[instance] = k
		}
	}
	return addresses
}

// check greets every rival; meetRival, on both sides, does the rest.
func (r *rivals) check(m *Mesh, l *life) {
	for _, address := range r.due() {
		l.group.start(func() {
			ctx, cancel := context.WithTimeout(l.ctx, m.profile.dial+greetPatience)
			defer cancel()
			if conn, _, err := m.dialGreet(ctx, l, address, ""); err == nil {
				_ = conn.Close()
			}
		})
	}
}

// rival reports whether the other side of a handshake claims to be who this node is. A node that meets itself is none.
func (g greeting) rival(peer hello) bool {
	return peer.instance != g.mine.instance && (peer.id == g.mine.id || peer.name == g.mine.name)
}

// yields decides between two namesakes by what both said in their hellos, so that both come to the same end.
func yields(mine, peer hello) bool {
	if mine.uptime != peer.uptime {
		return mine.uptime < peer.uptime
	}
	return mine.instance > peer.instance
}

func (m *Mesh) meetRival(l *life, mine, peer hello, address string) error {
	err := &rivalError{peer: peer, address: address}
	if yields(mine, peer) {
		l.fail(err)
	}
	return err
}

// standBy waits until the namesake is gone, or fails.
func (m *Mesh) standBy(ctx context.Context, r *rivalError) error {
	m.log.Error("not joining: another live node has this name or id",
		"name", r.peer.name, "id", r.peer.id, "address", r.address, "waiting", standBySpan)
	end := time.Now().Add(standBySpan)
	for time.Now().Before(end) {
		if sleep(ctx, standByEvery) != nil {
			return nil
		}
		if !m.answersAs(ctx, r) {
			m.log.Info("joining: the other node is gone", "name", r.peer.name, "address", r.address)
			return nil
		}
	}
	return r
}

// answersAs reports whether the namesake is still there.
func (m *Mesh) answersAs(ctx context.Context, r *rivalError) bool {
	ctx, cancel := context.WithTimeout(ctx, m.profile.dial+greetPatience)
	defer cancel()
	stand := &life{instance: newInstance(), fail: func(error) {}}
	_, _, err := m.dialGreet(ctx, stand, r.address, "")
	var still *rivalError
	return errors.As(err, &still)
}
