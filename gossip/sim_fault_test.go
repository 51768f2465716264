package gossip

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestSimOneWayLossHidesNobody(t *testing.T) {
	for seed := range *seeds {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			simulate(t, seed, func(s *sim) {
				s.mesh(5)
				a, b := s.nodes[s.rng.IntN(2)], s.nodes[2+s.rng.IntN(3)]
				s.net.Cut(a.host, b.host)
				for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
					if !wholeNow(s.nodes) {
						t.Fatalf("somebody disappeared %v after the cut", time.Minute-time.Until(end))
					}
				}
				a.publish()
				b.publish()
				s.equal(10*time.Second, s.nodes...) // by way of the others
				s.net.Heal()
				s.within(10*time.Second, "all links back", func() bool {
					return !slices.ContainsFunc(s.nodes, func(n *simNode) bool { return n.Stats().Links != 4 })
				})
			})
		})
	}
}

func TestSimEveryChangeArrivesDespiteLoss(t *testing.T) {
	for _, size := range []int{3, 9} {
		t.Run(fmt.Sprintf("%d nodes", size), func(t *testing.T) {
			simulate(t, uint64(size), func(s *sim) {
				s.mesh(size)
				s.net.SetLoss(50)
				flaps := 0
				const changes = 2000
				for range changes {
					s.nodes[s.rng.IntN(size)].publish()
					time.Sleep(3 * time.Millisecond)
					if !wholeNow(s.nodes) {
						flaps++
					}
				}
				t.Logf("equal %v after the last change", s.equal(10*time.Second, s.nodes...))
				total := uint64(0)
				for _, n := range s.nodes {
					total += s.nodes[0].state.count(n.cfg.ID)
				}
				if total != changes {
					t.Errorf("%d of %d changes arrived", total, changes)
				}
				if flaps > 0 {
					t.Errorf("somebody was missing in %d of %d looks", flaps, changes)
				}
			})
		})
	}
}

func TestSimMembersComeBack(t *testing.T) {
	back := func(s *sim, name, ip string) *simNode { return s.start(name, ip, nil) }
	tests := map[string]struct {
		again  func(s *sim, old *simNode) *simNode
		within time.Duration
	}{
		"a killed process restarts at once": {func(s *sim, old *simNode) *simNode {
			s.crash(old)
			time.Sleep(50 * time.Millisecond)
			return back(s, old.name, old.ip)
		}, 200 * time.Millisecond},
		"a killed process restarts after a minute": {func(s *sim, old *simNode) *simNode {
			s.crash(old)
			time.Sleep(time.Minute)
			return back(s, old.name, old.ip)
		}, 200 * time.Millisecond},
		"a killed process comes back with another address": {func(s *sim, old *simNode) *simNode {
			s.crash(old)
			time.Sleep(time.Second)
			return back(s, old.name, "10.9.9.9")
		}, 200 * time.Millisecond},
		"a host without power is replaced before it is missed": {func(s *sim, old *simNode) *simNode {
			old.host.PowerOff()
			old.stop()
			time.Sleep(200 * time.Millisecond)
			return back(s, old.name, "10.9.9.9")
		}, 200 * time.Millisecond},
		"a node leaves and restarts": {func(s *sim, old *simNode) *simNode {
			old.stop()
			time.Sleep(2 * time.Second)
			return back(s, old.name, old.ip)
		}, 200 * time.Millisecond},
		"a frozen process goes on after ten seconds": {func(s *sim, old *simNode) *simNode {
			old.host.Freeze()
			time.Sleep(10 * time.Second)
			old.host.Thaw()
			return old
		}, 2 * time.Second},
		"a frozen process goes on after two minutes": {func(s *sim, old *simNode) *simNode {
			old.host.Freeze()
			time.Sleep(2 * time.Minute)
			old.host.Thaw()
			return old
		}, 2 * time.Second},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			for seed := range *seeds {
				simulate(t, seed, func(s *sim) {
					s.mesh(5)
					s.nodes[4].publish()
					s.equal(5*time.Second, s.nodes...)
					old := s.nodes[4]
					again := test.again(s, old)
					nodes := append(slices.Clone(s.nodes[:4]), again)
					took := s.whole(30*time.Second, nodes...)
					took += s.equal(30*time.Second, nodes...)
					t.Logf("seed %d: %v", seed, took)
					if took > test.within {
						t.Errorf("seed %d: %v", seed, took)
					}
					for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
						if !wholeNow(nodes) {
							t.Fatal("it disappeared again")
						}
					}
					for _, n := range nodes[:4] {
						m, _ := n.table.member(old.cfg.ID)
						if m.Addr != again.Addr() || !m.Linked {
							t.Errorf("%s believes %+v", n.name, m)
						}
					}
				})
			}
		})
	}
}

