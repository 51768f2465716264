package queue

import (
	"runtime"
	"strconv"
	"testing"
	"testing/synctest"
	"time"
)

func TestMessageTimesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := testChannel(t, testOptions(t))
		quick, w := subscribe(t, c, 2, Terms{MsgTimeout: time.Second})
		slow, _ := subscribe(t, c, 2, Terms{})
		put(t, c, numbered(1, 4))
		wantIDs(t, take(quick), 1, 2)
		wantIDs(t, take(slow), 3, 4)
		quick.Finish([]ID{1}, noFailure(t))
		w.wasWoken()

		time.Sleep(time.Second - 1)
		synctest.Wait()
		if st := c.stats(); st.InFlight != 3 || st.TimeoutCount != 0 {
			t.Fatalf("counters before the timeout are %+v", st)
		}
		time.Sleep(1)
		synctest.Wait()
		if st := c.stats(); st.InFlight != 2 || st.TimeoutCount != 1 || st.RequeueCount != 0 || st.Depth != 1 {
			t.Fatalf("counters after the timeout are %+v", st)
		}
		if !w.wasWoken() {
			t.Error("not woken for what timed out")
		}
		got := failures{}
		quick.Finish([]ID{2}, got.note)
		if got[0] != ErrNotInFlight {
			t.Errorf("finishing what timed out: %v", got[0])
		}
		if again := take(quick); len(again) != 1 || again[0].Attempts != 2 {
			t.Errorf("took %+v", again)
		}
	})
}

func TestMessageOfDepartedConsumerTimesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := testChannel(t, testOptions(t))
		s, _ := subscribe(t, c, 5, Terms{MsgTimeout: time.Second})
		put(t, c, numbered(1, 2))
		take(s)
		s.Close()
		other, w := subscribe(t, c, 5, Terms{})
		if st := c.stats(); st.InFlight != 2 || st.Depth != 0 || st.ConsumerCount != 1 {
			t.Errorf("counters after the consumer left are %+v", st)
		}
		got := failures{}
		other.Finish([]ID{1}, got.note)
		if got[0] != ErrNotOwner {
			t.Errorf("finishing another's message: %v", got[0])
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if !w.wasWoken() {
			t.Error("the other consumer was not woken")
		}
		wantIDs(t, take(other), 1, 2)
		if len(c.departed) != 0 {
			t.Error("the consumer that left is still held")
		}
	})
}

func TestTouchStartsTimeoutAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := testOptions(t)
		o.MaxMsgTimeout = 25 * time.Second
		c := testChannel(t, o)
		s, _ := subscribe(t, c, 10, Terms{MsgTimeout: 10 * time.Second})
		put(t, c, numbered(1, 3))
		take(s)
		inFlight := func() int { synctest.Wait(); return c.stats().InFlight }

		time.Sleep(9 * time.Second)
		s.Touch([]ID{2, 3}, noFailure(t)) // until 19 s
		time.Sleep(time.Second)
		if n := inFlight(); n != 2 {
			t.Fatalf("at 10 s %d in flight, want 2", n)
		}
		time.Sleep(8 * time.Second)
		s.Touch([]ID{3}, noFailure(t)) // 28 s, capped at 25 s
		time.Sleep(time.Second)
		if n := inFlight(); n != 1 {
			t.Fatalf("at 19 s %d in flight, want 1", n)
		}
		time.Sleep(5 * time.Second)
		s.Touch([]ID{3}, noFailure(t)) // still 25 s
		time.Sleep(time.Second - 1)
		if n := inFlight(); n != 1 {
			t.Fatalf("before 25 s %d in flight, want 1", n)
		}
		time.Sleep(1)
		if n := inFlight(); n != 0 {
			t.Fatalf("at 25 s %d in flight, want 0", n)
		}
	})
}

func TestTouchUpToCapKeepsOrderOfDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := testOptions(t)
		o.MaxMsgTimeout = 12 * time.Second
		c := testChannel(t, o)
		s, _ := subscribe(t, c, 10, Terms{MsgTimeout: 10 * time.Second})
		put(t, c, numbered(1, 1))
		take(s)
		time.Sleep(5 * time.Second)
		put(t, c, numbered(2, 1))
		take(s)
		s.Touch([]ID{1}, noFailure(t)) // 12 s, before 15 s of the other
		time.Sleep(7 * time.Second)
		synctest.Wait()
		s.SetReady(10)
		wantIDs(t, take(s), 1)
	})
}

func TestManyTimeoutsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 3*mostExpired + 5
		c := testChannel(t, testOptions(t))
		s, _ := subscribe(t, c, n, Terms{})
		put(t, c, numbered(1, n))
		for len(take(s)) > 0 {
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if st := c.stats(); st.TimeoutCount != n || st.Depth != n || st.InFlight != 0 {
			t.Errorf("counters are %+v", st)
		}
	})
}

func TestQuietChannelHoldsNothingAndHasNoTimer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := testChannel(t, testOptions(t))
		s, _ := subscribe(t, c, 5000, Terms{})
		burst(t, c, s, 5000)
		time.Sleep(time.Hour)
		synctest.Wait()
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.inFlight.slots != nil || c.inFlight.index.cells != nil || c.memory.head != nil {
			t.Error("a quiet channel holds room for messages")
		}
		if c.alarm.at != never {
			t.Error("a quiet channel's timer is set")
		}
	})
}

// burst publishes and finishes n messages.
func burst(t *testing.T, c *Channel, s *Subscription, n int) {
	t.Helper()
	put(t, c, numbered(1, n))
	for got := take(s); len(got) > 0; got = take(s) {
		s.Finish(idsOf(got), noFailure(t))
	}
}

func TestQuietChannelIsSmall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n, limit = 1000, 2048
		o := testOptions(t)
		var channels [n]*Channel
		before := heap()
		for i := range channels {
			c := newChannel("t", strconv.Itoa(i), o, &health{}, func() {}, nil)
			s, err := c.Subscribe(nobody{}, Terms{})
			if err != nil {
				t.Fatal(err)
			}
			s.SetReady(100)
			burst(t, c, s, 50)
			channels[i] = c
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if each := (heap() - before) / n; each > limit {
			t.Errorf("a quiet channel with a consumer takes %d bytes, more than %d", each, limit)
		}
		runtime.KeepAlive(&channels)
	})
}

type nobody struct{}

func (nobody) Wake()  {}
func (nobody) Close() {}

func heap() int64 {
	var m runtime.MemStats
	for range 3 { // pools let go of what they hold after two
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
