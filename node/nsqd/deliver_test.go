package nsqd

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nsqmesh/nsqmesh/node/queue"
)

func TestMessageFrame(t *testing.T) {
	inBubble(t, testOptions(), func(t *testing.T, h *harness) {
		c := h.open()
		now := time.Now()
		c.send("PUB t\n", sized("body\x00\n\xff"), "SUB t c\nRDY 1\n")
		c.expect("response OK", "response OK")
		m := c.message()
		if m.attempts != 1 || m.body != "body\x00\n\xff" || m.timestamp != now.UnixNano() {
			t.Errorf("got %+v", m)
		}
		if !regexp.MustCompile("^[0-9a-f]{16}$").MatchString(m.id) {
			t.Errorf("id %q", m.id)
		}
	})
}

// TestAnswerToSubComesFirst pipelines all that a consumer sends, with messages waiting.
func TestAnswerToSubComesFirst(t *testing.T) {
	h := newHarness(t, testOptions())
	l := h.listen("tcp", "127.0.0.1:0")
	for i := range 50 {
		topic := fmt.Sprint("t", i)
		c := h.dial(l)
		c.send("MPUB ", topic, "\n", mpubBody("a", "b"), "SUB ", topic, " c\nRDY 2\n")
		c.expect("response OK", "response OK", "message #1 a", "message #1 b")
	}
}

// TestReadyIsALevel keeps a pipeline of messages going with one RDY.
func TestReadyIsALevel(t *testing.T) {
	inBubble(t, testOptions(), func(t *testing.T, h *harness) {
		c := h.open()
		c.send("MPUB t\n", mpubBody("1", "2", "3", "4", "5"), "SUB t c\nRDY 2\n")
		c.expect("response OK", "response OK")
		first, second := c.message(), c.message()
		synctest.Wait()
		if s := h.server.Clients()[0]; s.InFlight != 2 || s.Ready != 2 || s.MessageCount != 2 {
			t.Fatalf("got %+v", s)
		}
		c.send("FIN ", first.id, "\nFIN ", second.id, "\nFIN ", second.id, "\n")
		c.expect("error E_FIN_FAILED FIN "+second.id+" failed ID not in flight", "message #1 3")
		fourth := c.message()
		c.send("RDY 0\nREQ ", fourth.id, " 0\nNOP\nRDY 3\n")
		c.expect("message #1 5", "message #2 4")
		time.Sleep(time.Second)
		if s := h.server.Clients()[0]; s.InFlight != 3 || s.FinishCount != 2 || s.RequeueCount != 1 {
			t.Fatalf("got %+v", s)
		}
	})
}

func TestMessageOfAnotherConsumer(t *testing.T) {
	inBubble(t, testOptions(), func(t *testing.T, h *harness) {
		a, b := h.open(), h.open()
		a.send("PUB t\n", sized("mine"), "SUB t c\nRDY 1\n")
		a.expect("response OK", "response OK")
		id := a.message().id
		b.send("SUB t c\nFIN ", id, "\nREQ ", id, " 0\nTOUCH ", id, "\n")
		b.expect("response OK",
			"error E_FIN_FAILED FIN "+id+" failed client does not own message",
			"error E_REQ_FAILED REQ "+id+" failed client does not own message",
			"error E_TOUCH_FAILED TOUCH "+id+" failed client does not own message")
		a.send("FIN ", id, "\nFIN ", id, "\n")
		a.expect("error E_FIN_FAILED FIN " + id + " failed ID not in flight")
	})
}

func TestRequeueDelays(t *testing.T) {
	o := testOptions()
	o.MaxReqTimeout = 500 * time.Millisecond
	tests := map[string]struct {
		timeout string
		after   time.Duration
	}{
		"none at all":                     {"", 0},
		"at once":                         {"0", 0},
		"later":                           {"300", 300 * time.Millisecond},
		"cut to the most":                 {"86400000", 500 * time.Millisecond},
		"more than a time.Duration holds": {"9223372036854775807", 500 * time.Millisecond},
		"negative by wrapping around":     {"18446744073709551615", 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			inBubble(t, o, func(t *testing.T, h *harness) {
				c := h.open()
				c.send("PUB t\n", sized("x"), "SUB t c\nRDY 1\n")
				c.expect("response OK", "response OK")
				m := c.message()
				start := time.Now()
				c.send("REQ ", m.id, " ", test.timeout, "\n")
				c.at(start, test.after, "message #2 x")
			})
		})
	}
}

func TestTouch(t *testing.T) {
	inBubble(t, testOptions(), func(t *testing.T, h *harness) {
		c := h.open()
		c.identify(`{"msg_timeout":1500}`)
		c.send("PUB t\n", sized("x"), "SUB t c\nRDY 1\n")
		c.expect("response OK", "response OK")
		start := time.Now()
		m := c.message()
		time.Sleep(time.Second)
		c.send("TOUCH ", m.id, "\n")
		c.at(start, 2500*time.Millisecond, "message #2 x")
	})
}