func TestSimAllNodesRestartAtOnce(t *testing.T) {
	simulate(t, 1, func(s *sim) {
		s.mesh(6)
		old := slices.Clone(s.nodes)
		for _, n := range old {
			s.crash(n)
		}
		time.Sleep(time.Second)
		s.nodes = s.nodes[:0]
		var again []*simNode
		for _, n := range old {
			again = append(again, s.start(n.name, n.ip, func(c *Config) {
				c.Seeds = []string{old[0].ip + ":4155", old[1].ip + ":4155"}
			}))
		}
		if took := s.whole(30*time.Second, again...); took > 2*time.Second {
			t.Errorf("whole after %v", took)
		}
		s.nodes = append(s.nodes, old...)
	})
}

// lines is a log that remembers.
type lines struct {
	mu   sync.Mutex
	text []string
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, string(b))
	return len(b), nil
}

func (l *lines) count(part string) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.text {
		if strings.Contains(s, part) {
			n++
		}
	}
	return n
}

func (l *lines) config(c *Config) { c.Log = slog.New(slog.NewTextHandler(l, nil)) }

func TestSimNamesakesAreRefused(t *testing.T) {
	tests := map[string]func(*Config){
		"the same name with another id": func(c *Config) { c.ID = "id-other" },
		"the same id, a clone":          func(*Config) {},
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			simulate(t, 3, func(s *sim) {
				s.mesh(4)
				victim := s.nodes[2]
				var log lines
				clone := s.start(victim.name, "10.9.9.9", func(c *Config) { change(c); log.config(c) })
				time.Sleep(5 * time.Second)
				s.whole(time.Second, s.nodes[:4]...)
				if m, _ := s.nodes[0].table.member(victim.cfg.ID); m.Addr != victim.Addr() {
					t.Errorf("the first one is shown at %s", m.Addr)
				}
				time.Sleep(70 * time.Second)
				select {
				case err := <-clone.done:
					if !errors.Is(err, ErrNameTaken) {
						t.Errorf("the later one ended with %v", err)
					}
					clone.done <- err
				default:
					t.Error("the later one still runs")
				}
				if n := log.count("not joining"); n != 1 {
					t.Errorf("it said so %d times: %v", n, log.text)
				}
				s.whole(time.Second, s.nodes[:4]...)
			})
		})
	}
}

func TestSimNamesakeTakesOverWhenTheOtherIsGone(t *testing.T) {
	simulate(t, 4, func(s *sim) {
		s.mesh(4)
		victim := s.nodes[3]
		clone := s.start(victim.name, "10.9.9.9", nil)
		time.Sleep(20 * time.Second)
		s.crash(victim)
		nodes := append(slices.Clone(s.nodes[:3]), clone)
		if took := s.whole(10*time.Second, nodes...); took > 4*time.Second {
			t.Errorf("took over after %v", took)
		}
	})
}

func key(b byte) []byte { return slices.Repeat([]byte{b}, 32) }

