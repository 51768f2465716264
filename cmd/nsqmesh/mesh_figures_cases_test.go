package main

import (
	"fmt"
	"runtime"
	"testing"
	"time"
)

// measureSimulated measures what no network on loopback does by itself: loss, partitions, long times, many nodes.
func measureSimulated(t *testing.T, table *figureTable, size int) {
	where := fmt.Sprintf("%d nodes, simulated", size)
	aims := map[int]string{5: "25 / 100 ms", 50: "120 / 250 ms"}
	silence := map[int]string{5: "1.5 / 2.5 s", 50: "2 / 3.5 s"}
	simulate(t, size, func(s *simulated) {
		table.add(t, "new topic in every view", where, aims[size], spread(repeat(200, func(i int) time.Duration {
			at := s.pick()
			topic := s.change(at, 1000)
			took := s.await("a topic everywhere", func() bool { return s.everybodyKnows(topic) })
			time.Sleep(time.Duration(s.rng.IntN(300)) * time.Millisecond)
			return took
		})))
	})
	simulate(t, size, func(s *simulated) {
		table.add(t, "silent host gone from every view", where, silence[size], spread(repeat(20, func(int) time.Duration {
			return s.silence(s.pick())
		})))
	})
	simulate(t, size, func(s *simulated) { measureLoss(t, s, table, where) })
	simulate(t, size, func(s *simulated) {
		table.add(t, "equal views after a partition of 60 s", where, "2 s", spread(repeat(5, func(int) time.Duration {
			s.net.Split(s.hosts(0, size/2), s.hosts(size/2, size))
			for range 600 {
				s.change(s.pick(), 1000)
				time.Sleep(100 * time.Millisecond)
			}
			s.net.Heal()
			took := s.await("equal views", func() bool { return s.equal() && s.whole(s.nodes) })
			time.Sleep(20 * time.Second)
			return took
		})))
	})
	simulate(t, size, func(s *simulated) { measureHour(t, s, table, where) })
}

// silence stops a node until all others have missed it.
func (s *simulated) silence(victim *simulatedNode) time.Duration {
	victim.host.Freeze()
	took := s.await("a silent host to be missed", func() bool {
		for _, n := range s.nodes {
			if n != victim && n.mesh.Alive(victim.id) {
				return false
			}
		}
		return true
	})
	victim.host.Thaw()
	s.await("a host that talks again to be back", func() bool { return s.whole(s.nodes) })
	time.Sleep(time.Duration(10000+s.rng.IntN(1000)) * time.Millisecond)
	return took
}

func (s *simulated) everybodyKnows(topic string) bool {
	for _, n := range s.nodes {
		if n.View().Topic(topic) == nil {
			return false
		}
	}
	return true
}

// measureLoss makes many changes, a thousand a second, while packets get lost.
func measureLoss(t *testing.T, s *simulated, table *figureTable, where string) {
	changes := *meshChanges
	if len(s.nodes) > 10 {
		changes /= 10 // each costs as much as ten
	}
	s.net.SetLoss(50)
	dead := 0
	for i := range changes {
		s.change(s.pick(), 100)
		if i%10 == 0 {
			time.Sleep(10 * time.Millisecond)
		}
		if i%500 == 0 && !s.whole(s.nodes) {
			dead++
		}
	}
	took := s.await("equal views", s.equal)
	table.add(t, fmt.Sprintf("5 %% loss, %d changes, 1,000 a second: all of them everywhere after the last one", changes), where, "2 s", precise(took))
	table.add(t, "the same: looks at which a node was missing", where, "0", fmt.Sprintf("%d of %d", dead, changes/500))
}

// measureHour has one node that stops for five seconds again and again, on a network that loses packets.
func measureHour(t *testing.T, s *simulated, table *figureTable, where string) {
	busy, others := s.nodes[1], append(s.nodes[:1:1], s.nodes[2:]...)
	s.net.SetLoss(50)
	dead := 0
	for end := time.Now().Add(time.Hour); time.Now().Before(end); {
		busy.host.Freeze()
		for i := range 300 {
			if i == 50 {
				busy.host.Thaw()
			}
			time.Sleep(100 * time.Millisecond)
			if !s.whole(others) {
				dead++
			}
		}
	}
	table.add(t, "an hour, 5 % loss, one node stops for 5 s every 30 s: looks at which another one was missing", where, "0", fmt.Sprintf("%d of 36,000", dead))
}

// measureLarge measures how a large mesh forms, how fast it is, and what it costs when nothing happens.
func measureLarge(t *testing.T, table *figureTable, size int) {
	where := fmt.Sprintf("%d nodes, simulated", size)
	begin := time.Now()
	simulate(t, size, func(s *simulated) {
		for _, n := range s.nodes {
			s.change(n, 1000)
		}
		table.add(t, "every node has a new topic at once: equal views", where, "", precise(s.await("equal views", s.equal)))
		time.Sleep(2 * time.Minute) // links that were made meanwhile are given up
		table.add(t, "new topic in every view", where, "", spread(repeat(20, func(int) time.Duration {
			topic := s.change(s.pick(), 1000)
			took := s.await("a topic everywhere", func() bool { return s.everybodyKnows(topic) })
			time.Sleep(time.Second)
			return took
		})))
		before := s.sent()
		const rest = 3 * time.Minute
		time.Sleep(rest)
		perSecond := float64(s.sent()-before) / rest.Seconds() / float64(size)
		table.add(t, "traffic at rest, sent by a node", where, "20 KB/s", fmt.Sprintf("%.1f KB/s", perSecond/1000))
		table.add(t, "silent host gone from every view", where, "", spread(repeat(3, func(int) time.Duration { return s.silence(s.pick()) })))
		var memory runtime.MemStats
		runtime.ReadMemStats(&memory)
		t.Logf("%d MB for %d nodes", memory.HeapInuse>>20, size)
	})
	t.Logf("simulated in %v", time.Since(begin))
}

func (s *simulated) sent() (bytes uint64) {
	for _, n := range s.nodes {
		traffic := n.host.Traffic()
		bytes += traffic.PacketBytes + 28*traffic.Packets + traffic.StreamBytes // with the headers of UDP and IP
	}
	return bytes
}
