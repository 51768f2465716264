package gossip

import (
	"fmt"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

// stand is a table with a member in it, at different times of its life.
type stand struct {
	*table
	t       *testing.T
	changes int
	other   *link // of a member that talks all the time: a node that hears nobody judges differently
	alone   bool  // it does not
}

var at = netip.MustParseAddrPort("10.0.0.1:4155")

func who(instance uint64) meta {
	return meta{id: "id", name: "name", instance: instance, link: netip.MustParseAddrPort("10.0.0.1:4156")}
}

var other = meta{id: "other", name: "other", instance: 9}

func newStand(t *testing.T, grace time.Duration) *stand {
	s := &stand{t: t}
	s.table = newTable(2*time.Second, grace, 0, func() { s.changes++ })
	s.other = newLink(nil, nil, nil, hello{id: other.id, name: other.name, instance: other.instance}, true)
	s.linked(other, netip.MustParseAddrPort("10.0.0.9:4155"), s.other)
	return s
}

func (s *stand) link(instance uint64) *link {
	l := newLink(nil, nil, nil, hello{id: "id", name: "name", instance: instance}, true)
	s.linked(who(instance), at, l)
	return l
}

func (s *stand) hear(l *link) { l.heard.Store(int64(time.Since(l.born))); s.sweep() }

// lonely is when nobody talks any more.
func (s *stand) lonely() {
	s.unlinked(s.other)
	s.alone = true
	s.pass(s.silence)
}

// pass lets time go by.
func (s *stand) pass(d time.Duration) {
	for ; d > 0; d -= time.Second {
		time.Sleep(min(d, time.Second))
		if !s.alone {
			s.hear(s.other)
		}
		s.sweep()
	}
}

func (s *stand) is(want Status) {
	s.t.Helper()
	if !s.alone {
		s.hear(s.other)
	}
	s.sweep()
	m, ok := s.member("id")
	if want == 0 && !ok {
		return
	}
	if !ok || m.Status != want || s.isAlive("id") != want.Alive() {
		s.t.Errorf("%s, alive %v; want %s", m.Status, s.isAlive("id"), want)
	}
}

func TestVerdicts(t *testing.T) {
	tests := map[string]func(*stand){
		"whom memberlist lists is alive, and dead when it does not any more": func(s *stand) {
			s.listed(who(1), at)
			s.is(Alive)
			s.unlisted(who(1).peerName(), who(1))
			s.is(Dead)
		},
		"a link alone keeps alive, as long as it talks": func(s *stand) {
			l := s.link(1)
			s.is(Alive)
			time.Sleep(1900 * time.Millisecond)
			s.is(Alive)
			time.Sleep(200 * time.Millisecond)
			s.is(Dead)
			s.hear(l)
			s.is(Alive)
		},
		"a silent link makes a suspect of whom memberlist lists": func(s *stand) {
			s.listed(who(1), at)
			s.link(1)
			time.Sleep(3 * time.Second)
			s.is(Suspect)
		},
		"a goodbye is final for that process": func(s *stand) {
			s.listed(who(1), at)
			l := s.link(1)
			s.parted("id", 1)
			s.hear(l)
			s.is(Left)
			s.listed(who(2), at)
			s.is(Alive)
		},
		"a refused connection is death, until memberlist takes it back": func(s *stand) {
			s.listed(who(1), at)
			s.buried("id", 1)
			s.is(Dead)
			s.listed(who(1), at) // what it believed before
			s.is(Dead)
			s.unlisted(who(1).peerName(), who(1))
			s.listed(who(1), at)
			s.is(Alive)
		},
		"a refused connection is death, unless there is an answer long after it": func(s *stand) {
			s.listed(who(1), at)
			s.buried("id", 1)
			s.answered(who(1).peerName())
			s.is(Dead)
			time.Sleep(2 * proofDelay)
			s.answered(who(1).peerName())
			s.is(Alive)
		},
		"silence that all agree upon is death, until the link talks": func(s *stand) {
			s.listed(who(1), at)
			l := s.link(1)
			time.Sleep(1500 * time.Millisecond)
			s.muted("id", 1)
			s.is(Dead)
			time.Sleep(time.Millisecond)
			s.hear(l)
			s.is(Alive)
		},
		"a verdict on an old process does not touch the new one": func(s *stand) {
			s.listed(who(1), at)
			s.listed(who(2), at)
			s.buried("id", 1)
			s.unlisted(who(1).peerName(), who(1))
			s.is(Alive)
			if m, _ := s.member("id"); m.Instance != 2 || len(s.byID["id"].procs) != 1 || len(s.byPeer) != 2 {
				s.t.Errorf("shown is %d of %d", m.Instance, len(s.byID["id"].procs))
			}
		},
		"of two links the one that lost changes nothing": func(s *stand) {
			old := s.link(1)
			s.link(1)
			s.unlinked(old)
			if m, _ := s.member("id"); !m.Linked {
				s.t.Error("the link is gone")
			}
			lost := newLink(nil, nil, nil, hello{id: "id", instance: 1}, true)
			close(lost.done)
			s.linked(who(1), at, lost)
			if s.byID["id"].procs[1].link == lost {
				s.t.Error("a closed link took the place of another")
			}
		},
		"the dead are remembered for three days": func(s *stand) {
			s.listed(who(1), at)
			s.unlisted(who(1).peerName(), who(1))
			time.Sleep(retention - time.Hour)
			s.is(Dead)
			time.Sleep(2 * time.Hour)
			s.is(0)
			if len(s.byPeer) != 1 {
				s.t.Error("something is left")
			}
		},
		"only who is not alive can be forgotten": func(s *stand) {
			s.listed(who(1), at)
			if s.forget("id") || s.forget("nobody") {
				s.t.Error("forgotten")
			}
			s.unlisted(who(1).peerName(), who(1))
			if !s.forget("id") {
				s.t.Error("not forgotten")
			}
			s.is(0)
		},
		"what is learnt about strangers changes nothing": func(s *stand) {
			s.parted("id", 1)
			s.buried("id", 1)
			s.muted("id", 1)
			s.answered("x")
			s.unlisted("x", who(1))
			s.is(0)
		},
	}
	for name, f := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { f(newStand(t, 0)) })
		})
	}
}

