package bench

import (
	"context"
	"errors"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/nsqmesh/nsqmesh/cmd/cli"
)

const (
	// A connection has no more than this, or one command, on its way to the server.
	mostInFlight = 4 << 20
	// After the end the last answers get this long.
	answerGrace = 2 * time.Second
)

const pubBenchManual = `nsqmesh bench pub publishes as fast as the server takes it.

usage: nsqmesh bench pub [options]

    nsqmesh bench pub --pid=$(pgrep -x nsqd)
        MPUBs of 200 messages of 200 bytes, 8 on their way on each of 2 connections

    nsqmesh bench pub --batch=1 --pipeline=64
        PUBs, 64 on their way at a time

    nsqmesh bench pub --batch=1 --pipeline=1 --conns=50
        50 producers that wait for each answer

What counts is what the server has answered with OK. The channel is made first, so that a message goes all the way into a
queue of consumers. nsqmesh bench sub takes the messages out again.
`

type pubBench struct {
	target
	batch, pipeline int
	count           int64
}

func newPubBench() *pubBench { return &pubBench{target: newTarget(2), batch: 200, pipeline: 8} }

func (*pubBench) manual() string { return pubBenchManual }

func (p *pubBench) flags(f *cli.Flags) {
	p.target.add(f)
	f.Add(&p.size, "size", "`bytes` of a message")
	f.Add(&p.batch, "batch", "`messages` in an MPUB; 1 is PUB")
	f.Add(&p.pipeline, "pipeline", "`commands` on their way at a time on each connection")
	f.Add(&p.count, "count", "end after so many `messages`; 0 is no limit")
}

func (p *pubBench) check() error {
	switch {
	case p.batch < 1:
		return cli.WrongUsage("--batch should be positive")
	case p.pipeline < 1:
		return cli.WrongUsage("--pipeline should be positive")
	case p.count < 0:
		return cli.WrongUsage("--count should not be negative")
	}
	return p.target.check()
}

func (p *pubBench) run(ctx context.Context, b *benchRun) error {
	if err := p.check(); err != nil {
		return err
	}
	if err := p.ensureChannel(ctx, p.channel); err != nil {
		return err
	}
	return p.load(ctx, b)
}

func (p *pubBench) load(ctx context.Context, b *benchRun) error {
	p.describe(b.result)
	conns, err := p.dial(ctx)
	if err != nil {
		return err
	}
	defer conns.close()
	if err := b.begin(); err != nil {
		return err
	}
	timed, cancel := context.WithTimeout(ctx, b.length)
	defer cancel()
	var asked atomic.Int64
	err = onAll(timed, conns, func(ctx context.Context, c *benchConn) error {
		return p.publisher(c, b, &asked).run(ctx)
	})
	return errors.Join(err, b.note(b.done.Load(), b.elapsed()))
}

func (p *pubBench) describe(r *benchResult) {
	r.Server = p.address
	r.setting("conns", p.conns)
	r.setting("batch", p.batch)
	r.setting("size_bytes", p.size)
	r.setting("pipeline", p.pipeline)
}

func (p *pubBench) command() []byte {
	if p.batch == 1 {
		return appendPub(nil, p.topic, benchBody(p.size))
	}
	return appendMpub(nil, p.topic, benchBody(p.size), p.batch)
}

// publisher publishes on one connection; asked is what all have published together.
func (p *pubBench) publisher(c *benchConn, b *benchRun, asked *atomic.Int64) *publisher {
	one := p.command()
	window := max(1, min(p.pipeline, mostInFlight/len(one)))
	out := make([]byte, 0, window*len(one))
	for range window {
		out = append(out, one...)
	}
	return &publisher{
		conn: c, commands: out, length: len(one), window: int64(window), batch: int64(p.batch),
		count: p.count, asked: asked, answered: &b.done, room: make(chan struct{}, 1),
	}
}

// publisher keeps a window of the same command on its way.
type publisher struct {
	conn     *benchConn
	commands []byte // a window full
	length   int    // of one of them
	window   int64
	batch    int64 // messages of a command

	count           int64         // messages of all publishers together, 0 for no limit
	asked, answered *atomic.Int64 // by all publishers together
	sent            int64
	acked           atomic.Int64
	room            chan struct{} // one slot: acked has risen
}

// run publishes until ctx ends and then waits for the answers that are due.
func (p *publisher) run(ctx context.Context) error {
	failed := make(chan error, 1)
	go func() { failed <- p.readAnswers() }()
	for ctx.Err() == nil {
		n := p.allowed()
		if n == 0 {
			break
		}
		if _, err := p.conn.Write(p.commands[:n*int64(p.length)]); err != nil {
			return p.cause(err, failed)
		}
		p.sent += n
		if err := p.await(ctx, p.sent-p.window/2, failed); err != nil {
			return err
		}
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerGrace)
	defer cancel()
	return p.await(last, p.sent, failed)
}

// cause is what the server said before it closed the connection that we could not write to.
func (p *publisher) cause(err error, failed <-chan error) error {
	select {
	case said := <-failed:
		return said
	case <-time.After(answerGrace):
		return lostServer(err)
	}
}

// allowed is how many commands may be sent now: what the window has room for, and what is left of count.
func (p *publisher) allowed() int64 {
	n := p.window - (p.sent - p.acked.Load())
	if p.count == 0 {
		return n
	}
	from := p.asked.Add(n*p.batch) - n*p.batch
	return min(n, max(0, (p.count-from+p.batch-1)/p.batch))
}

// await returns when so many commands are answered, or when ctx ends.
func (p *publisher) await(ctx context.Context, acked int64, failed <-chan error) error {
	for p.acked.Load() < acked {
		select {
		case <-p.room:
		case err := <-failed:
			return err
		case <-ctx.Done():
			return nil
		}
	}
	return nil
}

// readAnswers ends with the connection.
func (p *publisher) readAnswers() error {
	for {
		var n int64
		for first := true; first || !p.conn.drained(); first = false {
			kind, data, err := p.conn.frame()
			if err != nil {
				return err
			}
			if kind != answerFrame || string(data) != "OK" {
				return errors.New("the server answered " + strconv.Quote(string(data)) + " where OK was due")
			}
			n++
		}
		p.acked.Add(n)
		p.answered.Add(n * p.batch)
		select {
		case p.room <- struct{}{}:
		default:
		}
	}
}
