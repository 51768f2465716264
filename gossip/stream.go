package gossip

import (
	"context"
	"fmt"
	"net"
	"sync"
)

const streamBacklog = 16

// Stream is a connection of its own between two members, for a protocol that brings its own framing. It went through
// the handshake of links, so both ends know who the other one is, and it is as secret as links are.
type Stream struct {
	net.Conn
	Peer string // id
}

// streamListener hands out the streams that members open for one purpose.
type streamListener struct {
	mesh    *Mesh
	streams chan net.Conn
	done    chan struct{}
	closing sync.Once
}

// StreamListener accepts streams for a purpose, on the port for links. Each connection is a *Stream.
func (m *Mesh) StreamListener(purpose string) net.Listener {
	l := &streamListener{mesh: m, streams: make(chan net.Conn, streamBacklog), done: make(chan struct{})}
	m.handlersMu.Lock()
	defer m.handlersMu.Unlock()
	m.purposes[purpose] = l
	return l
}

func (l *streamListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.streams:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *streamListener) Close() error {
	l.closing.Do(func() { close(l.done) })
	return nil
}

func (l *streamListener) Addr() net.Addr { return net.TCPAddrFromAddrPort(l.mesh.linkAdvertise) }

// deliver passes a stream on, or closes it if nobody takes it.
func (l *streamListener) deliver(s *Stream) {
	select {
	case <-l.done:
		_ = s.Close()
	case l.streams <- s:
	default:
		_ = s.Close()
	}
}

// DialStream opens a stream to a member, whatever this node thinks of its liveness.
func (m *Mesh) DialStream(ctx context.Context, id, purpose string) (net.Conn, error) {
	member, ok := m.table.member(id)
	if !ok {
		return nil, fmt.Errorf("%w: %s", ErrUnknownMember, id)
	}
	life := m.life.Load()
	if life == nil {
		return nil, ErrNotRunning
	}
	if member.LinkAddr == "" {
		return nil, fmt.Errorf("%w: %s takes no links", ErrUnreachable, member.Name)
	}
	conn, err := m.dialMember(ctx, life, member, purpose)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrUnreachable, member.Name, err)
	}
	return &Stream{Conn: conn.Conn, Peer: id}, nil
}

// admitPurpose refuses streams that nobody here takes.
func (m *Mesh) admitPurpose(peer hello) error {
	if peer.purpose == "" || m.purpose(peer.purpose) != nil {
		return nil
	}
	return errRefused{refusedPurpose}
}

func (m *Mesh) purpose(name string) *streamListener {
	m.handlersMu.RLock()
	defer m.handlersMu.RUnlock()
	return m.purposes[name]
}
