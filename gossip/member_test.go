package gossip

import (
	"sync/atomic"
	"testing"
	"time"
)

func TestSimMembersAreDescribedAndChangesTold(t *testing.T) {
	simulate(t, 9, func(s *sim) {
		var told atomic.Int64
		a := s.start("a", "10.0.0.1", func(c *Config) { c.OnChange = func() { told.Add(1) } })
		b := s.start("b", "10.0.0.2", nil)
		s.whole(10*time.Second, a, b)
		time.Sleep(2 * time.Second)
		joined := told.Load()
		if joined == 0 {
			t.Error("not told of the join")
		}
		time.Sleep(time.Minute)
		if told.Load() != joined {
			t.Error("told of nothing")
		}
		members := a.Members()
		if len(members) != 2 || !members[0].Self || members[0].ID != "id-a" || members[0].Status != Alive {
			t.Fatalf("%+v", members)
		}
		m := members[1]
		if m.ID != "id-b" || m.Name != "b" || m.Addr != "10.0.0.2:4155" || m.LinkAddr != "10.0.0.2:4156" ||
			m.Status != Alive || !m.Linked || m.Self || m.RoundTrip != 400*time.Microsecond || m.Instance == 0 {
			t.Errorf("%+v", m)
		}
		s.crash(b)
		time.Sleep(time.Second)
		if told.Load() == joined {
			t.Error("not told of the death")
		}
		if m := a.Members()[1]; m.Status != Dead || m.Linked || time.Since(m.Since) > time.Second {
			t.Errorf("%+v", m)
		}
	})
}

func TestStatusesHaveNames(t *testing.T) {
	for status, want := range map[Status]string{Alive: "alive", Suspect: "suspect", Dead: "dead", Left: "left", 0: "unknown"} {
		if status.String() != want {
			t.Errorf("%d is %s", status, status)
		}
	}
}
