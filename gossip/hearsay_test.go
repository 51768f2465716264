package gossip

import (
	"fmt"
	"testing"
	"time"
)

// A node that stands still again and again believes each time that all the others are dead, and says so. Nobody may
// believe it, though most members of a mesh that is not small know each other from memberlist alone.
func TestSimANodeThatStandsStillKillsNobody(t *testing.T) {
	const size, rounds = 24, 5 // more come with more seeds
	for seed := range *seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			simulate(t, 40+seed, func(s *sim) {
				s.few = true
				s.mesh(size)
				time.Sleep(8 * time.Second) // links that were made on the way there are given up
				s.net.SetLoss(50)
				busy := s.nodes[1]
				others := without(s.nodes, busy)
				missing := 0
				for range rounds {
					busy.host.Freeze()
					for i := range 200 {
						if i == 100 {
							busy.host.Thaw()
						}
						time.Sleep(50 * time.Millisecond)
						if !all(others, func(n *simNode) bool { return all(others, func(o *simNode) bool { return n.Alive(o.cfg.ID) }) }) {
							missing++
						}
					}
				}
				if missing > 0 {
					t.Errorf("somebody was missing in %d of %d looks", missing, 200*rounds)
				}
			})
		})
	}
}
