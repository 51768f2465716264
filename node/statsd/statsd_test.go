package statsd

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nsqmesh/nsqmesh/node/queue"
)

// figures is a Source that the test sets.
type figures struct {
	mu     sync.Mutex
	topics []queue.TopicStats
}

func (f *figures) Stats(topic, channel string) []queue.TopicStats {
	if topic != "" || channel != "" {
		panic("asked for a part")
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.topics)
}

func (f *figures) set(topics ...queue.TopicStats) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.topics = topics
}

func options() Options {
	return Options{Prefix: "p.", Interval: time.Minute, PacketSize: 508, Log: slog.New(slog.DiscardHandler)}
}

func pusher(t *testing.T, o Options, source Source) *Pusher {
	t.Helper()
	p, err := New(o, source)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func lines(packets [][]byte) []string {
	return strings.Split(strings.TrimSuffix(string(bytes.Join(packets, nil)), "\n"), "\n")
}

func expect(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

func TestPrefix(t *testing.T) {
	tests := map[string]struct{ format, address, want string }{
		"the default":             {"nsq.%s", "10.1.2.3", "nsq.10_1_2_3_4151."},
		"a name":                  {"nsq.%s", "a.example", "nsq.a_example_4151."},
		"an IPv6 address":         {"%s", "fe80::1", "fe80__1_4151."},
		"no placeholder":          {"test", "h", "test."},
		"a dot is not doubled":    {"test.", "h", "test."},
		"every placeholder":       {"%s.%s", "h", "h_4151.h_4151."},
		"other percents are left": {"100%.%d", "h", "100%.%d."},
		"empty stays empty":       {"", "h", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := Prefix(test.format, test.address, 4151); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestIntervalMustBePositive(t *testing.T) {
	for interval, valid := range map[time.Duration]bool{-1: false, 0: false, 1: true, time.Second: true} {
		o := options()
		o.Interval = interval
		if _, err := New(o, &figures{}); (err == nil) != valid {
			t.Errorf("interval %s: error %v", interval, err)
		}
	}
}

func TestLinesInOrder(t *testing.T) {
	f := &figures{}
	percentiles := []queue.Percentile{{Quantile: 0.999, Value: 1234.9}, {Quantile: 0.5, Value: 0}}
	f.set(queue.TopicStats{
		Name: "web", Depth: 2, BackendDepth: 1, MessageCount: 4, MessageBytes: 40,
		Latency: queue.Latency{Count: 1, Percentiles: percentiles},
		Channels: []queue.ChannelStats{{
			Name: "log", Depth: 5, BackendDepth: 3, InFlight: 6, Deferred: 7, MessageCount: 8, RequeueCount: 9,
			TimeoutCount: 10, ConsumerCount: 11, Latency: queue.Latency{Percentiles: percentiles[1:]},
		}},
	}, queue.TopicStats{Name: "x#ephemeral"})
	expect(t, lines(pusher(t, options(), f).report()),
		"p.topic.web.message_count:4|c",
		"p.topic.web.message_bytes:40|c",
		"p.topic.web.depth:2|g",
		"p.topic.web.backend_depth:1|g",
		"p.topic.web.e2e_processing_latency_100:1234|g",
		"p.topic.web.e2e_processing_latency_50:0|g",
		"p.topic.web.channel.log.message_count:8|c",
		"p.topic.web.channel.log.depth:5|g",
		"p.topic.web.channel.log.backend_depth:3|g",
		"p.topic.web.channel.log.in_flight_count:6|g",
		"p.topic.web.channel.log.deferred_count:7|g",
		"p.topic.web.channel.log.requeue_count:9|c",
		"p.topic.web.channel.log.timeout_count:10|c",
		"p.topic.web.channel.log.clients:11|g",
		"p.topic.web.channel.log.e2e_processing_latency_50:0|g",
		"p.topic.x#ephemeral.message_count:0|c",
		"p.topic.x#ephemeral.message_bytes:0|c",
		"p.topic.x#ephemeral.depth:0|g",
		"p.topic.x#ephemeral.backend_depth:0|g",
	)
}

func TestEphemeralIsLeftOut(t *testing.T) {
	f := &figures{}
	f.set(queue.TopicStats{Name: "t", Channels: []queue.ChannelStats{{Name: "e#ephemeral"}, {Name: "solid"}}},
		queue.TopicStats{Name: "x#ephemeral", Channels: []queue.ChannelStats{{Name: "solid"}}})
	o := options()
	o.ExcludeEphemeral = true
	got := strings.Join(lines(pusher(t, o, f).report()), "\n")
	if strings.Contains(got, "#ephemeral") || !strings.Contains(got, "topic.t.channel.solid.depth") {
		t.Errorf("got\n%s", got)
	}
}

func TestCountersAreDifferences(t *testing.T) {
	f := &figures{}
	p := pusher(t, options(), f)
	for _, step := range []struct {
		about string
		count uint64
		want  string
	}{
		{"the first push has the full value", 3, "p.topic.t.message_count:3|c"},
		{"then the difference", 4, "p.topic.t.message_count:1|c"},
		{"nothing happened", 4, "p.topic.t.message_count:0|c"},
		{"a topic made again starts from zero", 2, "p.topic.t.message_count:2|c"},
		{"and goes on from there", 5, "p.topic.t.message_count:3|c"},
	} {
		f.set(queue.TopicStats{Name: "t", MessageCount: step.count})
		if got := lines(p.report())[0]; got != step.want {
			t.Errorf("%s: got %s, want %s", step.about, got, step.want)
		}
	}
	f.set()
	p.report()
	if len(p.before) != 0 {
		t.Error("remembers counters of a topic that is gone")
	}
}

func TestMemoryLines(t *testing.T) {
	o := options()
	o.MemStats = true
	p := pusher(t, o, &figures{})
	var names []string
	for _, line := range lines(p.report()) {
		name, value, _ := strings.Cut(line, ":")
		names = append(names, name+value[strings.IndexByte(value, '|'):])
	}
	expect(t, names, "p.mem.heap_objects|g", "p.mem.heap_idle_bytes|g", "p.mem.heap_in_use_bytes|g",
		"p.mem.heap_released_bytes|g", "p.mem.gc_pause_usec_100|g", "p.mem.gc_pause_usec_99|g",
		"p.mem.gc_pause_usec_95|g", "p.mem.next_gc_bytes|g", "p.mem.gc_runs|c")
}

func TestPercentile(t *testing.T) {
	ten := []uint64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	for name, test := range map[string]struct {
		percent float64
		sorted  []uint64
		want    uint64
	}{
		"of nothing":        {99, nil, 0},
		"100 is the last":   {100, ten, 10},
		"95 rounds up":      {95, ten, 10},
		"50 of ten":         {50, ten, 6},
		"of one":            {50, ten[:1], 1},
		"small of ten is 1": {1, ten, 1},
	} {
		if got := percentile(test.percent, test.sorted); got != test.want {
			t.Errorf("%s: got %d, want %d", name, got, test.want)
		}
	}
}

func TestPacketsBreakAtLines(t *testing.T) {
	f := &figures{}
	f.set(queue.TopicStats{Name: "a"}, queue.TopicStats{Name: strings.Repeat("long", 16)}, queue.TopicStats{Name: "b"})
	for _, size := range []int{0, 30, 60, 508} {
		o := options()
		o.PacketSize = size
		packets := pusher(t, o, f).report()
		for i, packet := range packets {
			if len(packet) > size && bytes.Count(packet, []byte("\n")) != 1 {
				t.Errorf("size %d: packet of %d bytes with several lines", size, len(packet))
			}
			if packet[len(packet)-1] != '\n' {
				t.Errorf("size %d: packet ends inside a line", size)
			}
			if i > 0 {
				first, _, _ := bytes.Cut(packet, []byte("\n"))
				if len(packets[i-1])+len(first)+1 <= size {
					t.Errorf("size %d: packet %d has room for the next line", size, i-1)
				}
			}
		}
		if got := len(lines(packets)); got != 12 {
			t.Errorf("size %d: %d lines", size, got)
		}
	}
}

// wire stands for the socket of one push after another and notes when what was sent.
type wire struct {
	net.Conn
	start  time.Time
	sent   []time.Duration
	closed int
	err    error
}

func (w *wire) Write(b []byte) (int, error) {
	w.sent = append(w.sent, time.Since(w.start))
	return len(b), w.err
}

func (w *wire) Close() error { w.closed++; return nil }

func TestPushesAreSpread(t *testing.T) {
	tests := map[string]struct {
		interval time.Duration
		want     []time.Duration // of the first two pushes with four lines, a datagram each
	}{
		"ten seconds leave one free": {10 * time.Second, []time.Duration{
			10000, 12250, 14500, 16750, 20000, 22250, 24500, 26750}},
		"one second works": {time.Second, []time.Duration{1000, 1125, 1250, 1375, 2000, 2125, 2250, 2375}},
		"and less too":     {8 * time.Millisecond, []time.Duration{8, 9, 10, 11, 16, 17, 18, 19}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &figures{}
				f.set(queue.TopicStats{Name: "t"})
				o := options()
				o.Interval, o.PacketSize = test.interval, 1
				p := pusher(t, o, f)
				w := &wire{start: time.Now(), err: errors.New("nobody listens")}
				p.dial = func(context.Context) (net.Conn, error) { return w, nil }
				ctx, cancel := context.WithTimeout(t.Context(), 3*test.interval-1)
				defer cancel()
				if err := p.Run(ctx); err != nil {
					t.Error(err)
				}
				var got []time.Duration
				for _, at := range w.sent {
					got = append(got, at/time.Millisecond)
				}
				if !slices.Equal(got, test.want) || w.closed != 2 {
					t.Errorf("sent at %v ms with %d sockets, want %v with 2", got, w.closed, test.want)
				}
			})
		})
	}
}

func TestStopDuringAPush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &figures{}
		f.set(queue.TopicStats{Name: "t"})
		o := options()
		o.PacketSize = 1
		p := pusher(t, o, f)
		w := &wire{start: time.Now()}
		p.dial = func(context.Context) (net.Conn, error) { return w, nil }
		ctx, cancel := context.WithTimeout(t.Context(), 61*time.Second)
		defer cancel()
		if err := p.Run(ctx); err != nil {
			t.Error(err)
		}
		if took := time.Since(w.start); took != 61*time.Second || len(w.sent) != 1 || w.closed != 1 {
			t.Errorf("stopped after %s, %d datagrams sent, %d sockets closed", took, len(w.sent), w.closed)
		}
	})
}

