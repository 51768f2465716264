package main

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nsqio/go-nsq"
)

// What was there when a node was stopped is there when it starts again, as it was.
func TestACleanRestartKeepsEverything(t *testing.T) {
	for name, flags := range map[string][]string{
		"messages in memory":     nil,
		"nearly all on disk":     {"--mem-queue-size=10"},
		"nothing kept in memory": {"--mem-queue-size=0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &restart{t: t, node: startNode(t, t.TempDir(), flags...)}
			r.fill()
			r.work()
			before := contents(r.node.stats())
			r.stop()
			r.node.start()
			if after := contents(r.node.stats()); after != before {
				t.Errorf("before:\n%safter:\n%s", before, after)
			}
			r.billingGetsTheRest()
			r.othersGetAll()
		})
	}
}

// restart is the story of one node with a hundred orders and a deferred one. The channel billing has dealt with some of
// them; the channel audit is paused. There is a topic that is paused and one that has no channel.
type restart struct {
	t    testing.TB
	node *process

	deferred time.Time               // when the deferred order was published
	requeued map[string]time.Time    // when it was put back, by body
	held     map[string]*nsq.Message // in flight when the node stopped, by body
	finished map[string]bool
}

const (
	orders   = 100
	deferral = 3 * time.Second // longer than a restart takes
)

func (r *restart) fill() {
	for _, topic := range []string{"orders", "paused", "alone"} {
		post(r.t, r.node.nsqd("/topic/create?topic="+topic), "")
	}
	for _, names := range []string{"topic=orders&channel=billing", "topic=orders&channel=audit", "topic=paused&channel=c"} {
		post(r.t, r.node.nsqd("/channel/create?"+names), "")
	}
	post(r.t, r.node.nsqd("/channel/pause?topic=orders&channel=audit"), "")
	post(r.t, r.node.nsqd("/topic/pause?topic=paused"), "")
	p := newProducer(r.t, r.node.addr.TCP)
	for topic, n := range map[string]int{"orders": orders, "paused": 5, "alone": 7} {
		if err := p.MultiPublish(topic, span{0, n}.bodies()); err != nil {
			r.t.Fatal(err)
		}
	}
	r.deferred = time.Now()
	if err := p.DeferredPublish("orders", deferral, []byte("deferred")); err != nil {
		r.t.Fatal(err)
	}
}

// work lets billing finish 20 orders, put back 5 and keep 10 until the node has stopped.
func (r *restart) work() {
	r.held, r.requeued, r.finished = map[string]*nsq.Message{}, map[string]time.Time{}, map[string]bool{}
	seen := make(chan *nsq.Message, orders)
	c := newConsumer(r.t, "orders", "billing", 10, func(m *nsq.Message) error {
		m.DisableAutoResponse()
		seen <- m
		return nil
	})
	if err := c.ConnectToNSQD(r.node.addr.TCP); err != nil {
		r.t.Fatal(err)
	}
	for i := range 35 {
		m := receive(r.t, seen)
		body := string(m.Body)
		switch {
		case i < 20:
			r.finished[body] = true
			m.Finish()
		case i < 25:
			r.requeued[body] = time.Now()
			m.RequeueWithoutBackoff(deferral)
		default:
			r.held[body] = m
		}
	}
	waitFor(r.t, "what billing has done", func() bool {
		b := r.node.topic("orders").channel("billing")
		return b.Depth == orders-35 && b.InFlight == 10 && b.Deferred == 6
	})
}

func (r *restart) stop() {
	r.node.stop()
	for _, m := range r.held {
		m.Finish() // too late, but then the consumer can end
	}
}

// contents says what a node has, leaving out who is connected.
func contents(topics []topicStats) string {
	var b strings.Builder
	for _, t := range topics {
		fmt.Fprintf(&b, "topic %s: %d messages, paused %v\n", t.Name, t.Depth, t.Paused)
		for _, c := range t.Channels {
			fmt.Fprintf(&b, "  channel %s: %d messages, paused %v\n", c.Name, c.Depth+c.InFlight+c.Deferred, c.Paused)
		}
	}
	return b.String()
}

// arrival is a message and when it came.
type arrival struct {
	*nsq.Message
	at time.Time
}

// drain consumes n messages of a channel, by body, and says so if one comes twice.
func (r *restart) drain(topic, channel string, n int) map[string]arrival {
	r.t.Helper()
	got := make(chan arrival, n+1)
	c := newConsumer(r.t, topic, channel, 50, func(m *nsq.Message) error {
		got <- arrival{m, time.Now()}
		return nil
	})
	if err := c.ConnectToNSQD(r.node.addr.TCP); err != nil {
		r.t.Fatal(err)
	}
	all := map[string]arrival{}
	for range n {
		m := receive(r.t, got)
		if _, twice := all[string(m.Body)]; twice {
			r.t.Errorf("%s/%s: %s came twice", topic, channel, m.Body)
		}
		all[string(m.Body)] = m
	}
	waitFor(r.t, "nothing left on "+channel, func() bool {
		return r.node.topic(topic).channel(channel) == channelStats{Name: channel, Clients: 1}
	})
	return all
}

func (r *restart) billingGetsTheRest() {
	due := map[string]time.Time{"deferred": r.deferred.Add(deferral)}
	for body, at := range r.requeued {
		due[body] = at.Add(deferral)
	}
	for body, m := range r.drain("orders", "billing", orders+1-len(r.finished)) {
		attempts := uint16(1)
		if _, before := r.requeued[body]; before || r.held[body] != nil {
			attempts = 2
		}
		if m.Attempts != attempts {
			r.t.Errorf("order %s comes with attempts %d, want %d", body, m.Attempts, attempts)
		}
		if at, ok := due[body]; ok && m.at.Before(at) {
			r.t.Errorf("order %s comes %v too early", body, at.Sub(m.at))
		}
		if h := r.held[body]; h != nil && (h.ID != m.ID || h.Timestamp != m.Timestamp) {
			r.t.Errorf("order %s, which was in flight, comes with another id or time", body)
		}
		if r.finished[body] {
			r.t.Errorf("order %s was finished and comes again", body)
		}
	}
}

func (r *restart) othersGetAll() {
	if a := r.node.topic("orders").channel("audit"); a.Depth+a.Deferred != orders+1 {
		r.t.Errorf("the paused channel has %+v", a)
	}
	post(r.t, r.node.nsqd("/channel/unpause?topic=orders&channel=audit"), "")
	post(r.t, r.node.nsqd("/topic/unpause?topic=paused"), "")
	for body, m := range r.drain("orders", "audit", orders+1) {
		if m.Attempts != 1 {
			r.t.Errorf("order %s comes to audit with attempts %d", body, m.Attempts)
		}
	}
	for topic, n := range map[string]int{"paused": 5, "alone": 7} {
		got := r.drain(topic, "c", n)
		for i := range n {
			if _, ok := got[strconv.Itoa(i)]; !ok {
				r.t.Errorf("message %d of topic %s is missing", i, topic)
			}
		}
	}
}