func TestADeathThatIsHearsayIsLookedInto(t *testing.T) {
	tests := map[string]func(*stand){
		"until nobody answers": func(s *stand) {
			s.conclude("id", 1, func(p *incarnation) { p.doubted = time.Time{} })
			s.is(Dead)
		},
		"for so long at the most": func(s *stand) {
			s.pass(time.Second)
			s.is(Dead)
		},
		"and an answer keeps alive until memberlist knows better": func(s *stand) {
			s.pass(500 * time.Millisecond)
			s.answered(who(1).peerName())
			s.pass(1900 * time.Millisecond)
			s.is(Suspect)
			s.listed(who(1), at)
			s.is(Alive)
		},
		"but not for ever": func(s *stand) {
			s.answered(who(1).peerName())
			s.pass(2 * time.Second)
			s.is(Dead)
		},
		"unless there is proof": func(s *stand) {
			s.buried("id", 1)
			s.is(Dead)
		},
	}
	for name, f := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStand(t, 0)
				s.hearsay = time.Second
				s.listed(who(1), at)
				s.answered(who(1).peerName()) // long before it is no answer
				time.Sleep(time.Millisecond)
				if !s.unlisted(who(1).peerName(), who(1)) {
					t.Error("it is believed")
				}
				s.is(Suspect)
				f(s)
			})
		})
	}
}

func TestGraceIsForSilenceOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t, 10*time.Second)
		s.listed(who(1), at)
		s.unlisted(who(1).peerName(), who(1))
		s.is(Suspect)
		time.Sleep(9 * time.Second)
		s.is(Suspect)
		time.Sleep(2 * time.Second)
		s.is(Dead)
		s.listed(who(2), at)
		s.buried("id", 2)
		s.is(Dead)
	})
}

func TestChangesAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t, 0)
		s.listed(who(1), at)
		told := s.changes
		s.sweep()
		if s.changes != told {
			t.Error("told of nothing")
		}
		s.unlisted(who(1).peerName(), who(1))
		if s.changes == told {
			t.Error("not told")
		}
	})
}

func TestFewLinksHoldAMeshTogether(t *testing.T) {
	for _, size := range []int{32, 100, 500} {
		t.Run(fmt.Sprint(size, " members"), func(t *testing.T) {
			ids := make([]string, size)
			for i := range ids {
				ids[i] = fmt.Sprintf("%04d", i)
			}
			peers := make(map[string]map[string]bool)
			for _, id := range ids {
				peers[id] = make(map[string]bool)
			}
			for i, id := range ids {
				others := append(append([]string(nil), ids[:i]...), ids[i+1:]...)
				for _, o := range few(id, others) {
					peers[id][o], peers[o][id] = true, true
				}
			}
			most := 0
			for _, p := range peers {
				most = max(most, len(p))
			}
			if most > 45 {
				t.Errorf("one has %d links", most)
			}
			seen := map[string]bool{ids[0]: true}
			hops := 0
			for edge := ids[:1]; len(edge) > 0; hops++ {
				var next []string
				for _, id := range edge {
					for o := range peers[id] {
						if !seen[o] {
							seen[o] = true
							next = append(next, o)
						}
					}
				}
				edge = next
			}
			if len(seen) != size || hops > 5 {
				t.Errorf("%d reached in %d hops", len(seen), hops)
			}
		})
	}
}
