package gossip

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/netip"
	"syscall"
	"time"
)

const (
	patientDial   = time.Second
	maxGreetings  = 64
	greetPatience = 3 * time.Second
	maxBackoff    = 2 * time.Second
)

// attempts remembers when a link to a member may be tried again.
type attempts struct {
	instance uint64 // a new process has a new start
	next     time.Time
	backoff  time.Duration
}

// linkLoop keeps the links that this node wants.
func (m *Mesh) linkLoop(l *life) {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	tried := make(map[string]*attempts)
	for {
		m.dialWanted(l, tried)
		l.rivals.check(m, l)
		select {
		case <-l.ctx.Done():
			return
		case <-m.linkKick:
		case <-ticker.C:
		}
	}
}

// dialWanted starts what is due. In a small mesh the lower id dials, and the other one only if that does not help.
func (m *Mesh) dialWanted(l *life, tried map[string]*attempts) {
	if l.leaving.Load() {
		return
	}
	now := time.Now()
	others := m.table.members()
	wanted := m.wanted(others)
	unlinked := make(map[string]bool)
	for _, o := range others {
		doubted := o.Status == Dead && o.listed // a handshake would clear it
		if o.Linked || !doubted && !wanted[o.ID] || o.LinkAddr == "" {
			continue
		}
		unlinked[o.ID] = true
		a := tried[o.ID]
		if a == nil || a.instance != o.Instance {
			a = &attempts{instance: o.Instance, next: now, backoff: 100 * time.Millisecond}
			if len(others) <= m.profile.full && m.cfg.ID > o.ID {
				a.next = now.Add(patientDial)
			}
			tried[o.ID] = a
		}
		if now.Before(a.next) {
			continue
		}
		a.backoff = min(2*a.backoff, maxBackoff)
		a.next = now.Add(jitter(a.backoff))
		l.group.start(func() { m.tryLink(l, o) })
	}
	maps.DeleteFunc(tried, func(id string, _ *attempts) bool { return !unlinked[id] })
}

func (m *Mesh) tryLink(l *life, o Member) {
	ctx, cancel := context.WithTimeout(l.ctx, m.profile.dial+greetPatience)
	defer cancel()
	_, err := m.connect(ctx, o)
	if err == nil {
		return
	}
	time.AfterFunc(maxBackoff/4, func() { kick(m.linkKick) })
	if errors.Is(err, syscall.ECONNREFUSED) && o.Status.Alive() && !m.answersUDP(l, o.ID) {
		m.bury(hello{id: o.ID, name: o.Name, instance: o.Instance}, o.LinkAddr)
		return
	}
	if o.Status.Alive() {
		m.complain("no link to member", o.Name, o.LinkAddr, err)
	}
}

// linkTo returns the link to a member, made if there is none.
func (m *Mesh) linkTo(ctx context.Context, id string) (*link, error) {
	if l := m.links.get(id); l != nil && !l.closed() {
		return l, nil
	}
	member, ok := m.table.member(id)
	if !ok {
		return nil, fmt.Errorf("%w: %s", ErrUnknownMember, id)
	}
	if !member.Status.Alive() || member.LinkAddr == "" {
		return nil, fmt.Errorf("%w: %s is %s", ErrUnreachable, member.Name, member.Status)
	}
	return m.connect(ctx, member)
}

// connect dials a member. Whoever comes while an attempt is under way shares its outcome.
func (m *Mesh) connect(ctx context.Context, to Member) (*link, error) {
	wait, mine := m.links.dial(to.ID)
	if !mine {
		select {
		case <-wait:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if l := m.links.get(to.ID); l != nil {
			return l, nil
		}
		return nil, fmt.Errorf("%w: %s", ErrUnreachable, to.Name)
	}
	defer m.links.dialled(to.ID)
	l, err := m.dialLink(ctx, to)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrUnreachable, to.Name, err)
	}
	return l, nil
}

func (m *Mesh) dialLink(ctx context.Context, to Member) (*link, error) {
	life := m.life.Load()
	if life == nil {
		return nil, ErrNotRunning
	}
	conn, err := m.dialMember(ctx, life, to, "")
	if err != nil {
		return nil, err
	}
	return m.adopt(life, conn.Conn, conn.peer, true)
}

// greeted is a connection whose other end has said who it is.
type greeted struct {
	net.Conn
	peer hello
}

