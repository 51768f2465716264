package gossip

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nsqmesh/nsqmesh/gossip/simnet"
)

// sim is a mesh of nodes on a simulated network, inside a bubble.
type sim struct {
	t     *testing.T
	net   *simnet.Network
	nodes []*simNode
	rng   *rand.Rand
	few   bool // as if the mesh were a large one: few links, and unused ones given up quickly
}

type simNode struct {
	*Mesh
	sim   *sim
	name  string
	host  *simnet.Host
	ip    string
	state *toy
	stop  context.CancelFunc
	done  chan error
}

// seeds is how many times a simulation runs, with other dice each time.
var seeds = flag.Uint64("seeds", 1, "seeds for every simulation")

// simulate runs f in a bubble. When f returns all nodes are stopped and a minute passes, for memberlist does not wait
// for its goroutines.
func simulate(t *testing.T, seed uint64, f func(s *sim)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		t.Helper()
		s := &sim{t: t, net: simnet.New(seed), rng: rand.New(rand.NewPCG(seed, 2))}
		defer func() {
			s.net.Heal()
			for _, n := range s.nodes {
				n.stop()
			}
			time.Sleep(time.Minute)
			for _, n := range s.nodes {
				select {
				case <-n.done:
				default:
					t.Errorf("node %s does not end", n.name)
				}
			}
		}()
		f(s)
	})
}

// add starts a node. Its seeds are the first three nodes.
func (s *sim) add(name string) *simNode {
	return s.start(name, fmt.Sprintf("10.0.%d.%d", len(s.nodes)/200, len(s.nodes)%200+1), nil)
}

func (s *sim) start(name, ip string, change func(*Config)) *simNode {
	s.t.Helper()
	n := &simNode{sim: s, name: name, host: s.net.Host(ip), ip: ip, state: newToy(), done: make(chan error, 1)}
	cfg := Config{
		ID: "id-" + name, Name: name, Bind: ip + ":4155", LinkBind: ip + ":4156", State: n.state,
		Network: n.host, Log: slog.New(slog.DiscardHandler), Seeds: s.seeds(),
	}
	if change != nil {
		change(&cfg)
	}
	n.Mesh = New(cfg)
	if s.few {
		n.profile.full, n.profile.idle = 12, 3*time.Second
	}
	if err := n.Listen(); err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	n.stop = cancel
	go func() { n.done <- n.Run(ctx) }()
	s.nodes = append(s.nodes, n)
	return n
}

func (s *sim) seeds() (seeds []string) {
	for _, n := range s.nodes[:min(3, len(s.nodes))] {
		seeds = append(seeds, n.ip+":4155")
	}
	return seeds
}

func (s *sim) mesh(n int) {
	for i := range n {
		s.add(fmt.Sprintf("n%02d", i))
	}
	s.whole(time.Minute, s.nodes...)
}

// crash kills a node's process and forgets it.
func (s *sim) crash(n *simNode) {
	n.host.Crash()
	n.stop()
}

// within waits for a condition and returns how long that took.
func (s *sim) within(d time.Duration, what string, f func() bool) time.Duration {
	s.t.Helper()
	start := time.Now()
	for !f() {
		if time.Since(start) > d {
			s.t.Fatalf("not within %v: %s%s", d, what, s.views())
		}
		time.Sleep(5 * time.Millisecond)
	}
	return time.Since(start)
}

// views tells what every running node believes.
func (s *sim) views() string {
	var b strings.Builder
	for _, n := range s.nodes {
		if l := n.life.Load(); l == nil {
			continue
		}
		fmt.Fprintf(&b, "\n%s at %s:", n.name, n.ip)
		for _, m := range n.Members()[1:] {
			fmt.Fprintf(&b, " %s %s %s", m.Name, m.Addr, m.Status)
			if m.Linked {
				b.WriteString(" linked")
			}
			b.WriteByte(',')
		}
	}
	return b.String()
}

// whole waits until all of these see each other as alive, and nobody else.
func (s *sim) whole(d time.Duration, nodes ...*simNode) time.Duration {
	s.t.Helper()
	return s.within(d, fmt.Sprintf("a whole mesh of %d", len(nodes)), func() bool { return wholeNow(nodes) })
}

