package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/nsqmesh/nsqmesh/cmd/cli"
)

const (
	idleBuffer = 512             // of a connection that hears nothing but heartbeats
	settling   = 2 * time.Second // after connecting, before the server's rest is measured
)

const idleBenchManual = `nsqmesh bench idle measures what quiet connections cost: memory, and CPU for doing nothing.

usage: nsqmesh bench idle --pid=ID [options]

    nsqmesh bench idle --pid=$(pgrep -f 'nsqmesh serve') --conns=5000
        5000 consumers of one channel in which nothing happens

Connections ask for a heartbeat a minute. Both sides need a file descriptor for each: ulimit -n shows how many there may be.
`

type idleBench struct{ target }

func newIdleBench() *idleBench {
	i := &idleBench{newTarget(2000)}
	i.topic = "bench-idle"
	return i
}

func (*idleBench) manual() string { return idleBenchManual }

func (i *idleBench) flags(f *cli.Flags) { i.target.add(f) }

func (i *idleBench) run(ctx context.Context, b *benchRun) error {
	if err := i.check(); err != nil {
		return err
	}
	if b.server == nil {
		return cli.WrongUsage("--pid is needed: without it there is nothing to measure")
	}
	b.result.Server = i.address
	b.result.setting("conns", i.conns)
	before, err := b.server.memory()
	if err != nil {
		return err
	}
	all, err := i.connectAll(ctx, b)
	defer all.close()
	if err != nil {
		return err
	}
	sleep(ctx, settling)
	if err := b.begin(); err != nil {
		return err
	}
	sleep(ctx, b.length)
	return i.note(b, before)
}

// connectAll opens quiet consumers, each with a goroutine that answers its heartbeats.
func (i *idleBench) connectAll(ctx context.Context, b *benchRun) (all benchConns, err error) {
	for n := range i.conns {
		c, err := dialWith(ctx, i.address, idleBuffer, `{"client_id":"nsqmesh bench","heartbeat_interval":60000,"feature_negotiation":true}`)
		if err != nil {
			return all, fmt.Errorf("connection %d: %w", n+1, err)
		}
		all = append(all, c)
		if err := c.subscribe(i.topic, i.channel); err != nil {
			return all, fmt.Errorf("connection %d: %w", n+1, err)
		}
		if err := c.ready(1); err != nil {
			return all, fmt.Errorf("connection %d: %w", n+1, err)
		}
		b.done.Add(1)
		go func() { _ = (&consumer{conn: c}).run(context.WithoutCancel(ctx)) }()
	}
	return all, nil
}

func (i *idleBench) note(b *benchRun, before int64) error {
	took := b.elapsed()
	used, err := b.server.cpu()
	if err != nil {
		return err
	}
	after, err := b.server.memory()
	if err != nil {
		return err
	}
	b.result.set("connections", float64(i.conns))
	b.result.set("seconds", took.Seconds())
	b.result.set("kb_per_connection", float64(after-before)/1e3/float64(i.conns))
	b.result.set("idle_cpu_percent", 100*(used-b.cpu).Seconds()/took.Seconds())
	b.result.set("server_rss_mb", float64(after)/1e6)
	return nil
}

// sleep ends early with ctx.
func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
