package gossip

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/memberlist"
)

const (
	maxPacket  = 64 << 10
	maxStreams = 128 // conversations of memberlist that others may have open with us
)

// transport owns the two gossip sockets. They live as long as the mesh, while memberlist is made anew when a node had to
// stand by; session is memberlist's view of them.
type transport struct {
	network  Network
	packets  net.PacketConn
	listener net.Listener
	current  atomic.Pointer[session]
	traffic  traffic
	streams  atomic.Int32
}

// traffic counts bytes, of payload.
type traffic struct{ packetIn, packetOut, streamIn, streamOut atomic.Uint64 }

// listenGossip binds UDP and TCP to the same port. With port 0 the kernel chooses one for TCP, which may be taken for UDP.
func listenGossip(n Network, address string) (*transport, error) {
	var lastErr error
	for range 10 {
		l, err := n.Listen(address)
		if err != nil {
			return nil, fmt.Errorf("listen for gossip: %w", err)
		}
		bound := l.Addr().String()
		p, err := n.ListenPacket(bound)
		if err == nil {
			return &transport{network: n, packets: p, listener: l}, nil
		}
		_ = l.Close()
		lastErr = err
		if bound == address {
			break
		}
	}
	return nil, fmt.Errorf("listen for gossip packets: %w", lastErr)
}

func (t *transport) close() {
	_ = t.listener.Close()
	_ = t.packets.Close()
}

// readPackets and acceptStreams run until the sockets are closed.
func (t *transport) readPackets() {
	buf := make([]byte, maxPacket)
	for {
		n, from, err := t.packets.ReadFrom(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			time.Sleep(10 * time.Millisecond) // an error that repeats must not spin
			continue
		}
		t.traffic.packetIn.Add(uint64(n))
		if s := t.current.Load(); s != nil && admitPacket(buf[:n], s.label, s.encrypted()) {
			s.receive(&memberlist.Packet{Buf: append([]byte(nil), buf[:n]...), From: from, Timestamp: time.Now()})
		}
	}
}

func (t *transport) acceptStreams() {
	for {
		conn, err := t.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			time.Sleep(10 * time.Millisecond)
			continue
		}
		s := t.current.Load()
		if s == nil || t.streams.Load() >= maxStreams {
			_ = conn.Close()
			continue
		}
		s.accept(conn)
	}
}

// session is the memberlist.Transport of one memberlist.
type session struct {
	*transport
	label     string
	encrypted func() bool
	dial      time.Duration
	advertise netip.AddrPort
	packetCh  chan *memberlist.Packet
	streamCh  chan net.Conn
	done      chan struct{}

	mu     sync.Mutex
	closed bool
	open   map[*stream]struct{}
}

func (t *transport) session(label string, encrypted func() bool, advertise netip.AddrPort, dial time.Duration) *session {
	return &session{
		transport: t, label: label, encrypted: encrypted, dial: dial, advertise: advertise,
		packetCh: make(chan *memberlist.Packet, 256), streamCh: make(chan net.Conn),
		done: make(chan struct{}), open: make(map[*stream]struct{}),
	}
}

func (s *session) receive(p *memberlist.Packet) {
	select {
	case s.packetCh <- p:
	case <-s.done:
	}
}

func (s *session) accept(conn net.Conn) {
	select {
	case s.streamCh <- s.track(conn):
	case <-s.done:
		_ = conn.Close()
	}
}

// FinalAdvertiseAddr ignores what memberlist was configured with: the mesh has made up its mind before.
func (s *session) FinalAdvertiseAddr(string, int) (net.IP, int, error) {
	return net.IP(s.advertise.Addr().AsSlice()), int(s.advertise.Port()), nil
}

func (s *session) WriteTo(b []byte, addr string) (time.Time, error) {
	to, err := netip.ParseAddrPort(addr)
	if err != nil {
		return time.Time{}, fmt.Errorf("send packet: %w", err)
	}
	s.traffic.packetOut.Add(uint64(len(b)))
	_, err = s.packets.WriteTo(b, net.UDPAddrFromAddrPort(to))
	return time.Now(), err
}

func (s *session) WriteToAddress(b []byte, addr memberlist.Address) (time.Time, error) {
	return s.WriteTo(b, addr.Addr)
}

// DialTimeout is never as patient as memberlist: a lost SYN must not hold up the next attempt.
func (s *session) DialTimeout(addr string, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), min(timeout, s.dial))
	defer cancel()
	conn, err := s.network.Dial(ctx, addr)
	if err != nil {
		return nil, err
	}
	return s.track(conn), nil
}

func (s *session) DialAddressTimeout(addr memberlist.Address, timeout time.Duration) (net.Conn, error) {
	return s.DialTimeout(addr.Addr, timeout)
}

func (s *session) PacketCh() <-chan *memberlist.Packet { return s.packetCh }
func (s *session) StreamCh() <-chan net.Conn           { return s.streamCh }

// Shutdown ends memberlist's conversations; the sockets stay.
func (s *session) Shutdown() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	close(s.done)
	s.current.CompareAndSwap(s, nil)
	for c := range s.open {
		_ = c.Conn.Close()
	}
	return nil
}

// stream is one TCP conversation of memberlist.
type stream struct {
	net.Conn
	session *session
	guard   streamGuard
}

func (s *session) track(conn net.Conn) *stream {
	c := &stream{Conn: conn, session: s, guard: streamGuard{plain: !s.encrypted()}}
	s.streams.Add(1)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open[c] = struct{}{}
	if s.closed {
		_ = conn.Close()
	}
	return c
}

func (c *stream) Read(b []byte) (int, error) {
	n, err := c.guard.read(c.Conn, b)
	c.session.traffic.streamIn.Add(uint64(n))
	return n, err
}

func (c *stream) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.session.traffic.streamOut.Add(uint64(n))
	return n, err
}

func (c *stream) Close() error {
	c.session.mu.Lock()
	if _, ok := c.session.open[c]; ok {
		delete(c.session.open, c)
		c.session.streams.Add(-1)
	}
	c.session.mu.Unlock()
	return c.Conn.Close()
}

// splitAddress takes "host", "host:port", ":port" or "" apart.
func splitAddress(address string) (host string, port uint16, err error) {
	if address == "" {
		return "", 0, nil
	}
	if ip, err := netip.ParseAddr(address); err == nil {
		return ip.String(), 0, nil
	}
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return address, 0, nil
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return "", 0, fmt.Errorf("port of %q: %w", address, err)
	}
	return host, uint16(n), nil
}
