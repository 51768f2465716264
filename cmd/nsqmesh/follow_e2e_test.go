package main

import (
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/nsqio/go-nsq"

	"github.com/nsqmesh/nsqmesh/httpapi/follow"
)

// meshOf is where a following client asks.
func meshOf(nodes ...*process) follow.Mesh {
	m := follow.Mesh{Log: slog.New(slog.DiscardHandler)}
	for _, n := range nodes {
		m.Lookups = append(m.Lookups, n.addr.LookupHTTP)
	}
	return m
}

// received collects what a consumer of all nodes got.
type received struct {
	mu     sync.Mutex
	bodies map[string]time.Time
}

func (r *received) at(body string) time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.bodies[body]
}

func followAll(t testing.TB, m follow.Mesh, topic string) *received {
	t.Helper()
	cfg := nsq.NewConfig()
	cfg.MaxInFlight = 50
	c, err := follow.NewConsumer(topic, "c", cfg)
	if err != nil {
		t.Fatal(err)
	}
	c.SetLogger(quiet{}, nsq.LogLevelError)
	r := &received{bodies: map[string]time.Time{}}
	c.AddHandler(nsq.HandlerFunc(func(m *nsq.Message) error {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.bodies[string(m.Body)] = time.Now()
		return nil
	}))
	if err := c.Follow(m); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Stop()
		<-c.StopChan
	})
	return r
}

func followingProducer(t testing.TB, m follow.Mesh) *follow.Producer {
	t.Helper()
	p, err := follow.NewProducer(nsq.NewConfig())
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Follow(m); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	return p
}

// A topic that a node has never had is consumed there without anybody polling, and a killed node, be it the one that is
// watched, holds up neither producers nor consumers.
func TestFollowingClients(t *testing.T) {
	const topic = "orders"
	nodes := []*process{startNode(t, t.TempDir(), fixedPorts(t)...)}
	for range 2 {
		nodes = append(nodes, startNode(t, t.TempDir(), append(fixedPorts(t), "--gossip-seed="+nodes[0].addr.Gossip)...))
	}
	waitForNodes(t, 3, nodes...)
	got := followAll(t, meshOf(nodes...), topic)
	arrives := func(body string) time.Duration {
		t.Helper()
		return waitFor(t, body, func() bool { return !got.at(body).IsZero() })
	}
	for i, n := range nodes {
		body := fmt.Sprint("first of node ", i)
		post(t, n.nsqd("/pub?topic="+topic), body)
		t.Logf("%s: handled after %v", body, arrives(body))
	}

	producer := followingProducer(t, meshOf(nodes...))
	stop := make(chan struct{})
	var acknowledged []string
	var publishing sync.WaitGroup
	publishing.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			case <-time.After(2 * time.Millisecond):
			}
			body := fmt.Sprint("message ", i)
			if err := producer.Publish(topic, []byte(body)); err != nil {
				t.Errorf("%s: %v", body, err)
				continue
			}
			acknowledged = append(acknowledged, body)
		}
	})
	for _, victim := range nodes { // each of them was watched by somebody or is now
		time.Sleep(300 * time.Millisecond)
		victim.kill()
		time.Sleep(time.Second)
		victim.start()
		waitForNodes(t, 3, nodes...)
	}
	late := startNode(t, t.TempDir(), "--gossip-seed="+nodes[0].addr.Gossip)
	waitFor(t, "a message on the node that came late", func() bool { return late.topic(topic).MessageCount > 0 })
	close(stop)
	publishing.Wait()
	for _, n := range append(nodes, late) {
		waitFor(t, "an empty channel", func() bool {
			c := n.topic(topic).channel("c")
			return c.Depth+c.InFlight+c.Deferred == 0
		})
	}
	lost := 0
	for _, body := range acknowledged {
		if got.at(body).IsZero() {
			lost++
		}
	}
	t.Logf("%d published, %d of them went with a process that was killed", len(acknowledged), lost)
	if lost > len(acknowledged)/10 {
		t.Error("that is too many: they waited, although there was a consumer")
	}
}
