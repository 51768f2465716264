package queue

import (
	"errors"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"
)

// testOptions are generous; a test narrows what it is about.
func testOptions(t testing.TB) *Options {
	o := Options{
		DataPath:      t.TempDir(),
		MemQueueSize:  1 << 20,
		MaxMsgSize:    1 << 20,
		MsgTimeout:    time.Minute,
		MaxMsgTimeout: 15 * time.Minute,
		MaxReqTimeout: time.Hour,
	}.withDefaults()
	return &o
}

func testChannel(t testing.TB, o *Options) *Channel {
	c := newChannel("t", "c", o, &health{}, func() {}, nil)
	t.Cleanup(func() {
		if err := c.remove(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// waker is a consumer that notes what it is told.
type waker struct {
	woken  chan struct{}
	closed chan struct{}
}

func newWaker() *waker { return &waker{make(chan struct{}, 1), make(chan struct{}, 1)} }

func (w *waker) Wake() {
	select {
	case w.woken <- struct{}{}:
	default:
	}
}

func (w *waker) Close() { w.closed <- struct{}{} }

func (w *waker) wasWoken() bool {
	select {
	case <-w.woken:
		return true
	default:
		return false
	}
}

func subscribe(t testing.TB, c *Channel, ready int, terms Terms) (*Subscription, *waker) {
	t.Helper()
	w := newWaker()
	s, err := c.Subscribe(w, terms)
	if err != nil {
		t.Fatal(err)
	}
	s.SetReady(ready)
	return s, w
}

func put(t testing.TB, c *Channel, batch []Message) {
	t.Helper()
	if err := c.put(batch); err != nil {
		t.Fatal(err)
	}
}

// numbered is a batch of n messages with ids from first on.
func numbered(first ID, n int) []Message {
	texts := make([]string, n)
	for i := range texts {
		texts[i] = strconv.Itoa(i)
	}
	return bodies(first, texts...)
}

func take(s *Subscription) []Message { return s.Take(make([]Message, 0, 200)) }

func idsOf(batch []Message) []ID {
	ids := make([]ID, len(batch))
	for i := range batch {
		ids[i] = batch[i].ID
	}
	return ids
}

func wantIDs(t testing.TB, batch []Message, want ...ID) {
	t.Helper()
	if got := idsOf(batch); !slices.Equal(got, want) {
		t.Fatalf("got messages %d, want %d", got, want)
	}
}

// noFailure is for answers that must succeed.
func noFailure(t testing.TB) func(int, error) {
	return func(i int, err error) {
		t.Helper()
		t.Errorf("answer %d failed: %v", i, err)
	}
}

// failures notes what failed.
type failures map[int]error

func (f failures) note(i int, err error) { f[i] = err }

func TestTakeIsBoundedBy(t *testing.T) {
	large := string(make([]byte, takeBytes))
	for name, c := range map[string]struct {
		batch  []Message
		ready  int
		space  int
		others int // ready consumers in line
		want   int
	}{
		"what there is":                       {batch: numbered(1, 3), ready: 10, space: 10, want: 3},
		"the ready count":                     {batch: numbered(1, 9), ready: 4, space: 10, want: 4},
		"no ready count":                      {batch: numbered(1, 9), ready: 0, space: 10, want: 0},
		"the space offered":                   {batch: numbered(1, 9), ready: 10, space: 5, want: 5},
		"a fair share among those in line":    {batch: numbered(1, 8), ready: 10, space: 10, others: 3, want: 2},
		"a fair share rounded up":             {batch: numbered(1, 9), ready: 10, space: 10, others: 3, want: 3},
		"at least one message":                {batch: numbered(1, 1), ready: 10, space: 10, others: 3, want: 1},
		"bytes":                               {batch: bodies(1, large, "b"), ready: 10, space: 10, want: 1},
		"bytes but for a first large message": {batch: bodies(1, large+"more"), ready: 10, space: 10, want: 1},
	} {
		t.Run(name, func(t *testing.T) {
			channel := testChannel(t, testOptions(t))
			for range c.others {
				subscribe(t, channel, 10, Terms{})
			}
			s, _ := subscribe(t, channel, c.ready, Terms{})
			put(t, channel, c.batch)
			if got := s.Take(make([]Message, 0, c.space)); len(got) != c.want {
				t.Errorf("took %d, want %d", len(got), c.want)
			}
		})
	}
}

func TestMessagesComeInOrder(t *testing.T) {
	c := testChannel(t, testOptions(t))
	s, _ := subscribe(t, c, 1000, Terms{})
	put(t, c, numbered(1, 3))
	put(t, c, numbered(4, 2))
	wantIDs(t, take(s), 1, 2, 3, 4, 5)
}

func TestTakeCountsAttempts(t *testing.T) {
	c := testChannel(t, testOptions(t))
	s, _ := subscribe(t, c, 10, Terms{})
	batch := numbered(1, 1)
	batch[0].Attempts = 65534
	put(t, c, batch)
	for _, want := range []uint16{65535, 0, 1} {
		if got := take(s); len(got) != 1 || got[0].Attempts != want {
			t.Fatalf("took %+v, want attempts %d", got, want)
		}
		s.Requeue([]ID{1}, []time.Duration{0}, noFailure(t))
	}
}

func TestPublishedWithDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := testChannel(t, testOptions(t))
		s, w := subscribe(t, c, 10, Terms{})
		batch := numbered(1, 3)
		batch[0].Due = time.Now().Add(5 * time.Second).UnixNano()
		batch[1].Due = time.Now().Add(-time.Second).UnixNano()
		put(t, c, batch)
		if st := c.stats(); st.Deferred != 1 || st.Depth != 2 || st.MessageCount != 3 {
			t.Errorf("counters are %+v", st)
		}
		wantIDs(t, take(s), 2, 3)
		wantIDs(t, take(s))
		w.wasWoken()
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if !w.wasWoken() {
			t.Fatal("not woken when the message was due")
		}
		wantIDs(t, take(s), 1)
	})
}

func TestEmpty(t *testing.T) {
	c := testChannel(t, testOptions(t))
	s, w := subscribe(t, c, 2, Terms{})
	batch := numbered(1, 5)
	batch[4].Due = time.Now().Add(time.Hour).UnixNano()
	put(t, c, batch)
	wantIDs(t, take(s), 1, 2)
	if err := c.Empty(); err != nil {
		t.Fatal(err)
	}
	if st := c.stats(); st.Depth != 0 || st.InFlight != 0 || st.Deferred != 0 || st.MessageCount != 5 {
		t.Errorf("counters are %+v", st)
	}
	got := failures{}
	s.Finish([]ID{1}, got.note)
	if got[0] != ErrNotInFlight {
		t.Errorf("finishing an emptied message: %v", got[0])
	}
	w.wasWoken()
	put(t, c, numbered(6, 2))
	if !w.wasWoken() {
		t.Error("not woken although nothing is in flight any more")
	}
	wantIDs(t, take(s), 6, 7)
}

func TestPause(t *testing.T) {
	changes := 0
	c := newChannel("t", "c", testOptions(t), &health{}, func() { changes++ }, nil)
	defer c.remove()
	s, w := subscribe(t, c, 10, Terms{})
	c.Pause(true)
	put(t, c, numbered(1, 1))
	if w.wasWoken() || len(take(s)) > 0 {
		t.Error("a paused channel delivers")
	}
	c.Pause(true)
	c.Pause(false)
	if !w.wasWoken() {
		t.Error("not woken when the channel goes on")
	}
	wantIDs(t, take(s), 1)
	if changes != 2 {
		t.Errorf("%d changes told, want 2", changes)
	}
}

func TestSubscribeIsRefused(t *testing.T) {
	o := testOptions(t)
	o.MaxChannelConsumers = 1
	c := testChannel(t, o)
	s, _ := subscribe(t, c, 1, Terms{})
	if _, err := c.Subscribe(newWaker(), Terms{}); !errors.Is(err, ErrTooManyConsumers) {
		t.Errorf("second consumer: %v", err)
	}
	s.Close()
	s.Close()
	_, w := subscribe(t, c, 1, Terms{})
	if err := c.close(); err != nil {
		t.Fatal(err)
	}
	if len(w.closed) != 1 {
		t.Error("the consumer was not closed")
	}
	if _, err := c.Subscribe(newWaker(), Terms{}); !errors.Is(err, ErrExiting) {
		t.Errorf("consumer of a closed channel: %v", err)
	}
	if err := c.put(numbered(1, 1)); !errors.Is(err, ErrExiting) {
		t.Errorf("put on a closed channel: %v", err)
	}
}

func TestCopyOfMessageInFlightWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := testChannel(t, testOptions(t))
		s, _ := subscribe(t, c, 10, Terms{})
		put(t, c, numbered(1, 1))
		put(t, c, numbered(1, 2))
		wantIDs(t, take(s), 1, 2)
		s.Finish([]ID{1, 2}, noFailure(t))
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := take(s); len(got) != 1 || got[0].ID != 1 || got[0].Attempts != 1 {
			t.Errorf("the copy came as %+v", got)
		}
	})
}

