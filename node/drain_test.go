package node

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nsqmesh/nsqmesh/node/queue"
	"github.com/nsqmesh/nsqmesh/node/registry"
)

// roads carry parcels between test nodes, by owner.
type roads struct {
	mu    sync.Mutex
	to    map[string]*testNode
	fate  func(owner string) error // before a parcel arrives
	after func(owner string) error // when it has arrived
}

func (r *roads) Give(_ context.Context, owner string, parcel []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fate != nil {
		if err := r.fate(owner); err != nil {
			return err
		}
	}
	if err := r.to[owner].Take(parcel); err != nil {
		return err
	}
	if r.after != nil {
		return r.after(owner)
	}
	return nil
}

var quickly = DrainOptions{Wait: 50 * time.Millisecond, Timeout: 20 * time.Second, Stay: true}

// drainer is a running Drainer of the first node, which knows the others.
func drainer(t *testing.T, nodes ...*testNode) (*Drainer, *roads) {
	t.Helper()
	meet(t, nodes...)
	r := &roads{to: map[string]*testNode{}}
	for _, n := range nodes[1:] {
		r.to[n.registry.ID()] = n
	}
	d := NewDrainer(nodes[0].Node, r)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		d.Run(ctx)
	}()
	t.Cleanup(func() {
		stop()
		<-done
	})
	return d, r
}

