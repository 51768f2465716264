package gossip

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// names is a resolver of a few names, which may change.
type names struct {
	mu   sync.Mutex
	ips  map[string][]string
	srvs map[string][]*net.SRV
}

var errNoName = errors.New("no such name")

func (n *names) LookupNetIP(_ context.Context, _, host string) (found []netip.Addr, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, ip := range n.ips[host] {
		found = append(found, netip.MustParseAddr(ip))
	}
	if found == nil {
		return nil, errNoName
	}
	return found, nil
}

func (n *names) LookupSRV(_ context.Context, _, _, name string) (string, []*net.SRV, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.srvs[name] == nil {
		return "", nil, errNoName
	}
	return name, n.srvs[name], nil
}

func (n *names) set(host string, ips ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ips[host] = ips
}

func TestSeedsResolve(t *testing.T) {
	dns := &names{
		ips: map[string][]string{"one": {"10.0.0.1"}, "all": {"10.0.0.1", "10.0.0.2", "fd00::1"}, "mapped": {"::ffff:10.0.0.7"}},
		srvs: map[string][]*net.SRV{"_gossip._tcp.mesh": {
			{Target: "one.", Port: 1}, {Target: "gone.", Port: 2}, {Target: "all.", Port: 3}}},
	}
	tests := map[string]struct {
		seed, want string
		bad        bool
	}{
		"an IP address with a port":     {"10.1.1.1:99", "10.1.1.1:99", false},
		"an IP address alone":           {"10.1.1.1", "10.1.1.1:7000", false},
		"an IPv6 address with a port":   {"[fd00::9]:99", "[fd00::9]:99", false},
		"an IPv6 address alone":         {"fd00::9", "[fd00::9]:7000", false},
		"a name with a port":            {"one:99", "10.0.0.1:99", false},
		"a name alone":                  {"one", "10.0.0.1:7000", false},
		"a name of several addresses":   {"all:5", "10.0.0.1:5 10.0.0.2:5 [fd00::1]:5", false},
		"a mapped address":              {"mapped:5", "10.0.0.7:5", false},
		"SRV records":                   {"srv+_gossip._tcp.mesh", "10.0.0.1:1 10.0.0.1:3 10.0.0.2:3 [fd00::1]:3", false},
		"a name that is not there":      {"gone:1", "", true},
		"SRV records that aren't there": {"srv+gone", "", true},
		"a port without a host":         {":99", "", true},
		"a port that is none":           {"one:http2", "", true},
	}
	m := New(Config{ID: "i", Name: "n", Bind: "0.0.0.0:7000", Resolver: dns})
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			found, err := m.resolve(t.Context(), test.seed)
			var got []string
			for _, a := range found {
				got = append(got, a.String())
			}
			if strings.Join(got, " ") != test.want || (err != nil) != test.bad {
				t.Errorf("%s, %v", got, err)
			}
		})
	}
}

func TestSeedsFiles(t *testing.T) {
	dir := t.TempDir()
	seeds, known := filepath.Join(dir, "seeds"), filepath.Join(dir, "members")
	write := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	m := New(Config{ID: "i", Name: "n", Seeds: []string{"10.0.0.1:1"}, SeedsFile: seeds, MembersFile: known})
	look := func() (got []string) {
		m.resolveAll(t.Context(), m.seedNames())
		for _, addrs := range m.seeds.known {
			for _, a := range addrs {
				got = append(got, a.String())
			}
		}
		slices.Sort(got)
		return got
	}
	if got := look(); !slices.Equal(got, []string{"10.0.0.1:1"}) {
		t.Errorf("without the files: %v", got)
	}
	write(seeds, "# ours\n10.0.0.2:1 # the second\n\n  10.0.0.3:1\n")
	write(known, "10.0.0.4:1 # n4 id-4\n")
	if got := look(); !slices.Equal(got, []string{"10.0.0.1:1", "10.0.0.2:1", "10.0.0.3:1", "10.0.0.4:1"}) {
		t.Errorf("with both files: %v", got)
	}
	write(seeds, "10.0.0.9:1\n")
	if got := look(); len(got) != 3 {
		t.Errorf("the file is not read again: %v", got)
	}
}

