package follow

import (
	"errors"
	"testing"
	"time"

	"github.com/nsqio/go-nsq"
)

// quiet keeps what go-nsq logs out of the tests' output.
type quiet struct{}

func (quiet) Output(int, string) error { return nil }

func follower(t testing.TB, m Mesh, handle nsq.HandlerFunc) *Consumer {
	t.Helper()
	config := nsq.NewConfig()
	config.MaxInFlight = 10
	c, err := NewConsumer("t", "c", config)
	if err != nil {
		t.Fatal(err)
	}
	c.SetLogger(quiet{}, nsq.LogLevelError)
	c.AddHandler(handle)
	if err := c.Follow(m); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Stop()
		select {
		case <-c.StopChan:
		case <-time.After(10 * time.Second):
			t.Error("the consumer does not stop")
		}
	})
	return c
}

func nothing(*nsq.Message) error { return nil }

func TestAConsumerFollowsTheMesh(t *testing.T) {
	d := startDirectory(t)
	a, b := startNsqd(t, "127.0.0.1:0"), startNsqd(t, "127.0.0.1:0")
	c := follower(t, mesh(d), nothing)
	connected := func(f *fakeNsqd, n int) time.Duration {
		t.Helper()
		return until(t, "the right number of subscriptions", func() bool { return f.subscribed() == n })
	}

	first := d.add(a, "", "", "t")
	t.Logf("a new topic: connected after %v", connected(a, 1))
	d.add(b, "", "", "other").Register("t", "")
	if took := connected(b, 1); took > 500*time.Millisecond {
		t.Errorf("a new node: connected after %v", took)
	}
	first.Disconnect()
	time.Sleep(time.Second)
	connected(a, 1) // it may be the lookup that is wrong
	if took := connected(a, 0); took > partGrace {
		t.Errorf("a node that is gone: disconnected after %v more", took)
	}
	d.add(a, "", "", "t")
	if took := connected(a, 1); took > 500*time.Millisecond {
		t.Errorf("a node that is back: connected after %v", took)
	}
	d.DeleteTopic("t")
	if took := connected(a, 0) + connected(b, 0); took > 500*time.Millisecond {
		t.Errorf("a topic that is deleted: disconnected after %v", took)
	}
	if n := c.Stats().Connections; n != 0 {
		t.Errorf("go-nsq has %d connections", n)
	}
}

func TestAnAbsenceThatIsShortIsNone(t *testing.T) {
	d := startDirectory(t)
	f := startNsqd(t, "127.0.0.1:0")
	g := d.add(f, "", "", "t")
	follower(t, mesh(d), nothing)
	until(t, "a connection", func() bool { return f.subscribed() == 1 })
	g.Disconnect()
	time.Sleep(200 * time.Millisecond)
	g = d.add(f, "", "", "t")
	time.Sleep(200 * time.Millisecond)
	g.Disconnect()
	time.Sleep(partGrace - 500*time.Millisecond)
	d.add(f, "", "", "t")
	time.Sleep(time.Second)
	f.set(func() {
		if f.total != 1 || f.subs != 1 {
			t.Errorf("%d connections, %d of them now", f.total, f.subs)
		}
	})
}

func TestABrokenConnectionIsMadeAnew(t *testing.T) {
	d := startDirectory(t)
	f := startNsqd(t, "127.0.0.1:0")
	d.add(f, "", "", "t")
	follower(t, mesh(d), nothing)
	for range 2 {
		until(t, "a connection", func() bool { return f.subscribed() == 1 })
		f.cut()
		until(t, "its end", func() bool { return f.subscribed() == 0 })
	}
	until(t, "a connection again", func() bool { return f.subscribed() == 1 })
	f.stop()
	until(t, "its end", func() bool { return f.subscribed() == 0 })
	again := startNsqd(t, f.address())
	t.Logf("a restarted nsqd: connected after %v", until(t, "a connection", func() bool { return again.subscribed() == 1 }))
}

func TestMessagesAreHandled(t *testing.T) {
	d := startDirectory(t)
	f := startNsqd(t, "127.0.0.1:0")
	f.queue = []string{"one", "two"}
	d.add(f, "", "", "t")
	got := make(chan string, 2)
	follower(t, mesh(d), func(m *nsq.Message) error {
		got <- string(m.Body)
		return nil
	})
	for _, want := range []string{"one", "two"} {
		select {
		case body := <-got:
			if body != want {
				t.Errorf("got %s, want %s", body, want)
			}
		case <-time.After(10 * time.Second):
			t.Fatal("nothing came")
		}
	}
}

func TestNewConnectionsGetTheirShareAtOnce(t *testing.T) {
	d := startDirectory(t)
	c := follower(t, mesh(d), nothing)
	var all []*fakeNsqd
	share := func(want string) {
		t.Helper()
		took := until(t, want+" in flight for everybody", func() bool {
			for _, f := range all {
				ready := ""
				if f.set(func() { ready = f.ready }); ready != want {
					return false
				}
			}
			return true
		})
		if took > 2*time.Second {
			t.Errorf("%s in flight for everybody after %v", want, took)
		}
	}
	for _, want := range []string{"10", "5", "3", "2", "2"} {
		f := startNsqd(t, "127.0.0.1:0")
		d.add(f, "", "", "t")
		all = append(all, f)
		share(want)
	}
	c.ChangeMaxInFlight(0)
	share("0")
	f := startNsqd(t, "127.0.0.1:0")
	d.add(f, "", "", "t")
	until(t, "a connection", func() bool { return f.subscribed() == 1 })
	c.ChangeMaxInFlight(12)
	all = append(all, f)
	share("2")
}

func TestAConsumerGoesOnWithAnotherLookup(t *testing.T) {
	one, two := startDirectory(t), startDirectory(t)
	a, b := startNsqd(t, "127.0.0.1:0"), startNsqd(t, "127.0.0.1:0")
	for _, d := range []*directory{one, two} {
		d.add(a, "", "", "t")
	}
	follower(t, mesh(one, two), nothing)
	until(t, "a connection", func() bool { return a.subscribed() == 1 })
	one.stop()
	two.add(b, "", "", "t")
	t.Logf("connected after %v", until(t, "a connection", func() bool { return b.subscribed() == 1 }))
	a.set(func() {
		if a.total != 1 {
			t.Errorf("it has connected %d times to the node that was there all the time", a.total)
		}
	})
}

func TestConsumersThatCannotBe(t *testing.T) {
	if _, err := NewConsumer("bad topic", "c", nsq.NewConfig()); err == nil {
		t.Error("a topic with a space")
	}
	c, err := NewConsumer("t", "c", nsq.NewConfig())
	if err != nil {
		t.Fatal(err)
	}
	c.SetLogger(quiet{}, nsq.LogLevelError)
	c.AddHandler(nsq.HandlerFunc(nothing)) // without one go-nsq never ends
	if err := c.Follow(Mesh{}); !errors.Is(err, ErrLookup) {
		t.Errorf("without lookups: %v", err)
	}
	m := mesh(startDirectory(t))
	if err := c.Follow(m); err != nil {
		t.Error(err)
	}
	if err := c.Follow(m); !errors.Is(err, ErrFollowing) {
		t.Errorf("twice: %v", err)
	}
	c.Stop()
	<-c.StopChan
	if err := c.Follow(m); !errors.Is(err, nsq.ErrStopped) {
		t.Errorf("after the end: %v", err)
	}
}