func (n *testNode) channel(t *testing.T, topic, channel string) *queue.Channel {
	t.Helper()
	c, err := n.Channel(topic, channel)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// put publishes one message for each word; "word@1h" is due so much later.
func (n *testNode) put(t *testing.T, topic string, words ...string) {
	t.Helper()
	q, err := n.Topic(topic)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range words {
		body, delay, _ := strings.Cut(w, "@")
		m := queue.Message{Body: body}
		if d, err := time.ParseDuration(delay); err == nil {
			m.Due = time.Now().Add(d).UnixNano()
		}
		if err := q.Put([]queue.Message{m}); err != nil {
			t.Fatal(err)
		}
	}
}

type mute struct{}

func (mute) Wake()  {}
func (mute) Close() {}

func consumer(t *testing.T, c *queue.Channel) *queue.Subscription {
	t.Helper()
	s, err := c.Subscribe(mute{}, queue.Terms{})
	if err != nil {
		t.Fatal(err)
	}
	s.SetReady(100)
	return s
}

// holds describes what a node has: "topic 2" waits in the topic, "topic:channel 3+1" has one deferred.
func (n *testNode) holds() (all []string) {
	for _, t := range n.broker.Stats("", "") {
		if t.Depth > 0 {
			all = append(all, fmt.Sprintf("%s %d", t.Name, t.Depth))
		}
		for _, c := range t.Channels {
			if c.Depth+int64(c.Deferred)+int64(c.InFlight) > 0 {
				all = append(all, fmt.Sprintf("%s:%s %d+%d", t.Name, c.Name, c.Depth, c.Deferred))
			}
		}
	}
	return all
}

func until(t *testing.T, d *Drainer, s DrainState) DrainStatus {
	t.Helper()
	soon(t, string(s), func() bool { return d.Status().State == s })
	return d.Status()
}

func TestADrainedNodeHasHandedOver(t *testing.T) {
	for name, c := range map[string]struct {
		before func(t *testing.T, a *testNode)
		want   []string // on the other node
	}{
		"what waits in a channel without consumers, to that channel alone": {func(t *testing.T, a *testNode) {
			a.channel(t, "t", "one")
			a.put(t, "t", "x", "y")
			a.channel(t, "t", "two")
		}, []string{"t:one 2+0"}},
		"what waits in a topic without channels": {func(t *testing.T, a *testNode) {
			a.put(t, "t", "x", "y", "z@1h")
		}, []string{"t 3"}},
		"what waits in a paused topic, which is paused there": {func(t *testing.T, a *testNode) {
			a.channel(t, "t", "c")
			a.channel(t, "t", "d")
			must(t, a.PauseTopic(t.Context(), "t", true))
			a.put(t, "t", "x")
		}, []string{"t 1"}},
		"what waits in a paused channel, with a consumer": {func(t *testing.T, a *testNode) {
			consumer(t, a.channel(t, "t", "c"))
			must(t, a.PauseChannel(t.Context(), "t", "c", true))
			a.put(t, "t", "x")
		}, []string{"t:c 1+0"}},
		"what is deferred, as such": {func(t *testing.T, a *testNode) {
			a.channel(t, "t", "c")
			a.put(t, "t", "x@1h", "y@2h")
		}, []string{"t:c 0+2"}},
		"more than memory holds": {func(t *testing.T, a *testNode) {
			a.channel(t, "t", "c")
			for range 250 {
				a.put(t, "t", "x")
			}
		}, []string{"t:c 250+0"}},
		"nothing ephemeral": {func(t *testing.T, a *testNode) {
			a.channel(t, "t", "c#ephemeral")
			a.channel(t, "u#ephemeral", "c")
			a.put(t, "t", "x")
			a.put(t, "u#ephemeral", "x")
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			a, b := newNode(t, 1), newNode(t, 2)
			c.before(t, a)
			soon(t, "a is declared", func() bool { return a.knows("t") })
			d, _ := drainer(t, a, b)
			meet(t, a, b)
			must(t, d.Drain(quickly))
			s := until(t, d, Drained)
			if got := b.holds(); !slices.Equal(got, c.want) {
				t.Errorf("the other node has %q, want %q; moved %d", got, c.want, s.Moved)
			}
			for _, left := range a.holds() {
				if !strings.Contains(left, "#ephemeral") {
					t.Errorf("left is %s", left)
				}
			}
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestConsumersOfADrainingNodeGetWhatTheyCanTake(t *testing.T) {
	a, b := newNode(t, 1), newNode(t, 2)
	c := a.channel(t, "t", "c")
	s := consumer(t, c)
	a.put(t, "t", "1", "2", "3")
	d, _ := drainer(t, a, b)
	must(t, d.Drain(DrainOptions{Wait: time.Minute, Timeout: time.Minute, Stay: true}))
	soon(t, "it waits", func() bool { return a.broker.Refusal() != nil })
	got := s.Take(make([]queue.Message, 0, 10))
	if len(got) != 3 {
		t.Fatalf("a consumer got %d", len(got))
	}
	ids := []queue.ID{got[0].ID, got[1].ID, got[2].ID}
	s.Finish(ids, func(_ int, err error) { t.Error(err) })
	if st := until(t, d, Drained); st.Moved != 0 || len(b.holds()) != 0 {
		t.Errorf("moved %d, %q", st.Moved, b.holds())
	}
}

func TestWhatIsInFlightMayBeFinishedAndIsMovedWhenItIsNot(t *testing.T) {
	a, b := newNode(t, 1), newNode(t, 2)
	s := consumer(t, a.channel(t, "t", "c"))
	a.put(t, "t", "1", "2")
	got := s.Take(make([]queue.Message, 0, 10))
	d, _ := drainer(t, a, b)
	must(t, d.Drain(DrainOptions{Timeout: time.Second, Stay: true}))
	soon(t, "it moves", func() bool { return d.Status().State == Moving })
	s.Finish([]queue.ID{got[0].ID}, func(_ int, err error) { t.Error(err) })
	if st := until(t, d, Drained); st.Moved != 1 || !slices.Equal(b.holds(), []string{"t:c 1+0"}) {
		t.Errorf("moved %d, %q", st.Moved, b.holds())
	}
	again := consumer(t, b.channel(t, "t", "c")).Take(make([]queue.Message, 0, 10))
	if len(again) != 1 || again[0].ID != got[1].ID || again[0].Attempts != 2 {
		t.Errorf("got %+v", again)
	}
}

func TestADrainingNodeIsMarkedAndRefusesPublishes(t *testing.T) {
	a, b := newNode(t, 1), newNode(t, 2)
	d, _ := drainer(t, a, b)
	must(t, d.Drain(quickly))
	until(t, d, Drained)
	meet(t, a, b)
	if !d.Draining() || !slices.ContainsFunc(b.registry.View().Nodes(), draining) {
		t.Error("nobody sees it")
	}
	topic, err := a.Topic("t")
	must(t, err)
	if err := topic.Put([]queue.Message{{Body: "x"}}); !errors.Is(err, queue.ErrDraining) {
		t.Error(err)
	}
	must(t, d.Cancel())
	meet(t, a, b)
	if d.Draining() || slices.ContainsFunc(b.registry.View().Nodes(), draining) {
		t.Error("it still counts as draining")
	}
	a.put(t, "t", "x")
	if err := d.Cancel(); !errors.Is(err, ErrNotDraining) {
		t.Error(err)
	}
	select {
	case <-d.Left():
		t.Error("it left though it was to stay")
	default:
	}
}

func TestANodeLeavesWhenItIsDrained(t *testing.T) {
	a, b := newNode(t, 1), newNode(t, 2)
	d, _ := drainer(t, a, b)
	must(t, d.Drain(DrainOptions{Timeout: time.Minute}))
	select {
	case <-d.Left():
	case <-time.After(20 * time.Second):
		t.Fatal("it does not leave")
	}
	if err := d.Cancel(); !errors.Is(err, ErrLeaving) {
		t.Error(err)
	}
	if err := d.Drain(quickly); !errors.Is(err, ErrLeaving) {
		t.Error(err)
	}
}

func TestTheNextNodeTakesWhatTheFirstDoesNot(t *testing.T) {
	a, b, c := newNode(t, 1), newNode(t, 2), newNode(t, 3)
	a.channel(t, "t", "c")
	for range 2500 {
		a.put(t, "t", "x")
	}
	d, r := drainer(t, a, b, c)
	var first string
	parcels := 0
	r.fate = func(owner string) error {
		if parcels++; first == "" {
			first = owner
		}
		if parcels > 1 && owner == first {
			return errors.New("gone")
		}
		return nil
	}
	must(t, d.Drain(quickly))
	if s := until(t, d, Drained); s.Moved != 2500 || len(s.To) != 2 {
		t.Errorf("moved %d, to %v", s.Moved, s.To)
	}
}

func TestALostAnswerMakesADuplicateAndLosesNothing(t *testing.T) {
	a, b := newNode(t, 1), newNode(t, 2)
	a.channel(t, "t", "c")
	a.put(t, "t", "1", "2")
	d, r := drainer(t, a, b)
	lost := false
	r.after = func(string) error {
		if !lost {
			lost = true
			return errors.New("link broke")
		}
		return nil
	}
	must(t, d.Drain(quickly))
	until(t, d, Drained)
	if got := b.holds(); !slices.Equal(got, []string{"t:c 4+0"}) {
		t.Errorf("the other node has %q", got)
	}
}

func TestAloneANodeKeepsWhatItHas(t *testing.T) {
	a := newNode(t, 1)
	s := consumer(t, a.channel(t, "t", "c"))
	d, _ := drainer(t, a)
	a.put(t, "t", "1", "2")
	must(t, d.Drain(DrainOptions{Wait: time.Millisecond, Timeout: 300 * time.Millisecond}))
	st := until(t, d, Failed)
	if !errors.Is(st.Err, errNoHeir) || !errors.Is(st.Err, ErrDrainTimeout) || st.Waiting != 2 {
		t.Errorf("%+v", st)
	}
	if got := s.Take(make([]queue.Message, 0, 10)); len(got) != 2 {
		t.Errorf("its consumer got %d", len(got))
	}
	must(t, d.Cancel())
	a.put(t, "t", "3")
}

func TestADrainingNodeTakesNothingOver(t *testing.T) {
	a, b := newNode(t, 1), newNode(t, 2)
	b.refuse(queue.ErrDraining)
	p := encodeParcel(parcel{"t", "c", []queue.Message{{ID: 1, Body: "x"}}})
	if err := b.Take(p); !errors.Is(err, queue.ErrDraining) {
		t.Error(err)
	}
	must(t, a.Take(p))
	if got := a.holds(); !slices.Equal(got, []string{"t:c 1+0"}) {
		t.Error(got)
	}
}

func draining(n registry.NodeTopics) bool { return n.Draining }

func TestParcel(t *testing.T) {
	due := time.Now().Add(time.Hour).UnixNano()
	sent := parcel{"t", "c", []queue.Message{{ID: 1, Timestamp: 2, Attempts: 3, Body: "a"}, {ID: 4, Due: due, Body: ""}, {ID: 5, Due: 1, Body: "é"}}}
	b := encodeParcel(sent)
	got, err := decodeParcel(b)
	must(t, err)
	if late := got.batch[1].Due - due; late < 0 || late > int64(time.Minute) {
		t.Errorf("due %d ns late", late)
	}
	got.batch[1].Due, sent.batch[2].Due = due, 0
	if fmt.Sprint(got) != fmt.Sprint(sent) {
		t.Errorf("got %v, want %v", got, sent)
	}
	for n := range b {
		if _, err := decodeParcel(b[:n]); err == nil {
			t.Errorf("%d of %d bytes are a parcel, too", n, len(b))
		}
	}
}

func FuzzParcel(f *testing.F) {
	f.Add(encodeParcel(parcel{"t", "c", []queue.Message{{ID: 1, Body: "a"}, {ID: 2, Due: 1 << 62, Body: "b"}}}))
	f.Add([]byte{parcelVersion, 1, 't', 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := decodeParcel(b)
		if err == nil && len(p.batch)*20 > len(b) {
			t.Errorf("%d messages in %d bytes", len(p.batch), len(b))
		}
	})
}
