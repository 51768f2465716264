package bench

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/nsqmesh/nsqmesh/cmd/cli"
)

const (
	stampBytes = 16 // of a body: which run it is of, and when the message was due
	beat       = time.Millisecond
	// A producer that is later than this was held up by the server, and its messages count from when they were due.
	lateness = 5 * time.Millisecond
	// After the end messages that are still on their way get this long.
	arrivalGrace = 2 * time.Second
)

const latencyBenchManual = `nsqmesh bench latency measures how long messages take from producer to consumer, at a fixed rate.

usage: nsqmesh bench latency [options]

    nsqmesh bench latency --rate=20000
        one producer and one consumer

    nsqmesh bench latency --rate=100000 --conns=4 --size=1000 --seconds=60
        one producer and four consumers that share the channel

A rate that the server cannot keep up with measures how fast a queue grows, not how fast the server is: nsqmesh bench pub
finds out what it can do. Messages are sent each millisecond. When the server holds the producer up, what could not be sent
counts from when it was due, so that a stall shows in all messages that it delayed.
`

type latencyBench struct {
	target
	rate, rdy int
}

func newLatencyBench() *latencyBench {
	l := &latencyBench{target: newTarget(1), rate: 20000, rdy: 2500}
	l.topic = "bench-latency" // what bench pub left would come first
	return l
}

func (*latencyBench) manual() string { return latencyBenchManual }

func (l *latencyBench) flags(f *cli.Flags) {
	l.target.add(f)
	f.Add(&l.size, "size", fmt.Sprintf("`bytes` of a message, %d at least", stampBytes))
	f.Add(&l.rate, "rate", "`messages` a second")
	f.Add(&l.rdy, "rdy", "`messages` in flight to each connection; the server may allow fewer")
}

func (l *latencyBench) check() error {
	switch {
	case l.rate < 1:
		return cli.WrongUsage("--rate should be positive")
	case l.rdy < 1:
		return cli.WrongUsage("--rdy should be positive")
	case l.size < stampBytes:
		return cli.WrongUsage("--size should be %d at least", stampBytes)
	}
	return l.target.check()
}

func (l *latencyBench) run(ctx context.Context, b *benchRun) error {
	if err := l.check(); err != nil {
		return err
	}
	l.describe(b.result)
	consumers, err := (&subBench{target: l.target}).subscribeAll(ctx)
	if err != nil {
		return err
	}
	defer consumers.close()
	producer, err := dialServer(ctx, l.address, l.size)
	if err != nil {
		return err
	}
	defer producer.close()
	if err := b.begin(); err != nil {
		return err
	}
	return l.measure(ctx, b, producer, consumers)
}

func (l *latencyBench) describe(r *benchResult) {
	r.Server = l.address
	r.setting("conns", l.conns)
	r.setting("size_bytes", l.size)
	r.setting("rate_per_second", l.rate)
	r.setting("rdy", l.rdy)
}

// measure runs consumers, which end behind the producer, when they have got all.
func (l *latencyBench) measure(ctx context.Context, b *benchRun, producer *benchConn, consumers benchConns) error {
	t := &traffic{bench: l, run: b, mark: rand.Uint64(), started: *b.started.Load()}
	listen, enough := context.WithCancel(context.WithoutCancel(ctx))
	defer enough()
	seen := make(chan histogram, len(consumers))
	ended := make(chan error, 1)
	go func() {
		ended <- onAll(listen, consumers, func(ctx context.Context, c *benchConn) error { return t.listen(ctx, c, seen) })
	}()
	err := t.speak(ctx, producer, ended)
	took := b.elapsed()
	if err == nil {
		err = t.awaitRest(ended)
	}
	enough()
	var all histogram
	for range consumers {
		one := <-seen
		all.merge(&one)
	}
	b.result.set("sent_messages", float64(t.sent))
	all.report(b.result)
	return errors.Join(err, b.note(b.done.Load(), took))
}

func (h *histogram) report(r *benchResult) {
	us := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 }
	if h.n == 0 {
		return
	}
	r.set("latency_p50_us", us(h.quantile(.5)))
	r.set("latency_p99_us", us(h.quantile(.99)))
	r.set("latency_p999_us", us(h.quantile(.999)))
	r.set("latency_max_us", us(h.most))
}

// traffic is the messages of one run. Their times are since its start, on the clock that does not jump.
type traffic struct {
	bench   *latencyBench
	run     *benchRun
	mark    uint64 // tells them from what was in the channel before
	started time.Time
	sent    int64
}

// listen consumes until ctx ends.
func (t *traffic) listen(ctx context.Context, c *benchConn, seen chan<- histogram) error {
	var mine histogram
	defer func() { seen <- mine }()
	if err := c.ready(t.bench.rdy); err != nil {
		return err
	}
	m := consumer{conn: c, each: func(body []byte) {
		if len(body) < stampBytes || binary.BigEndian.Uint64(body) != t.mark {
			return
		}
		mine.add(time.Since(t.started) - time.Duration(binary.BigEndian.Uint64(body[8:])))
		t.run.done.Add(1)
	}}
	return m.run(ctx)
}

// speak publishes what is due at each beat, until the time is over, ctx ends or consumers have ended.
func (t *traffic) speak(ctx context.Context, c *benchConn, ended <-chan error) error {
	ctx, cancel := context.WithTimeout(ctx, t.run.length)
	defer cancel()
	refused := make(chan error, 1)
	go func() {
		for {
			if _, _, err := c.frame(); err != nil {
				refused <- err
				return
			}
		}
	}()
	tick := time.NewTicker(beat)
	defer tick.Stop()
	var out []byte
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		case err := <-refused:
			return err
		case err := <-ended:
			return err
		}
		out = t.due(out[:0])
		if _, err := c.Write(out); err != nil {
			return lostServer(err)
		}
	}
}

// due appends the messages that are due by now.
func (t *traffic) due(out []byte) []byte {
	l := t.bench
	filling := benchBody(l.size)
	for now := time.Since(t.started); ; t.sent++ {
		at := time.Duration(float64(t.sent) / float64(l.rate) * float64(time.Second))
		if at > now {
			return out
		}
		out = appendPub(out, l.topic, filling)
		body := out[len(out)-l.size:]
		binary.BigEndian.PutUint64(body, t.mark)
		binary.BigEndian.PutUint64(body[8:], uint64(min(time.Since(t.started), at+lateness)))
	}
}

// awaitRest waits for what is on its way, as long as more of it comes.
func (t *traffic) awaitRest(ended <-chan error) error {
	look := time.NewTicker(dryLook)
	defer look.Stop()
	before, since := t.run.done.Load(), time.Now()
	for t.run.done.Load() < t.sent && time.Since(since) < arrivalGrace {
		select {
		case <-look.C:
		case err := <-ended:
			return err
		}
		if done := t.run.done.Load(); done != before {
			before, since = done, time.Now()
		}
	}
	return nil
}
