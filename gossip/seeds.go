package gossip

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"
)

const (
	lookupPatience = 5 * time.Second
	srvPrefix      = "srv+"
	defaultPort    = 4155
)

// seedAddresses resolves all seeds: those configured, those in the seeds' file, those in the file of last known members.
func (m *Mesh) seedAddresses(ctx context.Context) []netip.AddrPort {
	seeds := append([]string(nil), m.cfg.Seeds...)
	for _, path := range []string{m.cfg.SeedsFile, m.cfg.MembersFile} {
		lines, err := readSeeds(path)
		if err != nil {
			m.complain("seeds not read", "", path, err)
		}
		seeds = append(seeds, lines...)
	}
	var found []netip.AddrPort
	for _, seed := range seeds {
		addrs, err := m.resolve(ctx, seed)
		if err != nil {
			m.complain("seed not resolved", "", seed, err)
		}
		found = append(found, addrs...)
	}
	return found
}

// readSeeds reads one seed a line; what follows a '#' is a comment. A file that is not there has no seeds.
func readSeeds(path string) ([]string, error) {
	if path == "" {
		return nil, nil
	}
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	var seeds []string
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		line, _, _ := strings.Cut(lines.Text(), "#")
		if line = strings.TrimSpace(line); line != "" {
			seeds = append(seeds, line)
		}
	}
	return seeds, lines.Err()
}

// resolve returns every address behind a seed.
func (m *Mesh) resolve(ctx context.Context, seed string) ([]netip.AddrPort, error) {
	ctx, cancel := context.WithTimeout(ctx, lookupPatience)
	defer cancel()
	if name, ok := strings.CutPrefix(seed, srvPrefix); ok {
		return m.resolveSRV(ctx, name)
	}
	host, port, err := splitAddress(seed)
	if err != nil {
		return nil, err
	}
	if host == "" {
		return nil, fmt.Errorf("seed %q names no host", seed)
	}
	if port == 0 {
		port = m.seedPort()
	}
	return m.resolveHost(ctx, host, port)
}

// seedPort is the port of a seed that names none: the one that this node uses, if it was chosen and not given.
func (m *Mesh) seedPort() uint16 {
	if _, port, err := net.SplitHostPort(m.cfg.Bind); err == nil {
		if n, err := strconv.ParseUint(port, 10, 16); err == nil && n != 0 {
			return uint16(n)
		}
	}
	return defaultPort
}

func (m *Mesh) resolveSRV(ctx context.Context, name string) ([]netip.AddrPort, error) {
	_, records, err := m.cfg.Resolver.LookupSRV(ctx, "", "", name)
	if err != nil {
		return nil, err
	}
	var found []netip.AddrPort
	for _, r := range records {
		addrs, err := m.resolveHost(ctx, strings.TrimSuffix(r.Target, "."), r.Port)
		if err != nil {
			m.complain("seed not resolved", "", r.Target, err)
		}
		found = append(found, addrs...)
	}
	return found, nil
}

func (m *Mesh) resolveHost(ctx context.Context, host string, port uint16) ([]netip.AddrPort, error) {
	if ip, err := netip.ParseAddr(host); err == nil {
		return []netip.AddrPort{netip.AddrPortFrom(ip.Unmap(), port)}, nil
	}
	ips, err := m.cfg.Resolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, err
	}
	found := make([]netip.AddrPort, 0, len(ips))
	for _, ip := range ips {
		found = append(found, netip.AddrPortFrom(ip.Unmap(), port))
	}
	return found, nil
}

// lookupOne resolves a name that this node gives as its own.
func (m *Mesh) lookupOne(host string) (netip.Addr, error) {
	ctx, cancel := context.WithTimeout(context.Background(), lookupPatience)
	defer cancel()
	found, err := m.resolveHost(ctx, host, 0)
	if err != nil {
		return netip.Addr{}, err
	}
	best, rank := netip.Addr{}, -1
	for _, a := range found {
		if r := rankIP(a.Addr()); r > rank {
			best, rank = a.Addr(), r
		}
	}
	if !best.IsValid() {
		return best, fmt.Errorf("%s has no address", host)
	}
	return best, nil
}
