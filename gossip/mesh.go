package gossip

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/memberlist"
)

// Mesh is this node's part in a mesh.
type Mesh struct {
	cfg     Config
	profile profile
	log     *slog.Logger
	quiet   quiet
	started time.Time
	fault   error // of the configuration

	keysMu  sync.Mutex // of changes to the ring that take several steps
	keyring *memberlist.Keyring
	framer  *framer
	table   *table
	links   *links
	syncer  *syncer
	hints   *hints
	inbox   *inbox
	udp     *memberlist.TransmitLimitedQueue
	stats   counters

	handlersMu sync.RWMutex
	handlers   map[string]Handler
	purposes   map[string]*streamListener
	serving    chan struct{}

	changes  chan struct{} // somebody's status changed
	linkKick chan struct{} // somebody may need a link
	joinKick chan struct{} // somebody may need to be joined

	transport     *transport
	linkListener  net.Listener
	advertise     netip.AddrPort
	linkAdvertise netip.AddrPort
	greeting      chan struct{} // handshakes under way
	probing       chan struct{} // looks at the suspicions of others under way
	closing       sync.Once

	life   atomic.Pointer[life] // nil before Run, after it, and while the node stands by
	joined joined
	seeds  seedBook

	savedMembers string // what the file of last known members holds; joinLoop alone uses it
}

// New makes a mesh. It does no I/O; faults of the configuration come out of Listen.
func New(cfg Config) *Mesh {
	cfg.fill()
	m := &Mesh{
		cfg: cfg, profile: profiles[cfg.Profile], log: cfg.Log, started: time.Now(), fault: cfg.check(),
		framer: newFramer(), links: newLinks(), syncer: newSyncer(), hints: newHints(), inbox: newInbox(),
		handlers: make(map[string]Handler), purposes: make(map[string]*streamListener), serving: make(chan struct{}, maxServing),
		changes: make(chan struct{}, 1), linkKick: make(chan struct{}, 1), joinKick: make(chan struct{}, 1),
		greeting: make(chan struct{}, maxGreetings), probing: make(chan struct{}, 16),
	}
	m.table = newTable(m.profile.silence, cfg.Grace, (hearsayProbes+1)*m.profile.probeTimeout, m.membersChanged)
	m.udp = &memberlist.TransmitLimitedQueue{
		NumNodes:       func() int { return max(10, m.table.countAlive()+1) }, // for fewer its budget loses hints
		RetransmitMult: 4,
	}
	m.keyring, _ = memberlist.NewKeyring(nil, nil)
	for _, key := range cfg.Keys {
		if err := m.keyring.AddKey(key); err != nil && m.fault == nil {
			m.fault = fmt.Errorf("%w: %w", ErrConfig, err)
		}
	}
	return m
}

// Listen binds the sockets, so that the addresses are known before anything is said.
func (m *Mesh) Listen() error {
	if m.fault != nil {
		return m.fault
	}
	t, err := listenGossip(m.cfg.Network, m.cfg.Bind)
	if err != nil {
		return err
	}
	m.transport = t
	if m.advertise, err = m.advertised(m.cfg.Advertise, t.listener.Addr()); err != nil {
		m.Close()
		return fmt.Errorf("advertise gossip: %w", err)
	}
	if m.cfg.LinkBind == "" {
		return nil
	}
	if m.linkListener, err = m.cfg.Network.Listen(m.cfg.LinkBind); err != nil {
		m.Close()
		return fmt.Errorf("listen for links: %w", err)
	}
	if m.linkAdvertise, err = m.advertised(m.cfg.LinkAdvertise, m.linkListener.Addr()); err != nil {
		m.Close()
		return fmt.Errorf("advertise links: %w", err)
	}
	return nil
}

// advertised makes up what is missing in a configured address from the bound one.
func (m *Mesh) advertised(configured string, bound net.Addr) (netip.AddrPort, error) {
	host, port, err := splitAddress(configured)
	if err != nil {
		return netip.AddrPort{}, err
	}
	own, err := netip.ParseAddrPort(bound.String())
	if err != nil {
		return netip.AddrPort{}, err
	}
	if port == 0 {
		port = own.Port()
	}
	ip := own.Addr().Unmap()
	switch {
	case host != "":
		if ip, err = m.lookupOne(host); err != nil {
			return netip.AddrPort{}, err
		}
		if ip.IsUnspecified() {
			return netip.AddrPort{}, fmt.Errorf("%w: nobody can reach %s", ErrConfig, host)
		}
	case ip.IsUnspecified() && m.advertise.IsValid():
		ip = m.advertise.Addr()
	case ip.IsUnspecified():
		ip = ownIP()
	}
	return netip.AddrPortFrom(ip, port), nil
}

// Addr is where this node gossips, LinkAddr where it takes links, both as others see them. Known after Listen.
func (m *Mesh) Addr() string { return m.advertise.String() }

func (m *Mesh) LinkAddr() string {
	if !m.linkAdvertise.IsValid() {
		return ""
	}
	return m.linkAdvertise.String()
}

// Run joins and serves until ctx ends; then it says goodbye. It fails if another live node has this one's name or id.
func (m *Mesh) Run(ctx context.Context) error {
	defer m.Close()
	if m.transport == nil {
		return fmt.Errorf("%w: not listening", ErrNotRunning)
	}
	var sockets sync.WaitGroup
	defer sockets.Wait()
	defer m.Close()
	sockets.Go(m.transport.readPackets)
	sockets.Go(m.transport.acceptStreams)
	if m.linkListener != nil {
		sockets.Go(m.acceptLinks)
	}
	for {
		err := m.live(ctx)
		var rival *rivalError
		if !errors.As(err, &rival) {
			return err
		}
		if err := m.standBy(ctx, rival); err != nil || ctx.Err() != nil {
			return err
		}
	}
}

// Close releases the sockets of a mesh that will not be run. Run does it by itself.
func (m *Mesh) Close() {
	m.closing.Do(func() {
		if m.transport != nil {
			m.transport.close()
		}
		if m.linkListener != nil {
			_ = m.linkListener.Close()
		}
		m.handlersMu.RLock()
		defer m.handlersMu.RUnlock()
		for _, l := range m.purposes {
			_ = l.Close()
		}
	})
}

// Members returns all members known, this node among them.
func (m *Mesh) Members() []Member {
	self := Member{ID: m.cfg.ID, Name: m.cfg.Name, Addr: m.Addr(), LinkAddr: m.LinkAddr(), Status: Alive, Since: m.started, Self: true}
	if l := m.life.Load(); l != nil {
		self.Instance = l.instance
	}
	return append([]Member{self}, m.table.members()...)
}

// Alive reports whether a member is alive, or silent for so short a time that it counts as alive.
func (m *Mesh) Alive(id string) bool { return id == m.cfg.ID || m.table.isAlive(id) }

// Forget drops a member that is dead or has left, so that it is not looked for any more.
func (m *Mesh) Forget(id string) bool { return m.table.forget(id) }

// membersChanged is called with the table's lock held.
func (m *Mesh) membersChanged() {
	kick(m.changes)
	kick(m.linkKick)
	kick(m.joinKick)
}

func (m *Mesh) notifyLoop(ctx context.Context) {
	isolated := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-m.changes:
			m.cfg.OnChange()
		}
		if m.table.isIsolated() != isolated {
			isolated = !isolated
			m.tellIsolated(isolated)
		}
	}
}

func kick(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}
