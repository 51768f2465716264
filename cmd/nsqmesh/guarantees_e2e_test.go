package main

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nsqio/go-nsq"
)

// The lines of docs/guarantees.md that can be shown without cutting the power. Each begins with a hundred messages on
// topic orders, channel c, that a node has said OK to.

const (
	hundred = 100
	taken   = 40        // by a consumer, in those lines that have one
	longer  = time.Hour // than any test
)

// left is what a channel has after the node has started again.
type left struct{ waiting, deferred int }

// fate is a line of the table: what was done before the end, and what is left after a SIGTERM or a kill -9.
type fate struct {
	flags           string
	channel         string
	before          func(*fated)
	stopped, killed left
}

// A disk queue tells its files what was read when it syncs. Both sides of that moment are shown.
const (
	synced   = "--mem-queue-size=0 --sync-timeout=50ms"
	unsynced = "--mem-queue-size=0 --sync-timeout=1h"
)

var fates = map[string]fate{
	"in memory, waiting":                    {"", "c", waiting, left{100, 0}, left{}},
	"in memory, in flight":                  {"", "c", inFlight, left{100, 0}, left{}},
	"in memory, finished":                   {"", "c", finished, left{60, 0}, left{}},
	"in memory, put back with a delay":      {"", "c", putBackLater, left{60, 40}, left{}},
	"in memory, deferred":                   {"", "c", deferred, left{0, 100}, left{}},
	"in memory, on a topic without channel": {"", "c", alone, left{100, 0}, left{}},
	"in memory and beyond, waiting":         {"--mem-queue-size=10", "c", waiting, left{100, 0}, left{90, 0}},
	"in memory by bytes and beyond":         {"--mem-queue-bytes=20", "c", waiting, left{100, 0}, left{90, 0}},
	"an ephemeral channel":                  {"", "c#ephemeral", waiting, left{}, left{}},

	"on disk, waiting":                             {unsynced, "c", waiting, left{100, 0}, left{100, 0}},
	"on disk, on a topic without channel":          {unsynced, "c", alone, left{100, 0}, left{100, 0}},
	"on disk, deferred without channel":            {unsynced, "c", aloneDeferred, left{0, 100}, left{0, 100}},
	"disk only, deferred":                          {unsynced, "c", deferred, left{0, 100}, left{}},
	"disk only, in flight, not synced":             {unsynced, "c", inFlight, left{100, 0}, left{100, 0}},
	"disk only, in flight, synced":                 {synced, "c", inFlight, left{100, 0}, left{60, 0}},
	"disk only, finished, not synced":              {unsynced, "c", finished, left{60, 0}, left{100, 0}},
	"disk only, finished, synced":                  {synced, "c", finished, left{60, 0}, left{60, 0}},
	"disk only, put back, not synced":              {unsynced, "c", putBack, left{100, 0}, left{140, 0}},
	"disk only, put back, synced":                  {synced, "c", putBack, left{100, 0}, left{100, 0}},
	"disk only, put back with a delay, not synced": {unsynced, "c", putBackLater, left{60, 40}, left{100, 0}},
	"disk only, put back with a delay, synced":     {synced, "c", putBackLater, left{60, 40}, left{60, 0}},
	"an ephemeral channel, disk only":              {unsynced, "c#ephemeral", waiting, left{}, left{}},
}

func TestWhatSurvivesTheEndOfANode(t *testing.T) {
	for name, f := range fates {
		for end, want := range map[string]left{"SIGTERM": f.stopped, "kill -9": f.killed} {
			t.Run(name+", "+end, func(t *testing.T) {
				t.Parallel()
				n := &fated{t: t, fate: f, node: startNode(t, t.TempDir(), strings.Fields(f.flags+" --gossip-address=")...)}
				f.before(n)
				n.settle()
				if end == "SIGTERM" {
					n.node.stop()
				} else {
					n.node.kill()
				}
				n.node.start("--msg-timeout=1s") // for copies, which wait until the first one has had its time
				if got := n.consume(want); got != want {
					t.Errorf("left are %+v, want %+v", got, want)
				}
			})
		}
	}
}

// fated is a node that comes to its end.
type fated struct {
	t testing.TB
	fate
	node *process
	read int // messages that were read from disk
}

func waiting(f *fated) {
	f.create()
	f.publish(0)
}

func deferred(f *fated) {
	f.create()
	f.publish(longer)
}