// TestNothingAfterCloseWait closes a consumer in the middle of a stream of messages.
func TestNothingAfterCloseWait(t *testing.T) {
	h := newHarness(t, testOptions())
	l := h.listen("tcp", "127.0.0.1:0")
	topic, err := h.broker.Topic("t")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := topic.Channel("c"); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		if err := topic.Put(make([]queue.Message, 1)); err != nil {
			t.Fatal(err)
		}
		c := h.dial(l)
		c.send("SUB t c\nRDY 1\n")
		c.expect("response OK")
		id := c.message().id
		c.send("RDY 2500\nFIN ", id, "\n")
		if err := topic.Put(make([]queue.Message, 2000)); err != nil {
			t.Fatal(err)
		}
		c.send("CLS\n")
		var last string
		for last != "response CLOSE_WAIT" {
			kind, data, err := c.frame()
			if err != nil {
				t.Fatal(err)
			}
			if last = show(kind, data); kind == frameMessage {
				id = parseMessage(data).id
			}
		}
		c.send("FIN ", id, "\nPUB other\n", sized("x"))
		if kind, data, _ := c.frame(); kind == frameMessage {
			t.Fatalf("got %s after CLOSE_WAIT", show(kind, data))
		}
		c.close()
	}
}

// TestBigMessages delivers bodies around the borders of a parcel, alone and together.
func TestBigMessages(t *testing.T) {
	var bodies []string
	for _, border := range []int{1, directBody, parcelBytes, parcelBytes - messageOverhead, 1 << 20} {
		for _, n := range []int{border - 1, border, border + 1} {
			if n > 0 && n <= 1<<20 {
				bodies = append(bodies, strings.Repeat("b", n), "s")
			}
		}
	}
	bodies = append(bodies, slicesRepeat(strings.Repeat("m", parcelBytes/3-messageOverhead), 7)...)
	var want []string
	for _, b := range bodies {
		want = append(want, "message #1 "+b)
	}
	h := newHarness(t, testOptions())
	l := h.listen("tcp", "127.0.0.1:0")
	topic, err := h.broker.Topic("t")
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range bodies {
		if err := topic.Put([]queue.Message{{Body: b}}); err != nil {
			t.Fatal(err)
		}
	}
	c := h.dial(l)
	c.send("SUB t c\nRDY 2500\n")
	c.expect("response OK")
	c.expect(want...)
}

func slicesRepeat(s string, n int) (many []string) {
	for range n {
		many = append(many, s)
	}
	return many
}

func TestDeletedChannelEndsItsConsumers(t *testing.T) {
	inBubble(t, testOptions(), func(t *testing.T, h *harness) {
		c := h.open()
		c.send("SUB t c\nRDY 1\n")
		c.expect("response OK")
		synctest.Wait()
		if err := h.broker.FindTopic("t").DeleteChannel("c"); err != nil {
			t.Fatal(err)
		}
		c.ends()
	})
}

func TestDisconnectKeepsMessagesInFlight(t *testing.T) {
	inBubble(t, testOptions(), func(t *testing.T, h *harness) {
		a := h.open()
		a.identify(`{"msg_timeout":2000}`)
		start := time.Now()
		a.send("PUB t\n", sized("orphan"), "SUB t c\nRDY 1\n")
		a.expect("response OK", "response OK", "message #1 orphan")
		a.close()
		b := h.open()
		b.send("SUB t c\nRDY 1\n")
		b.expect("response OK")
		b.at(start, 2*time.Second, "message #2 orphan")
	})
}

func TestEphemeralChannelGoesWithItsLastConsumer(t *testing.T) {
	inBubble(t, testOptions(), func(t *testing.T, h *harness) {
		for range 20 { // SUB right behind the last consumer's end has to wait for the new channel
			c := h.open()
			c.send("SUB t#ephemeral c#ephemeral\n")
			c.expect("response OK")
			c.close()
		}
		waitFor(t, func() bool { return h.broker.FindTopic("t#ephemeral") == nil })
	})
}

func TestConsumerLimit(t *testing.T) {
	o := testOptions()
	o.MaxChannelConsumers = 1
	inBubble(t, o, func(t *testing.T, h *harness) {
		a, b, c := h.open(), h.open(), h.open()
		a.send("SUB t c\n")
		a.expect("response OK")
		b.send("SUB t c\n")
		b.expect("error E_SUB_FAILED SUB failed consumers for t:c exceeds limit of 1")
		b.ends()
		c.send("SUB t other\n")
		c.expect("response OK")
	}, func(q *queue.Options) { q.MaxChannelConsumers = 1 })
}
