package main

import (
	"bytes"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/nsqio/go-nsq"
)

// Producers and consumers that go on while their node is stopped and started again, as for an upgrade, lose nothing that
// was acknowledged. What was not, they publish again.
func TestARestartUnderLoadLosesNothing(t *testing.T) {
	const topic, total = "numbers", 30_000
	node := startNode(t, t.TempDir(), append(fixedPorts(t), "--mem-queue-size=500")...)
	tally := newTally(total)
	t.Cleanup(func() { t.Logf("%d deliveries too many, missing %v", tally.again.Load(), tally.missing()) })
	consumer := newConsumer(t, topic, "c", 200, tally.handle)
	if err := consumer.ConnectToNSQD(node.addr.TCP); err != nil {
		t.Fatal(err)
	}

	var publishing sync.WaitGroup
	insist := func(s span, size int, publish func(span) error) {
		publishing.Go(func() {
			for _, batch := range s.batches(size) {
				if err := untilAcknowledged(func() error { return publish(batch) }); err != nil {
					t.Errorf("publish: %v", err)
					return
				}
			}
		})
	}
	p, q := &reconnecting{t: t, address: node.addr.TCP}, &reconnecting{t: t, address: node.addr.TCP}
	pub := node.nsqd("/pub?topic=" + topic)
	parts := span{0, total}.parts(10, 5, 85)
	insist(parts[0], 1, func(s span) error {
		return p.do(func(p *nsq.Producer) error { return p.Publish(topic, s.bodies()[0]) })
	})
	insist(parts[1], 1, func(s span) error {
		if status, answer := ask(http.MethodPost, pub, bytes.NewReader(s.bodies()[0])); status != http.StatusOK {
			return fmt.Errorf("/pub: %d %s", status, answer)
		}
		return nil
	})
	insist(parts[2], 20, func(s span) error {
		return q.do(func(p *nsq.Producer) error { return publishBatches(p, topic, s) })
	})

	for part := range int64(3) {
		waitFor(t, "messages", func() bool { return tally.first.Load() > (part+1)*total/5 })
		node.stop()
		node.start()
	}
	publishing.Wait()
	waitFor(t, "all messages", func() bool { return tally.first.Load() == total })
}

func untilAcknowledged(publish func() error) error {
	for begin := time.Now(); ; time.Sleep(2 * time.Millisecond) {
		if err := publish(); err == nil || time.Since(begin) > patience {
			return err
		}
	}
}

// reconnecting has a new producer after every error, as the race detector objects to how go-nsq's reconnects.
type reconnecting struct {
	t       testing.TB
	address string
	p       *nsq.Producer
}

func (r *reconnecting) do(publish func(*nsq.Producer) error) error {
	if r.p == nil {
		r.p = newProducer(r.t, r.address)
	}
	err := publish(r.p)
	if err != nil {
		r.p = nil
	}
	return err
}