// dialMember makes sure that it is the member which answers: addresses change hands.
func (m *Mesh) dialMember(ctx context.Context, life *life, to Member, purpose string) (greeted, error) {
	conn, peer, err := m.dialGreet(ctx, life, to.LinkAddr, purpose)
	if err != nil {
		return greeted{}, err
	}
	if peer.id != to.ID {
		_ = conn.Close()
		return greeted{}, fmt.Errorf("%s has %s's address now", peer.name, to.Name)
	}
	return greeted{conn, peer}, nil
}

// dialGreet connects and shakes hands.
func (m *Mesh) dialGreet(ctx context.Context, life *life, address, purpose string) (net.Conn, hello, error) {
	dctx, cancel := context.WithTimeout(ctx, m.profile.dial)
	defer cancel()
	raw, err := m.cfg.Network.Dial(dctx, address)
	if err != nil {
		return nil, hello{}, err
	}
	stop := context.AfterFunc(ctx, func() { _ = raw.Close() })
	defer stop()
	conn, err := m.secureDial(ctx, raw, address)
	if err != nil {
		_ = raw.Close()
		return nil, hello{}, fmt.Errorf("TLS: %w", err)
	}
	g := m.greet(life, purpose)
	peer, err := g.greetAsDialler(conn, greetPatience)
	if err != nil {
		_ = conn.Close()
		return nil, hello{}, err
	}
	if g.rival(peer) {
		_ = conn.Close()
		return nil, peer, m.meetRival(life, g.mine, peer, address)
	}
	return conn, peer, nil
}

func (m *Mesh) greet(l *life, purpose string) greeting {
	return greeting{keys: m.keyring.GetKeys(), admit: m.admitPurpose, mine: hello{
		cluster: m.cfg.Cluster, id: m.cfg.ID, name: m.cfg.Name, instance: l.instance,
		uptime: uint64(time.Since(m.started).Milliseconds()), gossip: m.Addr(), link: m.LinkAddr(),
		purpose: purpose, keyed: len(m.keyring.GetKeys()) > 0, nonce: newNonce(),
	}}
}

// adopt makes a connection whose handshake is done the link to its peer.
func (m *Mesh) adopt(life *life, conn net.Conn, peer hello, dialled bool) (*link, error) {
	l := newLink(m, life, conn, peer, dialled)
	old, ok := m.links.add(l, m.cfg.ID)
	if !ok {
		_ = conn.Close()
		if old := m.links.get(peer.id); old != nil {
			return old, nil
		}
		return nil, errRefused{refusedBusy}
	}
	if old != nil {
		old.drop()
	}
	info, addr := peerMeta(peer, conn)
	m.table.linked(info, addr, l)
	if !life.group.start(l.write) || !life.group.start(func() { m.serveLink(l) }) {
		l.drop()
		m.linkEnded(l)
		return nil, ErrNotRunning
	}
	l.ping()
	if dialled {
		m.syncer.soon(peer.id, nil)
	}
	return l, nil
}

// peerMeta takes from a hello what memberlist would tell about its sender, who may not have told it yet.
func peerMeta(peer hello, conn net.Conn) (meta, netip.AddrPort) {
	gossip, _ := netip.ParseAddrPort(peer.gossip)
	linkAt, _ := netip.ParseAddrPort(peer.link)
	if !gossip.IsValid() {
		if remote, err := netip.ParseAddrPort(conn.RemoteAddr().String()); err == nil {
			gossip = netip.AddrPortFrom(remote.Addr().Unmap(), 0)
		}
	}
	return meta{id: peer.id, name: peer.name, instance: peer.instance, link: linkAt}, gossip
}

func (m *Mesh) serveLink(l *link) {
	stop := context.AfterFunc(l.life.ctx, l.drop)
	defer stop()
	l.read()
	l.close()
	l.cancelServing()
	m.linkEnded(l)
}

// linkEnded suspects the peer of a link that broke without anybody wanting it.
func (m *Mesh) linkEnded(l *link) {
	current := m.links.remove(l)
	m.table.unlinked(l)
	kick(m.linkKick)
	if current && !l.deliberate.Load() {
		l.life.group.start(func() { m.suspect(l.life, l.peer) })
	}
}

// complain tells about a peer that cannot be linked, once a minute.
func (m *Mesh) complain(text, who, address string, err error) {
	if errors.Is(err, io.EOF) || errors.Is(err, context.Canceled) {
		return
	}
	if repeated, ok := m.quiet.pass(text + who + withoutPorts(address) + withoutPorts(err.Error())); ok {
		m.log.Warn(text, "member", who, "address", address, "error", err, "repeated", repeated)
	}
}
