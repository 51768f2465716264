package main

import (
	"sync"
	"testing"
	"time"
)

// Producers and consumers that go on while their node is stopped and started again, as for an upgrade, lose nothing that
// was acknowledged. What was not, they publish again.
func TestARestartUnderLoadLosesNothing(t *testing.T) {
	const topic, total = "numbers", 30_000
	node := startNode(t, t.TempDir(), append(fixedPorts(t), "--mem-queue-size=500")...)
	tally := newTally(total)
	consumer := newConsumer(t, topic, "c", 200, tally.handle)
	if err := consumer.ConnectToNSQD(node.addr.TCP); err != nil {
		t.Fatal(err)
	}

	var publishing sync.WaitGroup
	p, q := newProducer(t, node.addr.TCP), newProducer(t, node.addr.TCP)
	parts := span{0, total}.parts(10, 5, 85)
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
	insist(parts[0], 1, func(s span) error { return p.Publish(topic, s.bodies()[0]) })
	insist(parts[1], 1, func(s span) error { return postEach(node, topic, s) })
	insist(parts[2], 20, func(s span) error { return publishBatches(q, topic, s) })

	for part := range int64(3) {
		waitFor(t, "messages", func() bool { return tally.first.Load() > (part+1)*total/5 })
		node.stop()
		node.start()
	}
	publishing.Wait()
	t.Cleanup(func() { t.Logf("%d deliveries too many, missing %v", tally.again.Load(), tally.missing()) })
	waitFor(t, "all messages", func() bool { return tally.first.Load() == total })
}

func untilAcknowledged(publish func() error) error {
	for begin := time.Now(); ; time.Sleep(2 * time.Millisecond) {
		if err := publish(); err == nil || time.Since(begin) > patience {
			return err
		}
	}
}
