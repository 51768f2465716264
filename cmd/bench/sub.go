package bench

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/nsqmesh/nsqmesh/cmd/cli"
)

const (
	// Consumers that got nothing for so long have got all there is.
	dryAfter = 500 * time.Millisecond
	dryLook  = 20 * time.Millisecond
	// FINs leave in one write when no more messages are here, or when there are so many bytes of them.
	finBytes = 24 << 10
)

const subBenchManual = `nsqmesh bench sub consumes what is there as fast as the server gives it.

usage: nsqmesh bench sub [options]

    nsqmesh bench pub && nsqmesh bench sub
        consume and finish what was just published

    nsqmesh bench sub --conns=8 --rdy=200 --size=1000
        eight consumers, with up to 200 messages in flight each, of about 1000 bytes

It ends when nothing came for half a second; that time is not counted.
`

type subBench struct {
	target
	rdy   int
	count int64
}

func newSubBench() *subBench { return &subBench{target: newTarget(2), rdy: 2500} }

func (*subBench) manual() string { return subBenchManual }

func (s *subBench) flags(f *cli.Flags) {
	s.target.add(f)
	f.Add(&s.size, "size", "`bytes` of a message, for the size of buffers only")
	f.Add(&s.rdy, "rdy", "`messages` in flight to each connection; the server may allow fewer")
	f.Add(&s.count, "count", "end after so many `messages`; 0 is no limit")
}

func (s *subBench) check() error {
	switch {
	case s.rdy < 1:
		return cli.WrongUsage("--rdy should be positive")
	case s.count < 0:
		return cli.WrongUsage("--count should not be negative")
	}
	return s.target.check()
}

func (s *subBench) run(ctx context.Context, b *benchRun) error {
	if err := s.check(); err != nil {
		return err
	}
	b.result.Server = s.address
	b.result.setting("conns", s.conns)
	b.result.setting("rdy", s.rdy)
	conns, err := s.subscribeAll(ctx)
	if err != nil {
		return err
	}
	defer conns.close()
	if err := b.begin(); err != nil {
		return err
	}
	timed, cancel := context.WithTimeout(ctx, b.length)
	defer cancel()
	var last atomic.Int64
	go s.endWhenDry(timed, cancel, b, &last)
	err = onAll(timed, conns, func(ctx context.Context, c *benchConn) error { return s.consume(ctx, c, b, &last) })
	if err == nil && b.done.Load() == 0 {
		return errors.New("no messages came: put some there with nsqmesh bench pub, on the same topic and channel")
	}
	return errors.Join(err, b.note(b.done.Load(), time.Duration(last.Load())))
}

func (s *subBench) subscribeAll(ctx context.Context) (benchConns, error) {
	conns, err := s.dial(ctx)
	for _, c := range conns {
		if err = c.subscribe(s.topic, s.channel); err != nil {
			conns.close()
			return nil, err
		}
	}
	return conns, err
}

// consume counts messages until ctx ends; last is when the last one came, since the begin.
func (s *subBench) consume(ctx context.Context, c *benchConn, b *benchRun, last *atomic.Int64) error {
	if err := c.ready(s.rdy); err != nil {
		return err
	}
	m := consumer{conn: c, heard: func(messages int64) {
		b.done.Add(messages)
		last.Store(int64(b.elapsed()))
	}}
	return m.run(ctx)
}

// endWhenDry cancels when nothing comes any more, or enough came.
func (s *subBench) endWhenDry(ctx context.Context, cancel func(), b *benchRun, last *atomic.Int64) {
	look := time.NewTicker(dryLook)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
		if s.count > 0 && b.done.Load() >= s.count || b.elapsed()-time.Duration(last.Load()) > dryAfter {
			cancel()
			return
		}
	}
}

// consumer finishes all that comes.
type consumer struct {
	conn  *benchConn
	each  func(body []byte)    // if not nil, gets every message
	heard func(messages int64) // if not nil, gets their number, many at a time
}

// run consumes until ctx ends.
func (m *consumer) run(ctx context.Context) error {
	defer m.conn.closeOn(ctx)()
	fins := make([]byte, 0, finBytes+1024)
	for {
		var n int64
		fins = fins[:0]
		for first := true; first || !m.conn.drained() && len(fins) < finBytes; first = false {
			kind, data, err := m.conn.frame()
			switch {
			case err != nil && ctx.Err() != nil:
				return nil
			case err != nil:
				return err
			case kind != messageFrame || len(data) < messageHead+messageID:
				continue
			}
			n++
			fins = appendFin(fins, data)
			if m.each != nil {
				m.each(data[messageHead+messageID:])
			}
		}
		if n == 0 {
			continue
		}
		if _, err := m.conn.Write(fins); err != nil && ctx.Err() == nil {
			return lostServer(err)
		}
		if m.heard != nil {
			m.heard(n)
		}
	}
}
