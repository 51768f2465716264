package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/nsqio/go-nsq"
)

// tally counts how often each numbered message came.
type tally struct {
	times []atomic.Uint32
	first atomic.Int64 // messages that came
	again atomic.Int64 // deliveries beyond the first
}

func newTally(n int) *tally { return &tally{times: make([]atomic.Uint32, n)} }

func (c *tally) handle(m *nsq.Message) error {
	n, err := strconv.Atoi(string(m.Body))
	if err != nil || n < 0 || n >= len(c.times) {
		return fmt.Errorf("not a message of ours: %q", m.Body)
	}
	if c.times[n].Add(1) == 1 {
		c.first.Add(1)
	} else {
		c.again.Add(1)
	}
	return nil
}

func (c *tally) missing() (numbers []int) {
	for i := range c.times {
		if c.times[i].Load() == 0 && len(numbers) < 10 {
			numbers = append(numbers, i)
		}
	}
	return numbers
}

// span are the numbers of the messages that one producer publishes.
type span struct{ from, to int }

// part is share i of the numbers, of which shares are per cent.
func (s span) parts(percent ...int) (all []span) {
	from, total := s.from, s.to-s.from
	for _, p := range percent {
		all = append(all, span{from, from + total*p/100})
		from += total * p / 100
	}
	all[len(all)-1].to = s.to
	return all
}

func (s span) batches(size int) (all []span) {
	for from := s.from; from < s.to; from += size {
		all = append(all, span{from, min(from+size, s.to)})
	}
	return all
}

func (s span) bodies() (all [][]byte) {
	for n := s.from; n < s.to; n++ {
		all = append(all, strconv.AppendInt(nil, int64(n), 10))
	}
	return all
}

// The four ways to publish. Each returns when the node has acknowledged all.

func publishEach(p *nsq.Producer, topic string, s span) error {
	done := make(chan *nsq.ProducerTransaction, 1000)
	failed := make(chan error, 1)
	go func() {
		var first error
		for range s.to - s.from {
			if t := <-done; t.Error != nil && first == nil {
				first = t.Error
			}
		}
		failed <- first
	}()
	for _, body := range s.bodies() {
		if err := p.PublishAsync(topic, body, done); err != nil {
			return err
		}
	}
	return <-failed
}

func publishBatches(p *nsq.Producer, topic string, s span) error {
	for _, batch := range s.batches(100) {
		if err := p.MultiPublish(topic, batch.bodies()); err != nil {
			return err
		}
	}
	return nil
}

func postEach(node *process, topic string, s span) error {
	for _, body := range s.bodies() {
		if status, answer := ask(http.MethodPost, node.nsqd("/pub?topic="+topic), bytes.NewReader(body)); status != http.StatusOK {
			return fmt.Errorf("/pub: %d %s", status, answer)
		}
	}
	return nil
}

// postBatches takes turns with the two forms of /mpub.
func postBatches(node *process, topic string, s span) error {
	for i, batch := range s.batches(100) {
		path, body := "/mpub?topic="+topic, bytes.Join(batch.bodies(), []byte("\n"))
		if i%2 == 1 {
			path, body = path+"&binary=true", binaryBatch(batch.bodies())
		}
		if status, answer := ask(http.MethodPost, node.nsqd(path), bytes.NewReader(body)); status != http.StatusOK {
			return fmt.Errorf("/mpub: %d %s", status, answer)
		}
	}
	return nil
}

func binaryBatch(bodies [][]byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(bodies)))
	for _, body := range bodies {
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(body))), body...)
	}
	return b
}

// publishAll publishes parts in the four ways at the same time.
func publishAll(t testing.TB, node *process, topic string, parts []span) *sync.WaitGroup {
	t.Helper()
	var all sync.WaitGroup
	p, q := newProducer(t, node.addr.TCP), newProducer(t, node.addr.TCP)
	for i, way := range []func(s span) error{
		func(s span) error { return publishEach(p, topic, s) },
		func(s span) error { return publishBatches(q, topic, s) },
		func(s span) error { return postEach(node, topic, s) },
		func(s span) error { return postBatches(node, topic, s) },
	} {
		all.Go(func() {
			if err := way(parts[i]); err != nil {
				t.Errorf("publish: %v", err)
			}
		})
	}
	return &all
}

// consumers are all consumers of a story, and what has come to each channel.
type consumers struct {
	t        testing.TB
	all      []*nsq.Consumer
	channels map[string]*tally
}

func (c *consumers) join(topic, channel string, lookupd *process, n int) {
	c.t.Helper()
	if c.channels[channel] == nil {
		c.channels[channel] = newTally(n)
	}
	one := newConsumer(c.t, topic, channel, 1000, c.channels[channel].handle)
	if err := one.ConnectToNSQLookupd(lookupd.lookupd("")); err != nil {
		c.t.Fatal(err)
	}
	c.all = append(c.all, one)
}

// connected waits until each consumer has n nodes.
func (c *consumers) connected(n int) {
	c.t.Helper()
	waitFor(c.t, fmt.Sprintf("consumers of %d nodes", n), func() bool {
		return !slices.ContainsFunc(c.all, func(one *nsq.Consumer) bool { return one.Stats().Connections != n })
	})
}

// got waits until n different messages have come to each channel.
func (c *consumers) got(n int) {
	c.t.Helper()
	for name, tally := range c.channels {
		waitFor(c.t, fmt.Sprintf("%d messages on channel %s", n, name), func() bool { return tally.first.Load() >= int64(n) })
	}
}

func (c *consumers) report() {
	for name, tally := range c.channels {
		c.t.Logf("channel %s: %d messages, %d deliveries too many, missing %v", name, tally.first.Load(), tally.again.Load(), tally.missing())
	}
}

// All that is published to one node reaches every channel, through consumers that know another node only, while a
// third node that has the topic, too, is killed and comes back.
func TestEveryMessageArrivesWhileANodeDies(t *testing.T) {
	total := 100_000
	if testing.Short() {
		total = 20_000
	}
	const topic = "numbers"
	nodes := startMesh(t, 3)
	for _, n := range nodes[:2] {
		post(t, n.nsqd("/topic/create?topic="+topic), "")
	}
	waitFor(t, "both producers", func() bool { return nodes[2].names(topic, nodes[0], nodes[1]) && nodes[1].remembers(topic) })
	all := consumers{t: t, channels: map[string]*tally{}}
	t.Cleanup(all.report)
	for _, channel := range []string{"work", "archive", "archive"} { // two share a channel
		all.join(topic, channel, nodes[2], total+1)
	}
	all.connected(2)

	parts := span{0, total}.parts(20, 15, 4, 11, 20, 15, 4, 11)
	first := publishAll(t, nodes[0], topic, parts[:4])
	all.got(total / 20)
	nodes[1].kill()
	first.Wait()
	all.connected(1)
	second := publishAll(t, nodes[0], topic, parts[4:])
	all.got(total * 6 / 10)
	nodes[1].start() // on other ports
	second.Wait()
	all.got(total)

	all.connected(2)
	post(t, nodes[1].nsqd("/pub?topic="+topic), strconv.Itoa(total)) // and the one that came back serves them, too
	all.got(total + 1)
	for name, tally := range all.channels {
		waitFor(t, "nothing left on channel "+name, func() bool {
			left := nodes[0].topic(topic).channel(name)
			return left.Depth == 0 && left.InFlight == 0 && left.Deferred == 0
		})
		if tally.again.Load() > 0 { // the node that died had none of them
			t.Errorf("channel %s: messages were delivered again", name)
		}
	}
}
