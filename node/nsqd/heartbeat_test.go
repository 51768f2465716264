package nsqd

import (
	"net"
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

func TestHeartbeatTimes(t *testing.T) {
	inBubble(t, testOptions(), func(t *testing.T, h *harness) {
		c := h.open()
		start := time.Now()
		c.at(start, 30*time.Second, "response _heartbeat_")
		time.Sleep(time.Second)
		c.send("NOP\n")
		c.at(start, 60*time.Second, "response _heartbeat_")
		c.at(start, 90*time.Second, "response _heartbeat_")
		c.ends()
		if got := time.Since(start); got != 91*time.Second {
			t.Fatalf("ended after %v, want two intervals after the last command", got)
		}
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
		c.ends()
		if got := time.Since(start); got != 3500*time.Millisecond {
			t.Fatalf("ended after %v", got)
		}
	})
}

func TestLaterIdentifyHolds(t *testing.T) {
	inBubble(t, testOptions(), func(t *testing.T, h *harness) {
		c := h.open()
		c.identify(`{"heartbeat_interval":1000,"msg_timeout":1000}`)
		start := time.Now()
		c.identify(`{"heartbeat_interval":10000,"msg_timeout":2000}`)
		c.send("SUB t c\nRDY 1\n", "PUB t\n", sized("x"))
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
		kind, data, err := c.frame()
		if got := show(kind, data); got == "response _heartbeat_" { // both are due at the same moment
			kind, data, err = c.frame()
		}
		if got := show(kind, data); err != nil || got != "error E_BAD_MESSAGE PUB failed to read message body" {
			t.Fatalf("got %s, %v", got, err)
		}
		if got := time.Since(start); got != 2*time.Second {
			t.Fatalf("gave up after %v", got)
		}
	})
}

func TestMagicHasADeadline(t *testing.T) {
	inBubble(t, testOptions(), func(t *testing.T, h *harness) {
		start := time.Now()
		c := newClient(t, h.pipe())
		c.send("  V")
		c.ends()
		if got := time.Since(start); got != time.Minute {
			t.Fatalf("ended after %v", got)
		}
	})
}

func TestDeadConsumerLosesItsConnection(t *testing.T) {
	inBubble(t, testOptions(), func(t *testing.T, h *harness) {
		ours, theirs := net.Pipe()
		h.server.start(theirs)
		read := newClient(t, ours)
		read.send("  V2")
		read.send("IDENTIFY\n", sized(`{"heartbeat_interval":1000}`))
		read.expect("response OK")
		read.send("SUB t c\n")
		read.expect("response OK")
		start := time.Now()
		read.send("RDY 1\n")
		topic, _ := h.broker.Topic("t")
		if err := topic.Put([]queue.Message{{Body: "never read"}}); err != nil {
			t.Fatal(err)
		}
		waitFor(t, func() bool { return len(h.server.Clients()) == 0 })
		if got := time.Since(start); got > 1100*time.Millisecond {
			t.Errorf("a write to nobody ended after %v, want one interval", got)
		}
	})
}