func TestSimNodesFindEachOtherByNamesThatAppearLater(t *testing.T) {
	simulate(t, 1, func(s *sim) {
		dns := &names{ips: map[string][]string{}}
		with := func(c *Config) { c.Seeds, c.Resolver = []string{"mesh:4155"}, dns }
		for i, ip := range []string{"10.0.0.1", "10.0.0.2", "10.0.0.3"} {
			s.start(string(rune('a'+i)), ip, with)
		}
		time.Sleep(5 * time.Minute)
		dns.set("mesh", "10.0.0.1", "10.0.0.2", "10.0.0.3")
		if took := s.whole(time.Minute, s.nodes...); took > 8*time.Second {
			t.Errorf("whole after %v", took)
		}
	})
}

// A resolver that hangs holds up neither the seeds that need none nor those that it knew before.
func TestSimAResolverThatHangsHoldsUpNobody(t *testing.T) {
	simulate(t, 5, func(s *sim) {
		s.mesh(3)
		late := s.start("late", "10.0.1.1", func(c *Config) {
			c.Seeds, c.Resolver = []string{"10.0.0.1:4155", "mesh:4155"}, hanging{}
		})
		if took := s.whole(10*time.Second, s.nodes...); took > 2*time.Second {
			t.Errorf("joined after %v", took)
		}
		rest := without(s.nodes, late)
		s.net.Split(hosts(rest), hosts([]*simNode{late}))
		time.Sleep(time.Minute)
		s.net.Heal()
		if took := s.whole(10*time.Second, s.nodes...); took > 2*time.Second {
			t.Errorf("healed after %v", took)
		}
	})
}

type hanging struct{}

func (hanging) LookupNetIP(ctx context.Context, _, _ string) ([]netip.Addr, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func (hanging) LookupSRV(ctx context.Context, _, _, _ string) (string, []*net.SRV, error) {
	<-ctx.Done()
	return "", nil, ctx.Err()
}

func TestSimTheFileOfMembersBringsANodeBackWithoutSeeds(t *testing.T) {
	simulate(t, 2, func(s *sim) {
		file := filepath.Join(s.t.TempDir(), "members")
		s.mesh(2)
		with := func(c *Config) { c.MembersFile = file }
		old := s.start("c", "10.0.0.9", with)
		s.whole(10*time.Second, s.nodes...)
		time.Sleep(20 * time.Second)
		s.crash(old)
		time.Sleep(time.Minute)
		s.nodes[0].table.forget("id-c")
		s.nodes[1].table.forget("id-c")
		again := s.start("c", "10.0.0.77", func(c *Config) { with(c); c.Seeds = nil })
		if took := s.whole(10*time.Second, s.nodes[0], s.nodes[1], again); took > time.Second {
			t.Errorf("back after %v", took)
		}
		data, err := os.ReadFile(file)
		if err != nil || strings.Count(string(data), "\n") != 2 {
			t.Errorf("%q, %v", data, err)
		}
	})
}

// A seed that is this node itself, or a balancer before all of them, is no reason to join again and again.
func TestSimSeedsThatAreNobodyAreLeftAlone(t *testing.T) {
	simulate(t, 3, func(s *sim) {
		n := s.start("n", "10.0.0.1", func(c *Config) { c.Seeds = []string{"10.0.0.1:4155"} })
		s.mesh(2)
		before := n.Stats().StreamBytesOut
		time.Sleep(3 * time.Minute)
		if sent := n.Stats().StreamBytesOut - before; sent > 60<<10 {
			t.Errorf("%d bytes of push/pull in three minutes", sent)
		}
	})
}

func TestSimAMemberThatIsForgottenIsNotLookedFor(t *testing.T) {
	simulate(t, 4, func(s *sim) {
		s.mesh(3)
		s.crash(s.nodes[2])
		rest := s.nodes[:2]
		s.whole(10*time.Second, rest...)
		time.Sleep(time.Minute)
		for _, n := range rest {
			if len(n.Members()) != 3 || !n.Forget("id-n02") || len(n.Members()) != 2 {
				t.Errorf("%v", n.Members())
			}
		}
		time.Sleep(time.Minute)
		if len(rest[0].Members()) != 2 {
			t.Error("it is back")
		}
	})
}