func alone(f *fated)         { f.publish(0) }
func aloneDeferred(f *fated) { f.publish(longer) }

func inFlight(f *fated) { f.take() }

func finished(f *fated) {
	w, all := f.take()
	for _, m := range all {
		w.send("FIN %s\n", m.id)
	}
	f.await(channelStats{Depth: hundred - taken, Clients: 1})
}

func putBack(f *fated) {
	w, all := f.take()
	for _, m := range all {
		w.send("REQ %s 0\n", m.id)
	}
	f.await(channelStats{Depth: hundred, Clients: 1})
}

func putBackLater(f *fated) {
	w, all := f.take()
	for _, m := range all {
		w.send("REQ %s %d\n", m.id, longer.Milliseconds())
	}
	f.await(channelStats{Depth: hundred - taken, Deferred: taken, Clients: 1})
}

func (f *fated) create() {
	post(f.t, f.node.nsqd("/topic/create?topic=orders"), "")
	post(f.t, f.node.nsqd("/channel/create?"+f.names()), "")
}

func (f *fated) names() string {
	return url.Values{"topic": {"orders"}, "channel": {f.channel}}.Encode()
}

// publish returns when the node has said OK a hundred times.
func (f *fated) publish(delay time.Duration) {
	f.t.Helper()
	w := dialWire(f.t, f.node.addr.TCP)
	for n := range hundred {
		body := fmt.Sprintf("\x00\x00\x00\x02%02d", n)
		if delay == 0 {
			w.send("PUB orders\n%s", body)
		} else {
			w.send("DPUB orders %d\n%s", delay.Milliseconds(), body)
		}
	}
	for range hundred {
		if answer := w.answer(); answer != "OK" {
			f.t.Fatalf("published: %s", answer)
		}
	}
}

// take has a consumer take its share and no more.
func (f *fated) take() (*wire, []wireMessage) {
	f.create()
	f.publish(0)
	w := dialWire(f.t, f.node.addr.TCP)
	w.send("SUB orders %s\nRDY %d\n", f.channel, taken)
	all := w.messages(taken)
	w.send("RDY 0\n")
	f.await(channelStats{Depth: hundred - taken, InFlight: taken, Clients: 1})
	f.read = taken
	return w, all
}

func (f *fated) await(want channelStats) {
	f.t.Helper()
	want.Name = f.channel
	waitFor(f.t, fmt.Sprintf("a channel with %+v", want), func() bool { return f.node.topic("orders").channel(f.channel) == want })
}

// settle waits until the disk knows what it soon will: names of topics, and in lines that sync what was read.
func (f *fated) settle() {
	waitFor(f.t, "the topic in nsqd.dat", func() bool { return strings.Contains(f.file("nsqd.dat"), `"orders"`) })
	if f.flags != synced {
		return
	}
	var depth, file, at int
	waitFor(f.t, "the disk queue's sync", func() bool {
		_, _ = fmt.Sscanf(f.file("orders:c.diskqueue.meta.dat"), "%d\n%d,%d", &depth, &file, &at)
		return at == f.read*(4+26+2) && depth == f.node.topic("orders").channel("c").Depth
	})
}

func (f *fated) file(name string) string {
	b, err := os.ReadFile(filepath.Join(f.node.dir, name))
	if err != nil && !os.IsNotExist(err) {
		f.t.Fatal(err)
	}
	return string(b)
}

// consume takes all that comes, so that what is left is not only said to be there, until the channel has nothing but what
// is deferred for long. It waits for what it wants first: a message on its way back to disk is in no count for a moment.
func (f *fated) consume(want left) left {
	f.t.Helper()
	f.create()
	f.node.awaitDistribution("orders")
	var came atomic.Int64
	consumer := newConsumer(f.t, "orders", f.channel, 200, func(*nsq.Message) error {
		came.Add(1)
		return nil
	})
	if err := consumer.ConnectToNSQD(f.node.addr.TCP); err != nil {
		f.t.Fatal(err)
	}
	waitFor(f.t, fmt.Sprintf("%d messages", want.waiting), func() bool { return came.Load() >= int64(want.waiting) })
	f.await(channelStats{Deferred: want.deferred, Clients: 1})
	return left{int(came.Load()), want.deferred}
}

// awaitDistribution waits until a topic has handed all on to its channels.
func (p *process) awaitDistribution(topic string) {
	p.t.Helper()
	waitFor(p.t, "messages in the channel", func() bool { return p.topic(topic).Depth == 0 })
}
