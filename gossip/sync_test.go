package gossip

import (
	"fmt"
	"testing"
	"time"
)

func TestSyncBringsALargeStateToANewNode(t *testing.T) {
	simulate(t, 1, func(s *sim) {
		s.mesh(3)
		for i := range 40 {
			for _, n := range s.nodes {
				n.state.pad = 1<<20 - 100
				n.state.bump(fmt.Sprintf("owner-%d", i))
			}
		}
		s.equal(time.Minute, s.nodes...)
		fresh := s.add("fresh")
		t.Logf("40 MiB after %v", s.equal(10*time.Second, s.nodes...))
		if pulls := fresh.Stats().Pulls; pulls < 3 || pulls > 6 {
			t.Errorf("%d pulls of at most 16 MiB", pulls)
		}
		if got := fresh.Stats().Merges; got > 45 {
			t.Errorf("40 chunks were merged %d times", got)
		}
	})
}

func TestSyncRepairsWhatWasNeverBroadcast(t *testing.T) {
	simulate(t, 2, func(s *sim) {
		s.mesh(8)
		for i, n := range s.nodes {
			n.state.bump(fmt.Sprintf("owner-%d", i))
		}
		took := s.equal(10*time.Second, s.nodes...)
		t.Logf("eight silent changes were everywhere after %v", took)
		if took > 5*time.Second {
			t.Error("that is too long")
		}
		time.Sleep(3 * time.Second)
		for _, n := range s.nodes {
			if !n.Stats().InSync {
				t.Errorf("%s does not believe to be in sync", n.name)
			}
		}
	})
}

func TestSyncFollowsHints(t *testing.T) {
	simulate(t, 3, func(s *sim) {
		s.mesh(5)
		for i := range 10 {
			owner := fmt.Sprintf("owner-%d", i)
			s.nodes[0].state.bump(owner)
			s.nodes[0].Broadcast(owner, s.nodes[0].state.hint(owner, 1))
		}
		took := s.equal(10*time.Second, s.nodes...)
		if took > 200*time.Millisecond {
			t.Errorf("took %v", took)
		}
		for _, n := range s.nodes[1:] {
			if p := n.Stats().Pulls; p > 3 {
				t.Errorf("%s pulled %d times for one burst", n.name, p)
			}
		}
	})
}

// A chunk too large for UDP and for the queue of small frames is pushed; one that nobody understands is counted.
func TestBroadcastOfLargeAndOfBadChunks(t *testing.T) {
	simulate(t, 4, func(s *sim) {
		s.mesh(3)
		s.nodes[0].state.pad = 500 << 10
		s.nodes[0].publish()
		if took := s.equal(10*time.Second, s.nodes...); took > 100*time.Millisecond {
			t.Errorf("took %v", took)
		}
		s.nodes[0].Broadcast("k", []byte("nonsense"))
		s.nodes[0].Broadcast("k", make([]byte, maxChunk+1))
		time.Sleep(2 * time.Second)
		if s.nodes[1].Stats().BadChunks == 0 || s.nodes[0].Stats().DroppedPushes == 0 {
			t.Error("nobody counted")
		}
		s.whole(time.Second, s.nodes...)
	})
}

// A peer that does not read holds up nobody but itself, and gets everything when it reads again.
func TestSlowPeerHoldsUpNobody(t *testing.T) {
	simulate(t, 5, func(s *sim) {
		s.mesh(4)
		s.nodes[0].state.pad = 40 << 10
		s.nodes[3].host.Freeze()
		for range 500 {
			start := time.Now()
			s.nodes[0].publish()
			if time.Since(start) > 0 {
				t.Fatal("broadcast blocked")
			}
			time.Sleep(2 * time.Millisecond)
		}
		if took := s.equal(5*time.Second, s.nodes[:3]...); took > 100*time.Millisecond {
			t.Errorf("the others had it after %v", took)
		}
		if s.nodes[0].Stats().DroppedPushes == 0 {
			t.Error("nothing was dropped")
		}
		s.nodes[3].host.Thaw()
		s.equal(10*time.Second, s.nodes...)
	})
}

// UDP alone: hints reach everybody if there are no links.
func TestHintsGoByGossipWithoutLinks(t *testing.T) {
	simulate(t, 6, func(s *sim) {
		for i := range 9 {
			s.start(fmt.Sprint("n", i), fmt.Sprintf("10.0.0.%d", i+1), func(c *Config) { c.LinkBind = "" })
		}
		s.whole(10*time.Second, s.nodes...)
		s.nodes[4].publish()
		t.Logf("by gossip alone %v", s.equal(2*time.Second, s.nodes...))
		if s.nodes[0].Stats().Links != 0 {
			t.Error("there are links")
		}
	})
}

func TestIdleMeshIsQuiet(t *testing.T) {
	simulate(t, 7, func(s *sim) {
		s.mesh(10)
		time.Sleep(10 * time.Second)
		before := s.nodes[0].host.Traffic()
		const span = 100
		time.Sleep(span * time.Second)
		after := s.nodes[0].host.Traffic()
		packets, streams := (after.PacketBytes-before.PacketBytes)/span, (after.StreamBytes-before.StreamBytes)/span
		t.Logf("a second of ten idle nodes costs each %d bytes of packets and %d bytes of streams", packets, streams)
		if packets > 1000 || streams > 3000 {
			t.Error("that is too much")
		}
	})
}
