package nsqd

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/nsqmesh/nsqmesh/node/queue"
)

// isStored empties a topic through a new channel and compares the bodies, in order.
func isStored(t testing.TB, h *harness, topic string, want []string) {
	t.Helper()
	ch, err := realBroker{h.broker}.Channel(topic, "all")
	if err != nil {
		t.Fatal(err)
	}
	sub, err := ch.Subscribe(deaf{}, queue.Terms{})
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Close()
	sub.SetReady(1 << 30)
	n := 0
	into := make([]queue.Message, 0, 1000)
	waitFor(t, func() bool {
		for into = sub.Take(into[:0]); len(into) > 0; into = sub.Take(into[:0]) {
			for _, m := range into {
				if n >= len(want) || m.Body != want[n] {
					t.Fatalf("message %d is %s", n, short(m.Body))
				}
				n++
			}
		}
		return n >= len(want)
	})
}

type deaf struct{}

func (deaf) Wake()  {}
func (deaf) Close() {}

// TestEverySizeInAnyPieces publishes bodies around all the borders between buffer, slab and own allocation, by every
// command, cut into random pieces.
func TestEverySizeInAnyPieces(t *testing.T) {
	var sizes []int
	for _, border := range []int{1, 100, ownBuffer, busyBuffer, firstPart * growth, 1 << 20} {
		for d := -40; d <= 8; d += 8 {
			if n := border + d; n > 0 && n <= 1<<20 {
				sizes = append(sizes, n)
			}
		}
	}
	var send strings.Builder
	send.WriteString("  V2")
	var want, frames []string
	rnd := rand.New(rand.NewPCG(1, 2))
	for i, n := range sizes {
		body := strings.Repeat(fmt.Sprintf("%d,", i), n/2+1)[:n]
		small := fmt.Sprintf("small %d", i)
		switch i % 3 {
		case 0:
			send.WriteString("PUB t\n" + sized(body) + "PUB t\n" + sized(small))
			want = append(want, body, small)
		case 1:
			send.WriteString("DPUB t 0\n" + sized(small) + "DPUB t 0\n" + sized(body))
			want = append(want, small, body)
		case 2:
			send.WriteString("PUB t\n" + sized("before") + "MPUB t\n" + mpubBody(small, body, small, small, body, small))
			want = append(want, "before", small, body, small, small, body, small)
		}
		frames = append(frames, "response OK", "response OK")
	}
	many := make([]string, 20000)
	for i := range many {
		many[i] = fmt.Sprintf("one of many: %d", i)
	}
	send.WriteString("MPUB t\n" + mpubBody(many...) + "PUB t\n" + sized("last") + "BAD\n")
	want = append(want, many...)
	want = append(want, "last")
	frames = append(frames, "response OK", "response OK", "error E_INVALID invalid command BAD")

	h := newHarness(t, testOptions(), func(o *queue.Options) { o.MemQueueSize = 1 << 20 })
	l := h.listen("tcp", "127.0.0.1:0")
	for name, conn := range map[string]func() *client{
		"socket": func() *client { return h.dialRaw(l) },
		"pipe":   func() *client { return newClient(t, h.pipe()) },
	} {
		t.Run(name, func(t *testing.T) {
			c := conn()
			go func() {
				for rest := send.String(); rest != ""; {
					n := min(len(rest), 1+rnd.IntN(1<<(1+rnd.IntN(18))))
					if _, err := c.out.Write([]byte(rest[:n])); err != nil {
						return
					}
					rest = rest[n:]
				}
			}()
			c.expect(frames...)
			c.ends()
			isStored(t, h, "t", want)
			h.broker.DeleteTopic("t")
		})
	}
}

func TestMPUBIsAllOrNothing(t *testing.T) {
	tests := map[string]string{
		"in one piece":        int32Bytes(20) + int32Bytes(2) + sized("good") + int32Bytes(-1),
		"beyond the buffer":   int32Bytes(1<<20) + int32Bytes(3) + sized(strings.Repeat("a", 100<<10)) + sized("b") + int32Bytes(0),
		"with a big one last": int32Bytes(4<<20) + int32Bytes(2) + sized("b") + int32Bytes(1<<20+1),
	}
	for name, body := range tests {
		t.Run(name, func(t *testing.T) {
			inBubble(t, testOptions(), func(t *testing.T, h *harness) {
				c := h.open()
				c.send("PUB t\n", sized("before"), "MPUB t\n", body)
				c.expect("response OK")
				if kind, data, _ := c.frame(); kind != frameError || !strings.HasPrefix(data, "E_BAD_MESSAGE MPUB ") {
					t.Fatalf("got %s", show(kind, data))
				}
				c.ends()
				isStored(t, h, "t", []string{"before"})
			})
		})
	}
}

