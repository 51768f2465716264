package gossip

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestWhoHearsNobodyTakesSilenceForNothing(t *testing.T) {
	silent := func(s *stand) { s.unlisted(who(1).peerName(), who(1)) }
	tests := map[string]func(*stand){
		"a member that fell silent before the last one did is back as a suspect": func(s *stand) {
			silent(s)
			s.is(Dead)
			s.pass(together - 5*time.Second)
			s.lonely()
			s.is(Suspect)
			time.Sleep(24 * time.Hour)
			s.is(Suspect)
		},
		"a member that has long been silent is not": func(s *stand) {
			silent(s)
			s.pass(together)
			s.lonely()
			s.is(Dead)
			if !s.isAlive("other") || !s.isIsolated() {
				s.t.Error("the last one is taken for dead")
			}
		},
		"there is proof": func(s *stand) {
			silent(s)
			s.lonely()
			s.is(Suspect)
			s.buried("id", 1)
			s.is(Dead)
			s.conclude("other", other.instance, func(p *incarnation) { p.left = true })
			if s.isIsolated() {
				s.t.Error("isolated from members that are gone")
			}
		},
		"a goodbye of the last one leaves a silent one": func(s *stand) {
			silent(s)
			s.parted("other", other.instance)
			s.lonely()
			s.is(Suspect)
		},
		"when one is heard again the others have some time, too": func(s *stand) {
			silent(s)
			s.lonely()
			time.Sleep(time.Hour)
			s.linked(other, at, s.other)
			s.alone = false
			s.hear(s.other)
			s.is(Suspect)
			if s.isIsolated() {
				s.t.Error("still isolated")
			}
			s.pass(relief - time.Millisecond)
			s.is(Suspect)
			s.pass(2 * time.Millisecond)
			s.is(Dead)
		},
		"whoever was heard after the end of isolation is judged as always": func(s *stand) {
			s.lonely()
			s.is(Suspect)
			s.linked(other, at, s.other)
			s.alone = false
			s.is(Alive)
			silent(s)
			s.is(Dead)
		},
		"a process that stood still has not heard for a reason": func(s *stand) {
			s.sweep()
			time.Sleep(s.silence + time.Second)
			s.sweep()
			if s.isIsolated() {
				s.t.Error("isolated before it had time to listen")
			}
			time.Sleep(s.silence)
			s.sweep()
			if !s.isIsolated() {
				s.t.Error("not isolated although nobody talks")
			}
		},
		"everybody left": func(s *stand) {
			s.parted("other", other.instance)
			s.lonely()
			if s.isIsolated() || s.countAlive() != 0 {
				s.t.Error("isolated from those who said goodbye")
			}
		},
	}
	for name, f := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStand(t, 0)
				if name != "everybody left" {
					s.listed(who(1), at)
				}
				f(s)
			})
		})
	}
}

func TestSimANodeThatIsCutOffGoesOnWithWhatItKnew(t *testing.T) {
	for seed := range *seeds {
		for _, size := range []int{2, 3, 7} {
			t.Run(fmt.Sprintf("%d nodes, seed %d", size, seed), func(t *testing.T) {
				simulate(t, seed, func(s *sim) {
					s.mesh(size)
					lost, rest := s.nodes[s.rng.IntN(size)], s.nodes
					rest = without(rest, lost)
					s.net.Split(hosts([]*simNode{lost}), hosts(rest))
					took := s.within(10*time.Second, "isolation", func() bool { return lost.Stats().Isolated })
					if took > 5*time.Second {
						t.Errorf("it took %v", took)
					}
					if size > 2 {
						s.whole(10*time.Second, rest...)
					}
					knows := func(n *simNode) bool { return lost.Alive(n.cfg.ID) }
					s.within(3*time.Second, "everybody to count again", func() bool { return all(rest, knows) })
					for end := time.Now().Add(5 * time.Minute); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
						if !all(rest, knows) || !lost.Stats().Isolated || lost.Stats().Alive != 0 {
							t.Fatalf("not isolated any more%s", s.views())
						}
					}
					s.net.Heal()
					heal := time.Now()
					for !wholeNow(s.nodes) {
						if !all(rest, knows) {
							t.Fatalf("somebody is missing in the middle of the heal%s", s.views())
						}
						time.Sleep(5 * time.Millisecond)
						if time.Since(heal) > 15*time.Second {
							t.Fatal("the mesh does not heal")
						}
					}
					if lost.Stats().Isolated {
						t.Error("still isolated")
					}
				})
			})
		}
	}
}

func all(nodes []*simNode, f func(*simNode) bool) bool {
	return !slices.ContainsFunc(nodes, func(n *simNode) bool { return !f(n) })
}

// A host that comes back without its node refuses connections: that is the proof which was missing.
func TestSimAnIsolatedNodeStillLearnsOfDeaths(t *testing.T) {
	simulate(t, 3, func(s *sim) {
		s.mesh(3)
		for _, n := range s.nodes[1:] {
			n.host.PowerOff()
			n.stop()
		}
		s.within(10*time.Second, "isolation", func() bool { return s.nodes[0].Stats().Isolated })
		time.Sleep(time.Minute)
		if !s.nodes[0].Alive(s.nodes[1].cfg.ID) {
			t.Error("it does not count any more")
		}
		s.nodes[1].host.PowerOn()
		s.within(5*time.Second, "one death", func() bool { return !s.nodes[0].Alive(s.nodes[1].cfg.ID) })
		if !s.nodes[0].Alive(s.nodes[2].cfg.ID) || !s.nodes[0].Stats().Isolated {
			t.Error("the other one does not count any more")
		}
		s.nodes[2].host.PowerOn()
		s.within(5*time.Second, "the end of isolation", func() bool {
			return !s.nodes[0].Alive(s.nodes[2].cfg.ID) && !s.nodes[0].Stats().Isolated
		})
	})
}
