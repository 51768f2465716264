package queue

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestFinishedMessagesAreGone(t *testing.T) {
	c := testChannel(t, testOptions(t))
	s, _ := subscribe(t, c, 10, Terms{})
	put(t, c, numbered(1, 3))
	take(s)
	s.Finish([]ID{2, 1}, noFailure(t))
	if st := c.stats(); st.InFlight != 1 || st.Depth != 0 {
		t.Errorf("in flight %d, depth %d", st.InFlight, st.Depth)
	}
	if st := s.Stats(); st.InFlight != 1 || st.FinishCount != 2 || st.MessageCount != 3 {
		t.Errorf("consumer's counters are %+v", st)
	}
}

func TestAnswersAreRefused(t *testing.T) {
	answers := map[string]func(s *Subscription, ids []ID, failed func(int, error)){
		"finish": (*Subscription).Finish,
		"touch":  (*Subscription).Touch,
		"requeue": func(s *Subscription, ids []ID, failed func(int, error)) {
			s.Requeue(ids, make([]time.Duration, len(ids)), failed)
		},
	}
	for name, answer := range answers {
		t.Run(name, func(t *testing.T) {
			c := testChannel(t, testOptions(t))
			s, _ := subscribe(t, c, 2, Terms{})
			other, _ := subscribe(t, c, 10, Terms{})
			put(t, c, numbered(1, 4))
			wantIDs(t, take(s), 1, 2)
			wantIDs(t, take(other), 3, 4)
			got := failures{}
			answer(s, []ID{1, 99, 3, 0}, got.note)
			if len(got) != 3 || got[1] != ErrNotInFlight || got[2] != ErrNotOwner || got[3] != ErrNotInFlight {
				t.Errorf("failures are %v", got)
			}
			if st := s.Stats(); name != "touch" && st.InFlight != 1 {
				t.Errorf("%d in flight, want 1", st.InFlight)
			}
		})
	}
}

func TestRequeuedGoToTheEnd(t *testing.T) {
	c := testChannel(t, testOptions(t))
	s, _ := subscribe(t, c, 2, Terms{})
	put(t, c, numbered(1, 4))
	wantIDs(t, take(s), 1, 2)
	s.Requeue([]ID{1, 2}, []time.Duration{0, -5}, noFailure(t))
	s.SetReady(10)
	wantIDs(t, take(s), 3, 4, 1, 2)
	if st := c.stats(); st.RequeueCount != 2 || st.MessageCount != 4 {
		t.Errorf("counters are %+v", st)
	}
}

func TestRequeueAfterDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := testOptions(t)
		o.MaxReqTimeout = 10 * time.Second
		c := testChannel(t, o)
		s, w := subscribe(t, c, 10, Terms{})
		put(t, c, numbered(1, 3))
		take(s)
		take(s)
		w.wasWoken()
		s.Requeue([]ID{1, 2, 3}, []time.Duration{time.Hour, time.Second, 2 * time.Second}, noFailure(t))
		for _, want := range []struct {
			after time.Duration
			id    ID
		}{{time.Second, 2}, {time.Second, 3}, {8 * time.Second, 1}} {
			time.Sleep(want.after - 1)
			synctest.Wait()
			if w.wasWoken() {
				t.Fatalf("woken before message %d is due", want.id)
			}
			time.Sleep(1)
			synctest.Wait()
			if !w.wasWoken() {
				t.Fatalf("not woken for message %d", want.id)
			}
			wantIDs(t, take(s), want.id)
			wantIDs(t, take(s))
		}
	})
}

func TestFinishMeasuresLatency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := testOptions(t)
		o.LatencyPercentiles, o.LatencyWindow = []float64{1}, time.Minute
		c := testChannel(t, o)
		s, _ := subscribe(t, c, 2, Terms{})
		batch := numbered(1, 2)
		for i := range batch {
			batch[i].Timestamp = time.Now().UnixNano()
		}
		put(t, c, batch)
		take(s)
		s.Finish([]ID{2, 99}, func(int, error) {})
		time.Sleep(3 * time.Second)
		s.Finish([]ID{1}, noFailure(t))
		l := mergeLatency([]*latency{c.latency})
		if l.Count != 2 || l.Percentiles[0].Value != 3e9 {
			t.Errorf("latency is %+v", l)
		}
	})
}
