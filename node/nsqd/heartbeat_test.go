package nsqd

import (
	"strings"
	"testing"
	"time"

	"github.com/nsqmesh/nsqmesh/node/queue"
)

// at expects frames at a time after start.
func (c *client) at(start time.Time, after time.Duration, frames ...string) {
	c.t.Helper()
	c.expect(frames...)
	if got := time.Since(start); got != after {
		c.t.Fatalf("%v came after %v, want %v", frames, got, after)
	}
}

// endsAt expects the end of the connection at a time after start, or a little later.
func (c *client) endsAt(start time.Time, after, slack time.Duration) {
	c.t.Helper()
	c.ends()
	if got := time.Since(start); got < after || got > after+slack {
		c.t.Fatalf("ended after %v, want %v", got, after)
	}
}

func TestHeartbeatTimes(t *testing.T) {
	inBubble(t, testOptions(), func(t *testing.T, h *harness) {
		c := h.open()
		start := time.Now()
		c.at(start, 30*time.Second, "response _heartbeat_")
		time.Sleep(time.Second)
		c.send("NOP\n")
		c.at(start, 60*time.Second, "response _heartbeat_")
		c.at(start, 90*time.Second, "response _heartbeat_")
		c.endsAt(start, 91*time.Second, time.Second)
	})
}

func TestHeartbeatAsAgreed(t *testing.T) {
	inBubble(t, testOptions(), func(t *testing.T, h *harness) {
		c := h.open()
		time.Sleep(5 * time.Second)
		start := time.Now()
		c.identify(`{"heartbeat_interval":1000}`)
		c.at(start, 1*time.Second, "response _heartbeat_")
		time.Sleep(500 * time.Millisecond)
		c.send("PUB t\n", sized("any command counts"))
		c.expect("response OK")
		c.at(start, 2*time.Second, "response _heartbeat_")
		c.at(start, 3*time.Second, "response _heartbeat_")
		c.endsAt(start, 3500*time.Millisecond, 20*time.Millisecond)
	})
}

// TestEveryCommandCounts sends commands so often that the deadline isn't set anew for each.
func TestEveryCommandCounts(t *testing.T) {
	inBubble(t, testOptions(), func(t *testing.T, h *harness) {
		c := h.open()
		c.identify(`{"heartbeat_interval":1000}`)
		for range 990 {
			c.send("NOP\n")
			time.Sleep(7 * time.Millisecond)
		}
		last := time.Now().Add(-7 * time.Millisecond)
		for range 8 {
			c.expect("response _heartbeat_")
		}
		c.endsAt(last, 2*time.Second, 20*time.Millisecond)
	})
}

func TestLaterIdentifyHolds(t *testing.T) {
	inBubble(t, testOptions(), func(t *testing.T, h *harness) {
		c := h.open()
		c.identify(`{"heartbeat_interval":1000,"msg_timeout":1000}`)
		start := time.Now()
		c.identify(`{"heartbeat_interval":10000,"msg_timeout":2000}`)
		c.send("PUB t\n", sized("x"), "SUB t c\nRDY 1\n")
		c.expect("response OK", "response OK")
		c.at(start, 0, "message #1 x")
		c.at(start, 2*time.Second, "message #2 x")
		for n := 4; n < 10; n += 2 {
			c.at(start, time.Duration(n)*time.Second, "message #"+string(rune('1'+n/2))+" x")
		}
	})
}

func TestNoHeartbeats(t *testing.T) {
	inBubble(t, testOptions(), func(t *testing.T, h *harness) {
		c := h.open()
		c.identify(`{"heartbeat_interval":-1}`)
		time.Sleep(time.Hour)
		c.send("PUB t\n", sized("x"))
		c.expect("response OK")
		c.identify(`{"heartbeat_interval":1000}`)
		c.at(time.Now(), time.Second, "response _heartbeat_")
		c.identify(`{"heartbeat_interval":-1}`)
		time.Sleep(time.Hour)
		c.send("PUB t\n", sized("x"))
		c.expect("response OK")
	})
}

func TestSilenceWithinABody(t *testing.T) {
	inBubble(t, testOptions(), func(t *testing.T, h *harness) {
		c := h.open()
		c.identify(`{"heartbeat_interval":1000}`)
		start := time.Now()
		c.send("PUB t\n", int32Bytes(10), "abc")
		c.at(start, 1*time.Second, "response _heartbeat_")
		c.send("def") // a body that trickles in doesn't renew the deadline
		c.at(start, 2*time.Second, "response _heartbeat_")
		c.expect("error E_BAD_MESSAGE PUB failed to read message body")
		c.endsAt(start, 2*time.Second, 20*time.Millisecond)
	})
}

func TestMagicHasADeadline(t *testing.T) {
	inBubble(t, testOptions(), func(t *testing.T, h *harness) {
		start := time.Now()
		c := newClient(t, h.pipe())
		c.send("  V")
		c.endsAt(start, time.Minute, 0)
	})
}

// TestDeadConsumerLosesItsConnection runs in real time: a heartbeat that waits for the blocked write would stop a bubble's.
func TestDeadConsumerLosesItsConnection(t *testing.T) {
	h := newHarness(t, testOptions())
	c := h.dial(h.listen("tcp", "127.0.0.1:0"))
	c.identify(`{"heartbeat_interval":1000}`)
	c.send("SUB t c\nRDY 2500\n")
	c.expect("response OK")
	big := strings.Repeat("x", 1<<20)
	start := time.Now()
	for range 32 { // more than two sockets hold
		if err := h.broker.FindTopic("t").Put([]queue.Message{{Body: big}}); err != nil {
			t.Fatal(err)
		}
	}
	for i := 0; time.Since(start) < 900*time.Millisecond; i++ {
		c.send("NOP\n")
		time.Sleep(10 * time.Millisecond)
	}
	waitFor(t, func() bool { return len(h.server.Clients()) == 0 })
	if got := time.Since(start); got < time.Second {
		t.Errorf("a write that nobody reads ended after %v, want one interval", got)
	}
}
