package gossip

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/memberlist"
)

// life is a mesh from a join to a leave: one memberlist, one instance number. Mostly there is one life in a Run; a node
// that had to yield to a namesake gets another one when that is gone, and is a new process in the eyes of the others.
type life struct {
	ctx      context.Context // ends when everything of this life has to end
	cancel   context.CancelFunc
	fail     context.CancelCauseFunc // ends the life for a reason
	instance uint64
	list     *memberlist.Memberlist
	group    group
	rivals   rivals
	leaving  atomic.Bool
	link     netip.AddrPort
	id, name string
}

func (l *life) meta() meta {
	return meta{id: l.id, name: l.name, instance: l.instance, link: l.link, leaving: l.leaving.Load()}
}

// group counts goroutines. Unlike a bare WaitGroup it may be used while somebody waits for its end.
type group struct {
	mu     sync.Mutex
	closed bool
	wg     sync.WaitGroup
}

func (g *group) start(f func()) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	g.wg.Go(f)
	return true
}

func (g *group) wait() {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	g.wg.Wait()
}

// live joins, serves until ctx ends or the life fails, and leaves. It returns a *rivalError if it had to yield to a namesake.
func (m *Mesh) live(ctx context.Context) error {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	l := &life{fail: fail, instance: newInstance(), link: m.linkAdvertise, id: m.cfg.ID, name: m.cfg.Name}
	l.ctx, l.cancel = context.WithCancel(context.WithoutCancel(ctx))
	defer l.cancel()
	if err := m.createList(l); err != nil {
		return err
	}
	m.life.Store(l)
	for _, loop := range []func(context.Context){m.syncLoop, m.hintLoop, m.mergeLoop, m.notifyLoop} {
		l.group.start(func() { loop(l.ctx) })
	}
	l.group.start(func() { m.keepLoop(l) })
	l.group.start(func() { m.linkLoop(l) })
	l.group.start(func() { m.joinLoop(ctx, l) })
	<-ctx.Done()
	m.leave(l)
	var rival *rivalError
	if errors.As(context.Cause(ctx), &rival) {
		return rival
	}
	return nil
}

// leave says goodbye in both ways and stays a moment, for what is said last must still leave the queues.
func (m *Mesh) leave(l *life) {
	l.leaving.Store(true)
	for _, link := range m.links.list() {
		link.offer(plainFrame(frameGoodbye, nil))
	}
	if err := l.list.Leave(time.Second); err != nil {
		m.log.Debug("leave", "error", err)
	}
	time.Sleep(4 * m.profile.gossip)
	m.life.Store(nil)
	_ = l.list.Shutdown()
	l.cancel() // which ends the links as well
	l.group.wait()
	m.table.unlistAll()
}

func (m *Mesh) createList(l *life) error {
	s := m.transport.session(m.cfg.Cluster, func() bool { return len(m.keyring.GetKeys()) > 0 }, m.advertise, m.profile.dial)
	list, err := memberlist.Create(m.listConfig(l, s))
	if err != nil {
		return fmt.Errorf("start membership: %w", err)
	}
	l.list = list
	m.transport.current.Store(s)
	return nil
}

func (m *Mesh) listConfig(l *life, s *session) *memberlist.Config {
	d := delegate{mesh: m, life: l}
	c := memberlist.DefaultLANConfig()
	c.Name = l.meta().peerName()
	c.Label = m.cfg.Cluster
	c.Transport = s
	c.BindPort = int(m.advertise.Port())
	c.ProbeInterval, c.ProbeTimeout = m.profile.probe, m.profile.probeTimeout
	c.SuspicionMult, c.SuspicionMaxTimeoutMult = m.profile.suspicion, 2
	c.GossipInterval, c.GossipNodes = m.profile.gossip, 4
	c.PushPullInterval, c.TCPTimeout = m.profile.pushPull, m.profile.stream
	c.DeadNodeReclaimTime = 5 * time.Second
	c.EnableCompression = false // it costs 78 KB of garbage for a packet
	c.UDPBufferSize = 1400
	c.Keyring = m.keyring
	c.Delegate, c.Events, c.Alive, c.Ping = d, d, d, d
	c.Logger = log.New(&logWriter{log: m.log}, "", 0)
	return c
}

func newInstance() uint64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return binary.BigEndian.Uint64(b[:])
}
