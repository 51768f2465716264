package simnet

import (
	"net"
	"net/netip"
	"time"
)

const packetQueue = 4096

type packet struct {
	data []byte
	from net.Addr
}

type packetConn struct {
	host     *Host
	port     int
	queue    chan packet
	done     chan struct{}
	deadline deadline
}

func (c *packetConn) ReadFrom(b []byte) (int, net.Addr, error) {
	select {
	case p := <-c.queue:
		return copy(b, p.data), p.from, nil
	case <-c.done:
		return 0, nil, &net.OpError{Op: "read", Net: "udp", Err: net.ErrClosed}
	case <-c.deadline.wait():
		return 0, nil, &net.OpError{Op: "read", Net: "udp", Err: timeoutError{}}
	}
}

func (c *packetConn) WriteTo(b []byte, to net.Addr) (int, error) {
	select {
	case <-c.done:
		return 0, &net.OpError{Op: "write", Net: "udp", Err: net.ErrClosed}
	default:
	}
	a, err := netip.ParseAddrPort(to.String())
	if err != nil {
		return 0, &net.OpError{Op: "write", Net: "udp", Err: err}
	}
	n := c.host.net
	c.host.packetsOut.Add(1)
	c.host.packetBytesOut.Add(uint64(len(b)))
	n.mu.Lock()
	target := n.hosts[a.Addr().Unmap().String()]
	n.mu.Unlock()
	delay, lost := n.delay()
	if target == nil || lost || n.blocked(c.host, target) {
		return len(b), nil
	}
	p := packet{data: append([]byte(nil), b...), from: c.LocalAddr()}
	if delay == 0 {
		target.deliver(int(a.Port()), p)
	} else {
		time.AfterFunc(delay, func() { target.deliver(int(a.Port()), p) })
	}
	return len(b), nil
}

func (h *Host) deliver(port int, p packet) {
	h.net.mu.Lock()
	c := h.sockets[port]
	if h.silent() {
		c = nil
	}
	h.net.mu.Unlock()
	if c == nil {
		return
	}
	select {
	case c.queue <- p:
	default:
		h.packetsDropped.Add(1)
	}
}

func (c *packetConn) Close() error {
	c.host.net.mu.Lock()
	defer c.host.net.mu.Unlock()
	if c.host.sockets[c.port] != c {
		return net.ErrClosed
	}
	delete(c.host.sockets, c.port)
	close(c.done)
	return nil
}

func (c *packetConn) LocalAddr() net.Addr {
	return net.UDPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(c.host.ip), uint16(c.port)))
}

func (c *packetConn) SetDeadline(t time.Time) error      { return c.SetReadDeadline(t) }
func (c *packetConn) SetReadDeadline(t time.Time) error  { c.deadline.set(t); return nil }
func (c *packetConn) SetWriteDeadline(t time.Time) error { return nil }
