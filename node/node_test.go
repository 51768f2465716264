package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/nsqmesh/nsqmesh/node/queue"
	"github.com/nsqmesh/nsqmesh/node/registry"
)

// testNode is a node without sockets; what gossip would carry, meet carries.
type testNode struct {
	*Node
	broker    *queue.Broker
	peers     int
	neighbour *testNode // may be asked
}

func newNode(t *testing.T, number int, known ...string) *testNode {
	t.Helper()
	dir, log := t.TempDir(), slog.New(slog.DiscardHandler)
	n := &testNode{peers: 1}
	n.broker = queue.New(queue.Options{
		DataPath: dir, NodeID: int64(number), MemQueueSize: 100, MaxBytesPerFile: 1 << 20, SyncEvery: 100, SyncTimeout: time.Second,
		MaxMsgSize: 1 << 20, MsgTimeout: time.Minute, MaxMsgTimeout: time.Hour, MaxReqTimeout: time.Hour, Log: log,
		Channels: func(topic string) []string { return n.Channels(topic) },
	})
	if err := n.broker.Load(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.broker.Close() })
	r := registry.New(registry.Options{ID: fmt.Sprintf("%032x", number), Generation: 1, DataPath: dir, Log: log}, alive{})
	r.SetNode(registry.Node{Name: fmt.Sprint(number), BroadcastAddress: "127.0.0.1", TCPPort: number, HTTPPort: 1000 + number})
	n.Node = New(Options{
		Broker: n.broker, Registry: r, Peers: func() int { return n.peers }, Log: log,
		Known: func(context.Context, string) []string { return known },
		Neighbours: func(topic string) []string {
			if n.neighbour == nil {
				return nil
			}
			return n.neighbour.KnownChannels(topic)
		},
	})
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		n.Run(ctx)
	}()
	t.Cleanup(func() {
		stop()
		<-done
	})
	return n
}

// alive is a mesh in which nobody is ever down.
type alive struct{}

func (alive) Broadcast(string, []byte) {}
func (alive) Alive(string) bool        { return true }

