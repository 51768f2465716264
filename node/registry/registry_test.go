package registry

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
)

// id makes an owner id that is easy to read in a failure.
func id(n int) string { return fmt.Sprintf("%032x", n+1) }

// crowd is a Peers that keeps what is broadcast, and in which everybody is alive who was not killed.
type crowd struct {
	mu     sync.Mutex
	dead   map[string]bool
	chunks [][]byte
}

func (c *crowd) Broadcast(_ string, chunk []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.chunks = append(c.chunks, chunk)
}

func (c *crowd) Alive(owner string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.dead[owner]
}

func (c *crowd) kill(owner string, dead bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dead == nil {
		c.dead = map[string]bool{}
	}
	c.dead[owner] = dead
}

// heard returns what was broadcast since the last call.
func (c *crowd) heard() [][]byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	chunks := c.chunks
	c.chunks = nil
	return chunks
}

func newTest(n int) *Registry {
	r := New(Options{ID: id(n), Generation: 1}, &crowd{})
	r.SetNode(Node{
		Name: fmt.Sprintf("node-%d", n), Hostname: fmt.Sprintf("host-%d", n), BroadcastAddress: fmt.Sprintf("10.0.0.%d", n),
		TCPPort: 4150, HTTPPort: 4151, Version: "1.0.0",
	})
	return r
}

// pull brings to what from has, as gossip does.
func pull(t *testing.T, to, from *Registry) {
	t.Helper()
	for range 10 {
		want := to.Missing(from.Digest())
		if want == nil {
			return
		}
		for _, chunk := range from.Answer(want) {
			if _, err := to.Merge(chunk); err != nil {
				t.Fatalf("merge: %v", err)
			}
		}
	}
	t.Fatal("something is missing for ever")
}

func lookup(r *Registry, topic string) string {
	t := r.View().Topic(topic)
	if t == nil {
		return "unknown"
	}
	var producers []string
	for _, p := range t.Producers() {
		producers = append(producers, p.BroadcastAddress)
	}
	return strings.Join(t.Channels(), ",") + " | " + strings.Join(producers, ",")
}

func expect(t *testing.T, r *Registry, topic, want string) {
	t.Helper()
	if got := lookup(r, topic); got != want {
		t.Errorf("%s is %q, want %q", topic, got, want)
	}
}

func with(channels ...string) Topic {
	t := Topic{}
	for _, c := range channels {
		t.Channels = append(t.Channels, Channel{Name: c})
	}
	return t
}

func TestOwnTopics(t *testing.T) {
	r := newTest(1)
	r.SetTopic("orders", with("billing", "archive"))
	expect(t, r, "orders", "archive,billing | 10.0.0.1")
	r.SetTopic("orders", with("billing", "tail#ephemeral"))
	expect(t, r, "orders", "billing,tail#ephemeral | 10.0.0.1")
	if got := r.Channels("orders"); !slices.Equal(got, []string{"billing"}) {
		t.Errorf("channels for a new topic are %v", got)
	}
	before := r.own.version
	r.SetTopic("orders", with("tail#ephemeral", "billing"))
	if r.own.version != before {
		t.Error("saying the same again made a new version")
	}
	r.RemoveTopic("orders")
	expect(t, r, "orders", "unknown")
	if len(r.topics) != 0 {
		t.Errorf("an index is left: %v", r.topics)
	}
}

func TestOthersSeeTopics(t *testing.T) {
	a, b := newTest(1), newTest(2)
	a.SetTopic("orders", with("billing"))
	b.SetTopic("orders", with("archive"))
	b.SetTopic("audit", with())
	pull(t, a, b)
	pull(t, b, a)
	for _, r := range []*Registry{a, b} {
		expect(t, r, "orders", "archive,billing | 10.0.0.1,10.0.0.2")
		expect(t, r, "audit", " | 10.0.0.2")
	}
	if a.Hash() != b.Hash() || a.Hash() == 0 {
		t.Errorf("hashes are %x and %x", a.Hash(), b.Hash())
	}
	b.RemoveTopic("orders")
	pull(t, a, b)
	expect(t, a, "orders", "billing | 10.0.0.1")
}

func TestNodeWithoutQueuesListsNobody(t *testing.T) {
	r := New(Options{ID: id(1)}, nil)
	r.SetNode(Node{Name: "n", BroadcastAddress: "a"})
	if got := string(r.View().NodesJSON()); got != `{"producers":[]}` {
		t.Errorf("nodes are %s", got)
	}
	if got := string(r.View().TopicsJSON()); got != `{"topics":[]}` {
		t.Errorf("topics are %s", got)
	}
}

func TestHeldDocumentStaysHere(t *testing.T) {
	a, b := newTest(1), newTest(2)
	held := New(Options{ID: id(3), Generation: 5, Hold: true}, &crowd{})
	held.SetNode(Node{BroadcastAddress: "10.0.0.3", TCPPort: 1})
	held.SetTopic("late", with())
	expect(t, held, "late", " | 10.0.0.3")
	pull(t, a, held)
	expect(t, a, "late", "unknown")
	held.Advertise()
	pull(t, b, held)
	expect(t, b, "late", " | 10.0.0.3")
}

func TestBadOwnNamesAreLeftOut(t *testing.T) {
	r := newTest(1)
	r.SetTopic("a/b", with())
	r.SetTopic("ok", with("fine", "not/fine"))
	expect(t, r, "ok", "fine | 10.0.0.1")
	if got := r.View().Topics(); !slices.Equal(got, []string{"ok"}) {
		t.Errorf("topics are %v", got)
	}
}
