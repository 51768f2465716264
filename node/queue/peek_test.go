package queue

import (
	"testing"
	"testing/synctest"
	"time"
)

// named is a consumer that says who it is.
type named string

func (named) Wake()            {}
func (named) Close()           {}
func (n named) String() string { return string(n) }

// spread makes a channel with two messages waiting, two in flight to "one", one to "two", and one deferred.
func spread(t *testing.T) (*Topic, *Channel, *Subscription) {
	t.Helper()
	b := New(Options{DataPath: t.TempDir(), MemQueueSize: 100, MsgTimeout: time.Minute, MaxMsgTimeout: time.Hour, MaxReqTimeout: time.Hour})
	topic, err := b.Topic("t")
	if err != nil {
		t.Fatal(err)
	}
	c, err := topic.Channel("c")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	put := func(body string, due int64) {
		if err := topic.Put([]Message{{Body: body, Due: due}}); err != nil {
			t.Fatal(err)
		}
	}
	take := func(who named, n int) *Subscription {
		s, err := c.Subscribe(who, Terms{})
		if err != nil {
			t.Fatal(err)
		}
		s.SetReady(n)
		s.Take(make([]Message, 0, n))
		return s
	}
	put("a", 0)
	put("b", 0)
	one := take("one", 2)
	put("c", 0)
	take("two", 1)
	put("d", 0)
	put("e", 0)
	put("f", time.Now().Add(time.Minute).UnixNano())
	return topic, c, one
}

func peeks(some []Peeked) (all string) {
	for _, p := range some {
		all += p.Body
		if p.Consumer != "" {
			all += "(" + p.Consumer + ")"
		}
	}
	return all
}

func TestPeekTakesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c, _ := spread(t)
		for range 2 {
			for state, want := range map[State]string{Waiting: "de", InFlight: "a(one)b(one)c(two)", Deferred: "f"} {
				some, total, onDisk := c.Peek(state, 10)
				if got := peeks(some); got != want || total != int64(len(some)) || onDisk != 0 {
					t.Errorf("state %d shows %s, %d in all, %d on disk; want %s", state, got, total, onDisk, want)
				}
			}
		}
		if some, total, _ := c.Peek(Waiting, 1); peeks(some) != "d" || total != 2 {
			t.Errorf("a look at one message shows %s of %d", peeks(some), total)
		}
	})
}

func TestReclaim(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c, one := spread(t)
		inFlight, _, _ := c.Peek(InFlight, 10)
		if n := c.Reclaim(Reclaim{IDs: []ID{inFlight[1].ID, inFlight[1].ID, 7}}); n != 1 {
			t.Errorf("%d messages were reclaimed by the id of one", n)
		}
		if n := c.Reclaim(Reclaim{Consumer: "two"}); n != 1 {
			t.Errorf("%d messages were reclaimed of a consumer with one", n)
		}
		if n := c.Reclaim(Reclaim{}); n != 1 {
			t.Errorf("%d messages were reclaimed of the one left", n)
		}
		if some, _, _ := c.Peek(Waiting, 10); peeks(some) != "debca" {
			t.Errorf("%s wait after all, want debca", peeks(some))
		}
		refused := 0
		one.Finish([]ID{inFlight[1].ID}, func(int, error) { refused++ })
		if s := c.stats(); refused != 1 || s.RequeueCount != 3 || s.InFlight != 0 {
			t.Errorf("%d late answers refused, %d requeues, %d in flight", refused, s.RequeueCount, s.InFlight)
		}
	})
}

func TestMove(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		topic, c, _ := spread(t)
		to, err := New(Options{DataPath: t.TempDir(), MemQueueSize: 100}).Topic("other")
		if err != nil {
			t.Fatal(err)
		}
		n, err := c.Move(Reclaim{Consumer: "one"}, to)
		if n != 2 || err != nil {
			t.Fatalf("moved %d: %v", n, err)
		}
		if some, total, _ := to.Peek(10); peeks(some) != "ab" || total != 2 {
			t.Errorf("%s came to the other topic", peeks(some))
		}
		if s := topic.stats("").Channels[0]; s.InFlight != 1 || s.Depth != 2 {
			t.Errorf("%d in flight and %d waiting stayed, want 1 and 2", s.InFlight, s.Depth)
		}
	})
}
