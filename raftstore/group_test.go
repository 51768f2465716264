package raftstore

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"
)

// do has a node commit a command.
func (n *simNode) do(id int, op, name string) (string, error) {
	cmd, _ := json.Marshal(ledgerCommand{id, op, name})
	b, err := n.Apply(context.Background(), cmd)
	return string(b), err
}

func (n *simNode) must(id int, op, name string) {
	n.sim.t.Helper()
	if _, err := n.do(id, op, name); err != nil {
		n.sim.t.Fatalf("%s %s on %s: %v", op, name, n.name, err)
	}
	if n.ledger.has(name) != (op == "create") {
		n.sim.t.Errorf("%s %s on %s has no effect there when it returns", op, name, n.name)
	}
}

func TestThreeFreshNodesFormOneGroupInAnyOrder(t *testing.T) {
	for name, wait := range map[string]time.Duration{"at once": 0, "minutes apart": 3 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			simulate(t, 1, func(s *sim) {
				for i := range 3 {
					s.start(i, 3)
					time.Sleep(wait)
				}
				s.formed(3, 0)
				for i := range 3 {
					s.nodes[i].must(i, "create", "t")
				}
				s.agreed()
			})
		})
	}
}

func TestFourthAndFifthStandByAndOthersFollow(t *testing.T) {
	simulate(t, 2, func(s *sim) {
		for i := range 5 {
			s.start(i, 3)
		}
		outside := s.start(5, 0)
		s.formed(3, 2)
		outside.must(1, "create", "t")
		s.agreed()
		late := s.start(6, 0)
		s.within(10*time.Second, "a late node has what was committed before", func() bool { return late.ledger.has("t") })
		late.must(2, "delete", "t")
		s.agreed()
	})
}

func TestKilledVoterIsReplacedAfterTheGrace(t *testing.T) {
	simulate(t, 3, func(s *sim) {
		for i := range 4 {
			s.start(i, 3)
		}
		s.formed(3, 1)
		var dead *simNode
		for _, v := range s.leader().Status().Servers {
			if v.Voter && !v.Leader {
				dead = s.byName(v.Name)
			}
		}
		dead.crash()
		time.Sleep(20 * time.Second)
		if n := len(s.leader().Status().Servers); n != 4 {
			t.Fatalf("%d servers in the group before the grace is over", n)
		}
		s.formed(3, 0)
		s.leader().must(1, "create", "t")
		s.start(dead.index(), 3) // which comes back as a spare
		s.formed(3, 1)
		s.agreed()
	})
}

func (s *sim) byName(name string) *simNode {
	for _, n := range s.nodes {
		if n.name == name {
			return n
		}
	}
	return nil
}

func (n *simNode) index() int {
	for i, other := range n.sim.nodes {
		if other == n {
			return i
		}
	}
	return -1
}

func TestWipedDiskIsANewServerAtOnce(t *testing.T) {
	simulate(t, 4, func(s *sim) {
		for i := range 3 {
			s.start(i, 3)
		}
		s.formed(3, 0)
		s.nodes[0].must(1, "create", "t")
		n := s.nodes[1]
		n.crash()
		n.wipe()
		s.start(1, 3)
		s.within(10*time.Second, "the wiped node knows the catalog", func() bool { return n.ledger.has("t") })
		s.formed(3, 0)
		for _, one := range s.leader().Status().Servers {
			if one.Name == "" {
				t.Errorf("the lost server %s is still in the group", one.ID)
			}
		}
		s.agreed()
	})
}

func TestAllNodesRestartWithOtherAddresses(t *testing.T) {
	simulate(t, 5, func(s *sim) {
		for i := range 3 {
			s.start(i, 3)
		}
		s.start(3, 0)
		s.formed(3, 0)
		s.nodes[3].must(1, "create", "t")
		for _, n := range s.running() {
			n.crash()
		}
		time.Sleep(time.Minute)
		for i := range 3 {
			s.start(i, 3)
		}
		s.start(3, 0)
		s.formed(3, 0)
		s.nodes[3].must(2, "create", "u")
		s.agreed()
	})
}

