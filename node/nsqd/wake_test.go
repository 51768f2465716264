package nsqd

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nsqmesh/nsqmesh/node/queue"
)

// delivering tells whether the only connection has its second goroutine.
func (h *harness) delivering() bool {
	synctest.Wait()
	h.server.mu.Lock()
	defer h.server.mu.Unlock()
	for c := range h.server.conns {
		c.waking.Lock()
		defer c.waking.Unlock()
		return c.running
	}
	return false
}

func TestSecondGoroutineRests(t *testing.T) {
	inBubble(t, testOptions(), func(t *testing.T, h *harness) {
		c := h.open()
		c.identify(`{"heartbeat_interval":1000}`)
		c.send("SUB t c\nRDY 1\n")
		c.expect("response OK")
		if h.delivering() {
			t.Fatal("runs before there is anything to deliver")
		}
		topic := h.broker.FindTopic("t")
		for round := range 3 {
			if err := topic.Put([]queue.Message{{Body: "x"}}); err != nil {
				t.Fatal(err)
			}
			m := c.message()
			if !h.delivering() {
				t.Fatalf("round %d: doesn't run after a wake-up", round)
			}
			c.send("FIN ", m.id, "\n")
			for range 2 {
				time.Sleep(700 * time.Millisecond)
				c.send("NOP\n")
			}
			c.expect("response _heartbeat_")
			if !h.delivering() {
				t.Fatalf("round %d: rests after one heartbeat", round)
			}
			c.expect("response _heartbeat_")
			c.send("NOP\n")
			if h.delivering() {
				t.Fatalf("round %d: runs after two heartbeats without a delivery", round)
			}
		}
	})
}

// TestNoWakeUpIsLost has many publishers and consumers that finish one message at a time, through the reader's and the second
// goroutine's deliveries, while the second goroutine comes and goes.
func TestNoWakeUpIsLost(t *testing.T) {
	const consumers, publishers, each = 8, 4, 3000
	h := newHarness(t, testOptions())
	l := h.listen("tcp", "127.0.0.1:0")
	var all sync.WaitGroup
	var mu sync.Mutex
	seen := map[string]bool{}
	done := make(chan struct{})
	for n := range consumers {
		c := h.dial(l)
		c.send("SUB t c\nRDY ", fmt.Sprint(1+n%3), "\n")
		c.expect("response OK")
		all.Go(func() {
			for {
				kind, data, err := c.frame()
				if err != nil || kind != frameMessage {
					return
				}
				m := parseMessage(data)
				mu.Lock()
				seen[m.body] = true
				if len(seen) == publishers*each {
					close(done)
				}
				mu.Unlock()
				c.out.Write([]byte("FIN " + m.id + "\n"))
			}
		})
	}
	for n := range publishers {
		c := h.dial(l)
		all.Go(func() {
			for i := range each {
				c.send("PUB t\n", sized(fmt.Sprint(n, "-", i)))
				if i%10 == 0 {
					time.Sleep(time.Millisecond)
				}
			}
			for range each {
				c.expect("response OK")
			}
		})
	}
	select {
	case <-done:
	case <-time.After(30 * time.Second):
		mu.Lock()
		t.Errorf("%d of %d messages came", len(seen), publishers*each)
		mu.Unlock()
	}
	h.close()
	all.Wait()
}