// meet brings each of the nodes up to date with the others.
func meet(t *testing.T, nodes ...*testNode) {
	t.Helper()
	for _, to := range nodes {
		for _, from := range nodes {
			if want := to.registry.Missing(from.registry.Digest()); want != nil {
				for _, chunk := range from.registry.Answer(want) {
					if _, err := to.registry.Merge(chunk); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
	}
}

// soon waits for what a node's loop brings about.
func soon(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("never: " + what)
		}
	}
}

func (n *testNode) publish(t *testing.T, topic, body string) {
	t.Helper()
	q, err := n.Topic(topic)
	if err != nil {
		t.Fatal(err)
	}
	if err := q.Put([]queue.Message{{Body: body}}); err != nil {
		t.Fatal(err)
	}
}

func (n *testNode) knows(topic string) bool { return n.registry.View().Topic(topic) != nil }

func TestANewTopicHasTheChannelsOfTheMeshAndOfStockLookups(t *testing.T) {
	a, b := newNode(t, 1), newNode(t, 2, "stock", "gone#ephemeral")
	if _, err := a.Channel("t", "mesh"); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Channel("t", "short#ephemeral"); err != nil {
		t.Fatal(err)
	}
	soon(t, "a declares its channel", func() bool { return slices.Contains(a.registry.Channels("t"), "mesh") })
	meet(t, a, b)
	b.publish(t, "t", "x")
	var have []string
	for _, s := range b.broker.Stats("t", "")[0].Channels {
		have = append(have, s.Name)
		if s.Depth != 1 {
			t.Errorf("channel %s has %d messages, want the first one", s.Name, s.Depth)
		}
	}
	if want := []string{"mesh", "stock"}; !slices.Equal(have, want) {
		t.Errorf("channels %q, want %q", have, want)
	}
}

func (n *testNode) channels(topic string) (names []string) {
	for _, c := range n.broker.FindTopic(topic).Channels() {
		names = append(names, c.Name())
	}
	return names
}

func TestANewTopicAsksTheNeighbours(t *testing.T) {
	a, b := newNode(t, 1), newNode(t, 2)
	b.neighbour = a
	for _, channel := range []string{"mesh", "short#ephemeral"} {
		if _, err := a.Channel("t", channel); err != nil {
			t.Fatal(err)
		}
	}
	b.publish(t, "t", "x") // gossip has brought nothing yet
	if got := b.channels("t"); !slices.Equal(got, []string{"mesh"}) {
		t.Errorf("channels %q, want those of the neighbour that last", got)
	}
	if err := b.DeleteTopic(t.Context(), "t"); err != nil {
		t.Fatal(err)
	}
	b.publish(t, "t", "x") // and the neighbour has not heard of the delete
	if got := b.channels("t"); len(got) != 0 {
		t.Errorf("channels %q are back after they were deleted", got)
	}
}

func TestADeleteReachesEveryNodeAndARecreatedTopicLives(t *testing.T) {
	for name, remove := range map[string]func(*testNode) error{
		"by the nsqd side of a node that has it": func(n *testNode) error { return n.DeleteTopic(t.Context(), "t") },
		"by the lookupd side":                    func(n *testNode) error { return n.Lookup().DeleteTopic(t.Context(), "t") },
	} {
		t.Run(name, func(t *testing.T) {
			a, b := newNode(t, 1), newNode(t, 2)
			a.publish(t, "t", "1")
			b.publish(t, "t", "2")
			soon(t, "both declare", func() bool { return a.knows("t") && b.knows("t") })
			meet(t, a, b)
			if err := remove(a); err != nil {
				t.Fatal(err)
			}
			if a.broker.FindTopic("t") != nil {
				t.Error("the asked node still has the topic when the call returns")
			}
			meet(t, a, b)
			soon(t, "b deletes", func() bool { return b.broker.FindTopic("t") == nil && !b.knows("t") })
			meet(t, a, b)
			if _, err := b.Channel("t", "c"); !errors.Is(err, ErrDeleted) {
				t.Errorf("a consumer that comes back gets %v, want ErrDeleted", err)
			}
			b.publish(t, "t", "3")
			soon(t, "b declares anew", func() bool { return b.knows("t") })
			meet(t, a, b)
			b.Obey()
			a.Obey()
			if b.broker.FindTopic("t") == nil || !a.knows("t") {
				t.Error("the old delete took the new topic along")
			}
		})
	}
}

func TestDeletingAgainAtOnce(t *testing.T) {
	a, b := newNode(t, 1), newNode(t, 2)
	for range 50 {
		a.publish(t, "t", "x")
		if err := a.DeleteTopic(t.Context(), "t"); err != nil {
			t.Fatal(err)
		}
		a.publish(t, "t", "y")
		a.Obey()
		if a.broker.FindTopic("t") == nil {
			t.Fatal("a topic made right after a delete was deleted by it")
		}
		if err := a.DeleteTopic(t.Context(), "t"); err != nil {
			t.Fatal(err)
		}
		if err := a.DeleteTopic(t.Context(), "t"); !errors.Is(err, queue.ErrTopicNotFound) {
			t.Fatalf("deleting what is not there: %v", err)
		}
	}
	b.publish(t, "u", "x")
	soon(t, "b declares", func() bool { return b.knows("u") })
	meet(t, a, b)
	if err := a.Lookup().DeleteTopic(t.Context(), "u"); err != nil {
		t.Fatal(err)
	}
	meet(t, a, b)
	soon(t, "b deletes", func() bool { return b.broker.FindTopic("u") == nil })
	if err := b.DeleteTopic(t.Context(), "u"); err != nil {
		t.Errorf("a tool that goes on to delete node by node gets %v, want nil", err)
	}
}

func TestATombstonedNodeDeletesItsOwnTopicOnly(t *testing.T) {
	a, b := newNode(t, 1), newNode(t, 2)
	a.publish(t, "t", "1")
	b.publish(t, "t", "2")
	soon(t, "both declare", func() bool { return a.knows("t") && b.knows("t") })
	meet(t, a, b)
	a.Lookup().TombstoneProducer("t", "127.0.0.1:1002")
	meet(t, a, b)
	if err := b.DeleteTopic(t.Context(), "t"); err != nil {
		t.Fatal(err)
	}
	meet(t, a, b)
	a.Obey()
	if a.broker.FindTopic("t") == nil {
		t.Error("the other node's topic went as well")
	}
	if b.broker.FindTopic("t") != nil {
		t.Error("the node still has its topic")
	}
}

func TestAPauseReachesNodesThatHaveTheChannelAndThoseThatGetItLater(t *testing.T) {
	a, b, late := newNode(t, 1), newNode(t, 2), newNode(t, 3)
	for _, n := range []*testNode{a, b} {
		if _, err := n.Channel("t", "c"); err != nil {
			t.Fatal(err)
		}
	}
	soon(t, "both declare", func() bool { return a.knows("t") && b.knows("t") })
	meet(t, a, b)
	if err := a.PauseChannel(t.Context(), "t", "c", true); err != nil {
		t.Fatal(err)
	}
	meet(t, a, b, late)
	soon(t, "b pauses", func() bool { return b.paused("t", "c") })
	late.publish(t, "t", "x")
	soon(t, "the late node pauses", func() bool { return late.paused("t", "c") })
	if err := a.PauseChannel(t.Context(), "t", "none", true); !errors.Is(err, queue.ErrChannelNotFound) {
		t.Errorf("pausing an unknown channel: %v", err)
	}
	if err := b.PauseChannel(t.Context(), "t", "c", false); err != nil {
		t.Fatal(err)
	}
	meet(t, a, b)
	soon(t, "a resumes", func() bool { return !a.paused("t", "c") })
}
