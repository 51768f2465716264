package gossip

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	lookupPatience = 5 * time.Second
	srvPrefix      = "srv+"
	defaultPort    = 4155
)

// seedBook holds what the seeds resolved to the last time they did. A resolver that is slow or down costs nobody his
// chance to join: attempts go on with what is known.
type seedBook struct {
	mu    sync.Mutex
	known map[string][]netip.AddrPort
	busy  bool
	at    time.Time
}

// seedAddresses returns what is known, after waiting a little for a look-up if one is due.
func (m *Mesh) seedAddresses(ctx context.Context, l *life) []netip.AddrPort {
	if done := m.lookUpSeeds(ctx, l); done != nil {
		select {
		case <-done:
		case <-time.After(m.profile.rejoin):
		case <-ctx.Done():
		}
	}
	m.seeds.mu.Lock()
	defer m.seeds.mu.Unlock()
	var all []netip.AddrPort
	for _, addrs := range m.seeds.known {
		all = append(all, addrs...)
	}
	return all
}

// lookUpSeeds starts a look-up of all seeds unless there was one a moment ago or one is under way.
func (m *Mesh) lookUpSeeds(ctx context.Context, l *life) <-chan struct{} {
	m.seeds.mu.Lock()
	defer m.seeds.mu.Unlock()
	if m.seeds.busy || !m.seeds.at.IsZero() && time.Since(m.seeds.at) < resolveEvery {
		return nil
	}
	done := make(chan struct{})
	m.seeds.busy = l.group.start(func() {
		m.resolveAll(ctx, m.seedNames())
		m.seeds.mu.Lock()
		m.seeds.busy, m.seeds.at = false, time.Now()
		m.seeds.mu.Unlock()
		close(done)
		kick(m.joinKick)
	})
	return done
}

// seedNames are the seeds configured, those in the seeds' file, and those in the file of last known members.
func (m *Mesh) seedNames() []string {
	names := append([]string(nil), m.cfg.Seeds...)
	for _, path := range []string{m.cfg.SeedsFile, m.cfg.MembersFile} {
		lines, err := readSeeds(path)
		if err != nil {
			m.complain("seeds not read", "", path, err)
		}
		names = append(names, lines...)
	}
	return names
}

// resolveAll resolves all seeds at once. One that does not resolve keeps its last addresses.
func (m *Mesh) resolveAll(ctx context.Context, names []string) {
	var all sync.WaitGroup
	for _, name := range names {
		all.Go(func() {
			addrs, err := m.resolve(ctx, name)
			if err != nil {
				m.complain("seed not resolved", "", name, err)
				return
			}
			m.seeds.mu.Lock()
			defer m.seeds.mu.Unlock()
			if m.seeds.known == nil {
				m.seeds.known = make(map[string][]netip.AddrPort)
			}
			m.seeds.known[name] = addrs
		})
	}
	all.Wait()
	m.seeds.mu.Lock()
	defer m.seeds.mu.Unlock()
	maps.DeleteFunc(m.seeds.known, func(name string, _ []netip.AddrPort) bool { return !slices.Contains(names, name) })
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