func TestMPUBMakesTheTopicBeforeItsBody(t *testing.T) {
	inBubble(t, testOptions(), func(t *testing.T, h *harness) {
		c := h.open()
		c.send("MPUB early\n", int32Bytes(0))
		c.expect("error E_BAD_BODY MPUB invalid body size 0")
		if h.broker.FindTopic("early") == nil {
			t.Error("no topic")
		}
		c = h.open()
		c.send("PUB late\n", int32Bytes(0))
		c.expect("error E_BAD_MESSAGE PUB invalid message body size 0")
		if h.broker.FindTopic("late") != nil {
			t.Error("PUB made the topic before its body")
		}
	})
}

func TestDeferredPublish(t *testing.T) {
	inBubble(t, testOptions(), func(t *testing.T, h *harness) {
		c, p := h.open(), h.open()
		c.send("SUB t c\nRDY 5\n")
		c.expect("response OK")
		start := time.Now()
		p.send("DPUB t 600\n", sized("late"), "PUB t\n", sized("now"), "DPUB t 300\n", sized("later"))
		p.expect("response OK", "response OK", "response OK")
		c.at(start, 0, "message #1 now")
		c.at(start, 300*time.Millisecond, "message #1 later")
		c.at(start, 600*time.Millisecond, "message #1 late")
	})
}

// TestPublishesToADeletedTopic goes on with a new topic of that name.
func TestPublishesToADeletedTopic(t *testing.T) {
	inBubble(t, testOptions(), func(t *testing.T, h *harness) {
		c := h.open()
		c.send("PUB t\n", sized("old"))
		c.expect("response OK")
		if err := h.broker.DeleteTopic("t"); err != nil {
			t.Fatal(err)
		}
		c.send("PUB t\n", sized("new"), "PUB t\n", sized("newer"))
		c.expect("response OK", "response OK")
		isStored(t, h, "t", []string{"new", "newer"})
	})
}

// brokenBroker has no topics, for a reason.
type brokenBroker struct{ err error }

func (b brokenBroker) Topic(string) (*queue.Topic, error)             { return nil, b.err }
func (b brokenBroker) Channel(string, string) (*queue.Channel, error) { return nil, b.err }

func TestBrokerRefuses(t *testing.T) {
	tests := map[string]string{
		"PUB t\n" + sized("x"):               "error E_PUB_FAILED PUB failed exiting",
		"DPUB t 1\n" + sized("x"):            "error E_DPUB_FAILED DPUB failed exiting",
		"MPUB t\n" + mpubBody("x"):           "error E_MPUB_FAILED MPUB failed exiting",
		"SUB t c\n":                          "error E_SUB_FAILED SUB failed exiting",
		"SUB t#ephemeral c\n":                "error E_SUB_FAILED SUB failed to deleted topic/channel",
		"SUB t c#ephemeral\nNOP\nNOP\nNOP\n": "error E_SUB_FAILED SUB failed to deleted topic/channel",
	}
	for send, want := range tests {
		t.Run(strings.Fields(send)[0], func(t *testing.T) {
			inBubble(t, testOptions(), func(t *testing.T, h *harness) {
				h.server.broker = brokenBroker{queue.ErrExiting}
				c := h.open()
				c.send(send)
				c.expect(want)
				c.ends()
			})
		})
	}
}

// TestTopicFails has the disk fail under publishes that came in one piece: the first is told, none is answered with OK.
func TestTopicFails(t *testing.T) {
	inBubble(t, testOptions(), func(t *testing.T, h *harness) {
		c := h.open()
		c.send("PUB t\n", sized("x"))
		c.expect("response OK")
		h.server.broker = brokenBroker{errors.New("disk full")}
		if err := h.broker.DeleteTopic("t"); err != nil {
			t.Fatal(err)
		}
		c.send("DPUB t 0\n", sized("1"), "PUB t\n", sized("2"), "BAD\n")
		c.expect("error E_DPUB_FAILED DPUB failed find topic: disk full")
		c.ends()
	})
}