func TestNoQuorumIsSaidInTimeAndReadsGoOn(t *testing.T) {
	simulate(t, 6, func(s *sim) {
		for i := range 3 {
			s.start(i, 3)
		}
		outside := s.start(3, 0)
		s.formed(3, 0)
		outside.must(1, "create", "t")
		time.Sleep(3 * time.Second) // for the caches
		for i := range 3 {
			s.nodes[i].crash()
		}
		alone := s.start(0, 3)
		again := outside
		again.crash()
		again = s.start(3, 0)
		for _, n := range []*simNode{alone, again} {
			begin := time.Now()
			_, err := n.do(2, "create", "u")
			var facts *NoQuorum
			if !errors.As(err, &facts) || !errors.Is(err, ErrNoQuorum) {
				t.Fatalf("%s: %v, want ErrNoQuorum", n.name, err)
			}
			if d := time.Since(begin); d > 5*time.Second {
				t.Errorf("%s said so after %v", n.name, d)
			}
			if len(facts.Seen) != 1 || len(facts.Missed) != 2 {
				t.Errorf("%s: %v", n.name, facts)
			}
			if !n.ledger.has("t") {
				t.Errorf("%s does not know what was committed before it restarted", n.name)
			}
		}
		s.start(1, 3)
		s.within(10*time.Second, "a majority commits again", func() bool {
			_, err := again.do(3, "create", "v")
			return err == nil
		})
		s.agreed()
	})
}

func TestStoppedLeaderHandsOver(t *testing.T) {
	simulate(t, 7, func(s *sim) {
		for i := range 3 {
			s.start(i, 3)
		}
		s.formed(3, 0)
		was := s.leader()
		was.stop()
		begin := time.Now()
		other := s.nodes[(was.index()+1)%3]
		other.must(1, "create", "t")
		if d := time.Since(begin); d > 500*time.Millisecond {
			t.Errorf("the first write after a stop of the leader took %v", d)
		}
	})
}

func TestAuthorityIsGivenBackAndTakenAgain(t *testing.T) {
	simulate(t, 8, func(s *sim) {
		for i := range 3 {
			s.start(i, 3)
		}
		outside := s.start(3, 0)
		if outside.Authority() {
			t.Error("authority before there is a group")
		}
		s.formed(3, 0)
		s.within(10*time.Second, "all know of the group", func() bool { return outside.Authority() })
		for _, off := range []bool{true, false} {
			if err := outside.Release(context.Background(), off); err != nil {
				t.Fatal(err)
			}
			for _, n := range s.running() {
				s.within(5*time.Second, "all know who decides", func() bool { return n.Authority() == !off })
			}
		}
	})
}

func TestGroupsThatMeetRefuseEachOther(t *testing.T) {
	simulate(t, 9, func(s *sim) {
		for i := range 2 {
			s.start(i, 1)
			if i > 0 {
				s.split(s.nodes[i:i+1], s.nodes[:i])
			}
			time.Sleep(10 * time.Second)
		}
		first := s.nodes[0].replica.position().Cluster
		second := s.nodes[1].replica.position().Cluster
		if first == "" || second == "" || first == second {
			t.Fatalf("clusters %q and %q", first, second)
		}
		s.heal()
		time.Sleep(time.Minute)
		if s.nodes[0].replica.position().Cluster != first || s.nodes[1].replica.position().Cluster != second {
			t.Error("one group took over the other")
		}
		if len(s.nodes[0].Status().Servers) != 1 || len(s.nodes[0].strangers) == 0 {
			t.Errorf("group %+v, strangers %v", s.nodes[0].Status().Servers, s.nodes[0].strangers)
		}
	})
}
