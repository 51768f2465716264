package main

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/nsqio/go-nsq"
)

// shop is a mesh of three nodes with what a shop would do with it, so that the admin pages have something to show.
type shop struct {
	nodes []*process
	stop  func() // ends the traffic
}

func startShop(t testing.TB, flags ...string) *shop {
	t.Helper()
	flags = append(flags, "--e2e-processing-latency-percentile=0.5,0.99", "--cluster-name=shop", "--topology-region=eu")
	s := &shop{nodes: []*process{startNode(t, t.TempDir(), append(flags, "--node-name=anna", "--topology-zone=eu-1")...)}}
	seed := "--gossip-seed=" + s.nodes[0].addr.Gossip
	for _, name := range []string{"bert", "carl"} {
		s.nodes = append(s.nodes, startNode(t, t.TempDir(), append(flags, seed, "--node-name="+name, "--topology-zone=eu-2")...))
	}
	waitForNodes(t, 3, s.nodes...)
	s.trade(t)
	return s
}

// trade publishes and consumes until it is stopped.
func (s *shop) trade(t testing.TB) {
	t.Helper()
	closing := make(chan struct{})
	var sellers sync.WaitGroup
	for i, node := range s.nodes {
		producer := newProducer(t, node.addr.TCP)
		sellers.Go(func() { sell(producer, i, closing) })
	}
	s.stop = sync.OnceFunc(func() {
		close(closing)
		sellers.Wait()
	})
	t.Cleanup(s.stop)
	s.consume(t, "orders", "billing", 20, func(*nsq.Message) error { return nil })
	s.consume(t, "orders", "shipping", 5, func(m *nsq.Message) error {
		time.Sleep(time.Millisecond)
		return nil
	})
	s.consume(t, "payments", "ledger", 5, func(m *nsq.Message) error {
		if m.Attempts == 1 && rand.IntN(10) == 0 {
			m.RequeueWithoutBackoff(100 * time.Millisecond)
		}
		return nil
	})
	s.consume(t, "emails.outbound", "smtp", 1, func(m *nsq.Message) error {
		time.Sleep(50 * time.Millisecond)
		return nil
	})
	for _, path := range []string{"/topic/create?topic=reports", "/channel/create?topic=reports&channel=archive"} {
		post(t, s.nodes[1].nsqd(path), "")
	}
}

func (s *shop) consume(t testing.TB, topic, channel string, inFlight int, handle nsq.HandlerFunc) {
	t.Helper()
	c := newConsumer(t, topic, channel, inFlight, handle)
	var addresses []string
	for _, node := range s.nodes {
		addresses = append(addresses, node.addr.LookupHTTP)
	}
	if err := c.ConnectToNSQLookupds(addresses); err != nil {
		t.Fatal(err)
	}
}

// sell publishes a few messages of each kind every now and then. A node that is killed takes none, which is no fault here.
func sell(p *nsq.Producer, shop int, closing chan struct{}) {
	pause := time.NewTicker(100 * time.Millisecond)
	defer pause.Stop()
	for n := 0; ; n++ {
		select {
		case <-closing:
			return
		case <-pause.C:
		}
		for i := range 10 + rand.IntN(10) {
			_ = p.Publish("orders", fmt.Appendf(nil, `{"order":%d,"shop":%d,"items":[{"sku":"A-%d","count":%d}],"total":"%d.50"}`, n*100+i, shop, i, i%3+1, i*7+12))
		}
		for range 3 {
			_ = p.Publish("payments", fmt.Appendf(nil, `{"order":%d,"paid":true}`, n*100))
		}
		_ = p.Publish("emails.outbound", fmt.Appendf(nil, "To: customer-%d@example.com\nSubject: Thank you", n))
		if shop == 1 && n%5 == 0 {
			_ = p.Publish("reports", fmt.Appendf(nil, "report %d", n))
		}
	}
}
