package nsqd

import (
	"io"
	"net"
	"strings"
	"testing"

	"github.com/nsqmesh/nsqmesh/node/queue"
)

const budgetRuns = 200

// still is a connection that nobody serves, subscribed to t/c, whose output goes nowhere.
func still(t testing.TB, h *harness) *conn {
	t.Helper()
	_, theirs := net.Pipe()
	c := newConn(h.server, 0, theirs)
	c.s = newScratch(busyBuffer)
	c.outgoing = io.Discard
	c.interval = 0
	c.failed = c.refuse
	ch, err := realBroker{h.broker}.Channel("t", "c")
	if err != nil {
		t.Fatal(err)
	}
	if c.sub, err = ch.Subscribe(deaf{}, queue.Terms{}); err != nil {
		t.Fatal(err)
	}
	c.sub.SetReady(1 << 30)
	c.state.Store(stateSubscribed)
	return c
}

// commands does what is in text, as if it had arrived in one piece.
func (c *conn) commands(t testing.TB, text string) {
	c.r, c.w = 0, copy(c.s.input, text)
	for c.r < c.w {
		if err := c.command(); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.settle(); err != nil {
		t.Fatal(err)
	}
}

// TestAllocations holds the paths that every message takes to their budgets. The queue's share is in them.
func TestAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	const batch, runs = 100, budgetRuns
	h := newHarness(t, testOptions(), func(o *queue.Options) { o.MemQueueSize = 1 << 20 })
	c := still(t, h)
	body := strings.Repeat("b", 100)
	bodies := make([]string, batch)
	for i := range bodies {
		bodies[i] = body
	}
	pubs := strings.Repeat("PUB t\n"+sized(body), batch)
	c.commands(t, pubs)
	t.Run("publishing a batch allocates its slab, and room to wait in for 64 messages at a time", func(t *testing.T) {
		const most = 1 + (batch+63)/64 // chunks, which are used again once messages leave
		within(t, most, func() { c.commands(t, pubs) })
		mpub := "MPUB t\n" + mpubBody(bodies...)
		within(t, most, func() { c.commands(t, mpub) })
	})
	t.Run("delivering allocates nothing", func(t *testing.T) {
		for range (runs + 2) * takeMost / batch {
			c.commands(t, pubs)
		}
		p := parcels.Get().(*parcel)
		within(t, 0, func() {
			if !c.deliverBatch(p) {
				t.Fatal("nothing to deliver")
			}
		})
	})
	t.Run("finishing allocates nothing", func(t *testing.T) {
		var fins []string
		into := make([]queue.Message, 0, batch)
		for range runs + 2 {
			c.commands(t, pubs)
			var text strings.Builder
			for _, m := range c.sub.Take(into) {
				text.WriteString("FIN " + m.ID.String() + "\n")
			}
			fins = append(fins, text.String())
		}
		within(t, 0, func() {
			c.commands(t, fins[0])
			fins = fins[1:]
		})
		if s := c.sub.Stats(); s.FinishCount < runs*batch {
			t.Errorf("only %d were finished", s.FinishCount)
		}
	})
}

func within(t *testing.T, budget float64, f func()) {
	t.Helper()
	if got := testing.AllocsPerRun(budgetRuns, f); got > budget {
		t.Errorf("%v allocations, want at most %v", got, budget)
	}
}
