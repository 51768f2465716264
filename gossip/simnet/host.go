package simnet

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"syscall"
	"time"
)

// Host is a machine. It is the ground that a node under test stands on: its methods ListenPacket, Listen and Dial are
// those of package net, but for the network's name.
type Host struct {
	net *Network
	ip  string

	// guarded by the network's lock
	nextPort  int
	listeners map[int]*listener
	sockets   map[int]*packetConn
	frozen    bool
	off       bool
	dead      bool // for good

	packetsOut, packetBytesOut, streamBytesOut, packetsDropped atomic.Uint64
}

// Traffic is what a host has sent, and what it could not take.
type Traffic struct{ Packets, PacketBytes, StreamBytes, Dropped uint64 }

// Traffic returns the counters.
func (h *Host) Traffic() Traffic {
	return Traffic{Packets: h.packetsOut.Load(), PacketBytes: h.packetBytesOut.Load(),
		StreamBytes: h.streamBytesOut.Load(), Dropped: h.packetsDropped.Load()}
}

func (h *Host) silent() bool { return h.frozen || h.off }

// Crash ends all processes of the host: sockets are closed, peers get resets, dials are refused.
func (h *Host) Crash() { h.end(false) }

// PowerOff ends all processes and the machine with them: nobody is told, and nobody gets an answer, until PowerOn.
func (h *Host) PowerOff() { h.end(true) }

// PowerOn lets the machine answer again; its processes are gone, and what it says is that nobody listens.
func (h *Host) PowerOn() { h.net.change(func() { h.off = false }) }

// Freeze stops the host's processes: connections to it can be made, but nothing is heard from it until Thaw.
func (h *Host) Freeze() { h.net.change(func() { h.frozen = true }) }

// Thaw lets a frozen host go on.
func (h *Host) Thaw() { h.net.change(func() { h.frozen = false }) }

func (h *Host) end(off bool) {
	var listeners []*listener
	var sockets []*packetConn
	h.net.change(func() {
		h.off, h.dead = off, true
		for _, l := range h.listeners {
			listeners = append(listeners, l)
		}
		for _, s := range h.sockets {
			sockets = append(sockets, s)
		}
		for half := range h.net.halves {
			if half.from == h || half.to == h {
				half.reset(h)
			}
		}
	})
	for _, l := range listeners {
		_ = l.Close()
	}
	for _, s := range sockets {
		_ = s.Close()
	}
}

// ListenPacket, Listen: the address is host:port; the host may be empty or unspecified, the port 0.
func (h *Host) ListenPacket(address string) (net.PacketConn, error) {
	h.net.mu.Lock()
	defer h.net.mu.Unlock()
	if h.dead {
		return nil, syscall.ENETDOWN
	}
	port, err := h.port(address, func(p int) bool { return h.sockets[p] != nil })
	if err != nil {
		return nil, err
	}
	c := &packetConn{host: h, port: port, queue: make(chan packet, packetQueue), done: make(chan struct{})}
	h.sockets[port] = c
	return c, nil
}

func (h *Host) Listen(address string) (net.Listener, error) {
	h.net.mu.Lock()
	defer h.net.mu.Unlock()
	if h.dead {
		return nil, syscall.ENETDOWN
	}
	port, err := h.port(address, func(p int) bool { return h.listeners[p] != nil })
	if err != nil {
		return nil, err
	}
	l := &listener{host: h, port: port, backlog: make(chan *conn, backlog), done: make(chan struct{})}
	h.listeners[port] = l
	return l, nil
}

// port picks the port of an address. Called with the network's lock held.
func (h *Host) port(address string, taken func(int) bool) (int, error) {
	a, err := netip.ParseAddrPort(address)
	if err != nil {
		return 0, &net.AddrError{Err: "not an address of the simulated network", Addr: address}
	}
	port := int(a.Port())
	for port == 0 || a.Port() == 0 && taken(port) {
		h.nextPort++
		port = h.nextPort
	}
	if taken(port) {
		return 0, fmt.Errorf("listen on %s: %w", address, syscall.EADDRINUSE)
	}
	return port, nil
}

const synEvery = time.Second

// Dial connects to host:port. While the way is blocked it tries again, once a second.
func (h *Host) Dial(ctx context.Context, address string) (net.Conn, error) {
	a, err := netip.ParseAddrPort(address)
	if err != nil {
		return nil, &net.AddrError{Err: "not an address of the simulated network", Addr: address}
	}
	for {
		c, wait, err := h.connect(a)
		if err != nil || c != nil {
			return c, err
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: timeoutError{}}
		case <-timer.C:
		}
	}
}

// connect makes one attempt. It returns neither a connection nor an error if nobody answered.
func (h *Host) connect(a netip.AddrPort) (net.Conn, time.Duration, error) {
	n := h.net
	n.mu.Lock()
	to := n.hosts[a.Addr().String()]
	latency := n.latency
	lost := n.rng.IntN(1000) < n.perMille
	deaf := to == nil || to.off || h.silent() || n.cuts[[2]*Host{h, to}] || n.cuts[[2]*Host{to, h}]
	n.mu.Unlock()
	if deaf || lost {
		return nil, synEvery, nil
	}
	time.Sleep(2 * latency)
	n.mu.Lock()
	l := to.listeners[int(a.Port())]
	h.nextPort++
	port, dead := h.nextPort, h.dead
	n.mu.Unlock()
	switch {
	case dead:
		return nil, 0, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ENETDOWN}
	case l == nil:
		return nil, 0, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	}
	mine, theirs := newStream(h, port, to, l.port)
	select {
	case l.backlog <- theirs:
		return mine, 0, nil
	default:
		return nil, synEvery, nil
	}
}

type timeoutError struct{}

func (timeoutError) Error() string   { return "i/o timeout" }
func (timeoutError) Timeout() bool   { return true }
func (timeoutError) Temporary() bool { return true }
func (timeoutError) Is(e error) bool { return e == os.ErrDeadlineExceeded }

const backlog = 128

type listener struct {
	host    *Host
	port    int
	backlog chan *conn
	done    chan struct{}
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.backlog:
		return c, nil
	case <-l.done:
		return nil, &net.OpError{Op: "accept", Net: "tcp", Err: net.ErrClosed}
	}
}

func (l *listener) Close() error {
	l.host.net.mu.Lock()
	defer l.host.net.mu.Unlock()
	if l.host.listeners[l.port] != l {
		return net.ErrClosed
	}
	delete(l.host.listeners, l.port)
	close(l.done)
	return nil
}

func (l *listener) Addr() net.Addr { return tcpAddr(l.host, l.port) }

func tcpAddr(h *Host, port int) net.Addr {
	return net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(h.ip), uint16(port)))
}