func TestSampling(t *testing.T) {
	c := testChannel(t, testOptions(t))
	s, _ := subscribe(t, c, 10000, Terms{SampleRate: 24})
	put(t, c, numbered(1, 10000))
	kept := 0
	for got := take(s); len(got) > 0; got = take(s) {
		kept += len(got)
	}
	if kept < 2100 || kept > 2900 {
		t.Errorf("kept %d of 10000, want about 2500", kept)
	}
	st := c.stats()
	if st.Depth != 0 || st.InFlight != kept || st.GlobalCount != 10000 || s.Stats().MessageCount != uint64(kept) {
		t.Errorf("kept %d, counters are %+v and %+v", kept, st, s.Stats())
	}
}

func TestSamplingNeverShowsNothingWhileMessagesWait(t *testing.T) {
	c := testChannel(t, testOptions(t))
	s, _ := subscribe(t, c, 1, Terms{SampleRate: 1})
	put(t, c, numbered(1, 5000))
	if got := take(s); len(got) != 1 {
		t.Errorf("took %d", len(got))
	}
}

func TestDeliveriesAreCountedByZone(t *testing.T) {
	c := testChannel(t, testOptions(t))
	for i, terms := range []Terms{{ZoneLocal: true, RegionLocal: true}, {RegionLocal: true}, {}} {
		s, _ := subscribe(t, c, 100, terms)
		put(t, c, numbered(ID(100*i+1), i+1))
		take(s)
		s.SetReady(0)
	}
	if st := c.stats(); st.ZoneLocalCount != 1 || st.RegionLocalCount != 2 || st.GlobalCount != 3 {
		t.Errorf("counts are %d, %d, %d", st.ZoneLocalCount, st.RegionLocalCount, st.GlobalCount)
	}
}