func TestFailedDialKeepsTheCounters(t *testing.T) {
	f := &figures{}
	f.set(queue.TopicStats{Name: "t", MessageCount: 7})
	p := pusher(t, options(), f)
	p.dial = func(context.Context) (net.Conn, error) { return nil, io.ErrUnexpectedEOF }
	if err := p.push(t.Context()); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got error %v", err)
	}
	if got := lines(p.report())[0]; got != "p.topic.t.message_count:7|c" {
		t.Errorf("got %s", got)
	}
}

func TestPushOverUDP(t *testing.T) {
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	f := &figures{}
	f.set(queue.TopicStats{Name: "t", MessageCount: 7})
	o := options()
	o.Address, o.Interval = server.LocalAddr().String(), time.Millisecond
	p := pusher(t, o, f)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- p.Run(ctx) }()

	buf := make([]byte, 1000)
	_ = server.SetReadDeadline(time.Now().Add(10 * time.Second))
	n, _, err := server.ReadFrom(buf)
	if err != nil {
		t.Fatal(err)
	}
	expect(t, lines([][]byte{buf[:n]}), "p.topic.t.message_count:7|c", "p.topic.t.message_bytes:0|c",
		"p.topic.t.depth:0|g", "p.topic.t.backend_depth:0|g")
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