func TestSimStrangersStayOutAndAreToldOfOnce(t *testing.T) {
	with := func(keys ...[]byte) func(*Config) { return func(c *Config) { c.Keys = keys } }
	tests := map[string]struct {
		ours, theirs func(*Config)
		why          string // in the stranger's log
	}{
		"another cluster":     {func(*Config) {}, func(c *Config) { c.Cluster = "other" }, "its cluster name may be another one"},
		"another key":         {with(key(1)), with(key(2)), "no installed keys could decrypt the message"},
		"no key where one is": {with(key(1)), func(*Config) {}, "encryption is not configured"},
		"a key where none is": {func(*Config) {}, with(key(1)), "not encrypted"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			simulate(t, 5, func(s *sim) {
				var log lines
				var ours []*simNode
				for i := range 3 {
					ours = append(ours, s.start(fmt.Sprint("ours", i), fmt.Sprintf("10.0.0.%d", i+1), func(c *Config) {
						test.ours(c)
						if i == 0 {
							log.config(c)
						}
					}))
				}
				s.whole(10*time.Second, ours...)
				var theirs lines
				stranger := s.start("stranger", "10.7.7.7", func(c *Config) { test.theirs(c); theirs.config(c) })
				time.Sleep(150 * time.Second)
				s.whole(time.Second, ours...)
				s.whole(time.Second, stranger)
				if len(stranger.Members()) != 1 {
					t.Errorf("the stranger knows %v", stranger.Members())
				}
				if n := len(log.text); n < 1 || n > 8 {
					t.Errorf("%d lines in two and a half minutes: %s", n, strings.Join(log.text, ""))
				}
				if n := theirs.count(test.why); n < 1 || n > 9 { // about three addresses, once a minute
					t.Errorf("the stranger is told %d times why: %s", n, strings.Join(theirs.text, ""))
				}
			})
		})
	}
}

func TestSimKeysRotateWithoutAnyoneGettingLost(t *testing.T) {
	simulate(t, 6, func(s *sim) {
		old, fresh := key(1), key(2)
		for i := range 4 {
			s.start(fmt.Sprint("n", i), fmt.Sprintf("10.0.0.%d", i+1), func(c *Config) { c.Keys = [][]byte{old} })
		}
		s.whole(10*time.Second, s.nodes...)
		steps := []func(*Mesh) error{
			func(m *Mesh) error { return m.AddKey(fresh) },
			func(m *Mesh) error { return m.UseKey(fresh) },
			func(m *Mesh) error { return m.RemoveKey(old) },
		}
		for _, step := range steps {
			for _, n := range s.nodes {
				if err := step(n.Mesh); err != nil {
					t.Fatal(err)
				}
				for range 20 {
					time.Sleep(100 * time.Millisecond)
					if !wholeNow(s.nodes) {
						t.Fatal("somebody disappeared")
					}
				}
			}
		}
		late := s.start("late", "10.0.1.1", func(c *Config) { c.Keys = [][]byte{fresh} })
		s.whole(10*time.Second, s.nodes...)
		if len(late.Keys()) != 1 || len(s.nodes[0].Keys()) != 1 {
			t.Error("a ring has more than one key")
		}
	})
}

func TestSimLargeMeshKeepsFewLinks(t *testing.T) {
	const size = 30
	simulate(t, 8, func(s *sim) {
		s.few = true
		for i := range size {
			s.add(fmt.Sprintf("n%02d", i))
		}
		t.Logf("formed in %v", s.whole(time.Minute, s.nodes...))
		time.Sleep(8 * time.Second) // links that were made on the way there are given up
		most := 0
		for _, n := range s.nodes {
			most = max(most, n.Stats().Links)
		}
		t.Logf("at most %d links", most)
		if most >= size-1 {
			t.Errorf("a node has %d links", most)
		}
		s.nodes[7].publish()
		if took := s.equal(10*time.Second, s.nodes...); took > 200*time.Millisecond {
			t.Errorf("one change took %v", took)
		}
		victim := s.nodes[13]
		s.crash(victim)
		rest := without(s.nodes, victim)
		if took := s.whole(10*time.Second, rest...); took > 200*time.Millisecond {
			t.Errorf("a crash was known everywhere after %v", took)
		}
		frozen := s.nodes[24]
		frozen.host.Freeze()
		took := s.whole(20*time.Second, without(rest, frozen)...)
		if took > 4*time.Second {
			t.Errorf("a frozen node was known everywhere after %v", took)
		}
	})
}