func wholeNow(nodes []*simNode) bool {
	for _, n := range nodes {
		if n.Stats().Alive != len(nodes)-1 {
			return false
		}
		for _, o := range nodes {
			if !n.Alive(o.cfg.ID) {
				return false
			}
		}
	}
	return true
}

// equal waits until the states are.
func (s *sim) equal(d time.Duration, nodes ...*simNode) time.Duration {
	s.t.Helper()
	return s.within(d, "equal states", func() bool {
		for _, n := range nodes {
			if n.state.Hash() != nodes[0].state.Hash() {
				return false
			}
		}
		return true
	})
}

// publish makes a change of a node's own and tells the others.
func (n *simNode) publish() { n.Broadcast(n.cfg.ID, n.state.bump(n.cfg.ID)) }

func TestSimMeshFormsAndReplicates(t *testing.T) {
	for _, size := range []int{2, 3, 7, 20} {
		t.Run(fmt.Sprintf("%d nodes", size), func(t *testing.T) {
			simulate(t, uint64(size), func(s *sim) {
				start := time.Now()
				s.mesh(size)
				t.Logf("formed in %v", time.Since(start))
				for _, n := range s.nodes {
					n.publish()
				}
				t.Logf("replicated in %v", s.equal(5*time.Second, s.nodes...))
				if got := s.nodes[0].state.count("id-n01"); got != 1 {
					t.Fatalf("counter is %d", got)
				}
			})
		})
	}
}

func TestSimPartitionOfAMinuteHeals(t *testing.T) {
	for seed := range *seeds {
		for _, size := range []int{4, 10} {
			t.Run(fmt.Sprintf("%d nodes, seed %d", size, seed), func(t *testing.T) {
				simulate(t, seed, func(s *sim) {
					s.mesh(size)
					some, others := s.nodes[:size/2], s.nodes[size/2:]
					s.net.Split(hosts(some), hosts(others))
					s.whole(10*time.Second, some...)
					s.whole(10*time.Second, others...)
					for range 3 {
						s.nodes[0].publish()
						s.nodes[size-1].publish()
					}
					time.Sleep(time.Minute)
					s.net.Heal()
					whole := s.whole(15*time.Second, s.nodes...)
					equal := s.equal(15*time.Second, s.nodes...)
					t.Logf("whole %v, equal %v after the heal", whole, whole+equal)
					if whole+equal > 3*time.Second {
						t.Errorf("the heal took %v", whole+equal)
					}
				})
			})
		}
	}
}

func hosts(nodes []*simNode) (h []*simnet.Host) {
	for _, n := range nodes {
		h = append(h, n.host)
	}
	return h
}

func TestSimDeathIsNoticed(t *testing.T) {
	tests := map[string]struct {
		end    func(*sim, *simNode)
		within time.Duration
		silent bool
	}{
		"a killed process":     {func(s *sim, n *simNode) { s.crash(n) }, 100 * time.Millisecond, false},
		"a goodbye":            {func(_ *sim, n *simNode) { n.stop() }, 50 * time.Millisecond, false},
		"a frozen process":     {func(_ *sim, n *simNode) { n.host.Freeze() }, 2800 * time.Millisecond, true},
		"a host without power": {func(_ *sim, n *simNode) { n.host.PowerOff() }, 2800 * time.Millisecond, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			for _, size := range []int{2, 3, 10} {
				if size == 2 && test.silent {
					continue // who hears nobody cannot know (isolation_test.go)
				}
				for seed := range *seeds {
					simulate(t, seed, func(s *sim) {
						s.mesh(size)
						time.Sleep(time.Duration(s.rng.IntN(3000)) * time.Millisecond)
						victim := s.nodes[s.rng.IntN(size)]
						rest := without(s.nodes, victim)
						test.end(s, victim)
						took := s.within(10*time.Second, "death noticed", func() bool {
							for _, n := range rest {
								if n.Alive(victim.cfg.ID) {
									return false
								}
							}
							return true
						})
						t.Logf("%d nodes: %v", size, took)
						if took > test.within {
							t.Errorf("%d nodes, seed %d: %v", size, seed, took)
						}
						victim.host.Thaw()
					})
				}
			}
		})
	}
}

func without(nodes []*simNode, n *simNode) (rest []*simNode) {
	for _, o := range nodes {
		if o != n {
			rest = append(rest, o)
		}
	}
	return rest
}
