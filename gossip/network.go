package gossip

import (
	"context"
	"net"
	"net/netip"
)

// realNetwork is the network of the operating system.
type realNetwork struct{}

func (realNetwork) ListenPacket(address string) (net.PacketConn, error) {
	conn, err := net.ListenPacket("udp", address)
	if err != nil {
		return nil, err
	}
	if udp, ok := conn.(*net.UDPConn); ok {
		_ = udp.SetReadBuffer(2 << 20) // a burst of gossip must not overflow; less than asked for is fine
	}
	return conn, nil
}

func (realNetwork) Listen(address string) (net.Listener, error) { return net.Listen("tcp", address) }

func (realNetwork) Dial(ctx context.Context, address string) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, "tcp", address)
}

// ownIP is the address that others most likely reach this host by: a private IPv4 address if there is one, else any
// global one, else the loopback.
func ownIP() netip.Addr {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return loopback
	}
	best, rank := loopback, 0
	for _, a := range addrs {
		prefix, err := netip.ParsePrefix(a.String())
		if err != nil {
			continue
		}
		if r := rankIP(prefix.Addr()); r > rank {
			best, rank = prefix.Addr(), r
		}
	}
	return best
}

var loopback = netip.AddrFrom4([4]byte{127, 0, 0, 1})

func rankIP(ip netip.Addr) int {
	switch {
	case ip.IsLoopback() || !ip.IsGlobalUnicast():
		return 0
	case ip.Is4() && ip.IsPrivate():
		return 4
	case ip.Is4():
		return 3
	case ip.IsPrivate():
		return 2
	}
	return 1
}
