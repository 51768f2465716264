package bench

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/nsqmesh/nsqmesh/cmd/cli"
	"github.com/nsqmesh/nsqmesh/node/names"
)

// scenario is one kind of load. It declares the flags that it alone has, then puts the load on the server until it is
// done or ctx ends, and notes what it measured in the run.
type scenario interface {
	manual() string
	flags(f *cli.Flags)
	run(ctx context.Context, b *benchRun) error
}

// benchTool is a scenario on the command line.
type benchTool struct {
	name     string
	scenario scenario
	seconds  secondsFlag
	pid      int
	progress bool
	output   cli.OutputForm
}

func (t *benchTool) Flags(f *cli.Flags) {
	t.seconds, t.output = secondsFlag(5*time.Second), cli.NewOutputForm()
	f.Add(&t.seconds, "seconds", "measure for `N` seconds")
	f.Add(&t.pid, "pid", "process `id` of the server, when it runs on this machine: its CPU and memory are measured, too")
	f.Add(&t.progress, "progress", "show progress even if standard error is no terminal")
	t.output.Add(f)
	t.scenario.flags(f)
}

func (t *benchTool) Run(ctx context.Context, words []string, std cli.Stdio) error {
	if err := cli.NoWords(words); err != nil {
		return err
	}
	if t.seconds <= 0 {
		return cli.WrongUsage("--seconds should be positive")
	}
	b := &benchRun{length: time.Duration(t.seconds), result: newBenchResult(t.name)}
	if t.pid != 0 {
		b.server = &serverProcess{pid: t.pid}
		if _, err := b.server.cpu(); err != nil {
			return err
		}
	}
	endStatus := t.follow(std, b)
	err := t.scenario.run(ctx, b)
	endStatus()
	if err != nil && (b.done.Load() == 0 || len(b.result.Figures) == 0) {
		return err
	}
	b.result.Interrupted = ctx.Err() != nil
	if printed := b.result.print(std, t.output.Json()); printed != nil {
		return printed
	}
	return err
}

// follow shows how the load goes on: on a terminal in one line, otherwise, if asked to, with a line each second.
func (t *benchTool) follow(std cli.Stdio, b *benchRun) (end func()) {
	con := cli.NewConsole(std)
	switch {
	case con.Live:
		return con.Follow(b.status)
	case !t.progress:
		return func() {}
	}
	tick := time.NewTicker(time.Second)
	done := make(chan struct{})
	go func() {
		for {
			select {
			case <-tick.C:
				con.Say("%s", b.status())
			case <-done:
				return
			}
		}
	}()
	return func() {
		tick.Stop()
		close(done)
	}
}

// benchRun is one measurement: how long, of whom, and what came out.
type benchRun struct {
	length time.Duration
	server *serverProcess // nil if it is not accounted
	result *benchResult

	started atomic.Pointer[time.Time]
	done    atomic.Int64 // what the scenario counts: messages, requests, connections
	cpu     time.Duration
}

// begin is where measuring starts, behind all preparations.
func (b *benchRun) begin() (err error) {
	if b.server != nil {
		b.cpu, err = b.server.cpu()
	}
	now := time.Now()
	b.started.Store(&now)
	return err
}

func (b *benchRun) elapsed() time.Duration {
	if start := b.started.Load(); start != nil {
		return time.Since(*start)
	}
	return 0
}

func (b *benchRun) status() string {
	took := b.elapsed()
	if took == 0 {
		return "preparing " + cli.Grouped(b.done.Load())
	}
	done := b.done.Load()
	return fmt.Sprintf("%s of %s  %s, %s/s", cli.Brief(took), cli.Brief(b.length), cli.Grouped(done), cli.Grouped(int64(cli.PerSecond(done, took))))
}

// note writes down what n messages in this time cost the server. It waits for what the server has put off.
func (b *benchRun) note(n int64, took time.Duration) error {
	b.result.set("messages", float64(n))
	b.result.set("seconds", took.Seconds())
	b.result.set("messages_per_second", cli.PerSecond(n, took))
	if b.server == nil {
		return nil
	}
	used, err := b.server.cpuAtRest()
	if err != nil {
		return err
	}
	b.result.set("server_cpu_seconds", (used - b.cpu).Seconds())
	if n > 0 {
		b.result.set("server_cpu_us_per_message", float64((used-b.cpu).Microseconds())/float64(n))
	}
	return b.noteMemory()
}

func (b *benchRun) noteMemory() error {
	rss, err := b.server.memory()
	if err != nil {
		return err
	}
	b.result.set("server_rss_mb", float64(rss)/1e6)
	return nil
}

// target is the server and the topic in it: flags of all scenarios that speak the TCP protocol.
type target struct {
	address, topic, channel string
	conns, size             int
}

func (g *target) add(f *cli.Flags) {
	f.Add(&g.address, "address", "TCP `host:port` of the server")
	f.Add(&g.topic, "topic", "`topic` to use; what is left in it stays there")
	f.Add(&g.channel, "channel", "`channel` to use")
	f.Add(&g.conns, "conns", "`number` of connections")
}

func newTarget(conns int) target {
	return target{address: "127.0.0.1:4150", topic: "bench", channel: "bench", conns: conns, size: 200}
}

func (g *target) check() error {
	_, _, err := net.SplitHostPort(g.address)
	switch {
	case err != nil:
		return cli.WrongUsage("--address must be host:port, not %q", g.address)
	case !names.ValidTopic(g.topic):
		return cli.WrongUsage("--topic is invalid: %q", g.topic)
	case !names.ValidChannel(g.channel):
		return cli.WrongUsage("--channel is invalid: %q", g.channel)
	case g.conns < 1:
		return cli.WrongUsage("--conns should be positive")
	case g.size < 1:
		return cli.WrongUsage("--size should be positive")
	}
	return nil
}

// dial opens all connections, or none.
func (g *target) dial(ctx context.Context) (all benchConns, err error) {
	for range g.conns {
		c, err := dialServer(ctx, g.address, g.size)
		if err != nil {
			all.close()
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}

// ensureChannel makes the topic and a channel by subscribing to it for a moment.
func (g *target) ensureChannel(ctx context.Context, channel string) error {
	c, err := dialServer(ctx, g.address, g.size)
	if err != nil {
		return err
	}
	defer c.close()
	return c.subscribe(g.topic, channel)
}

// secondsFlag takes 5, 0.5 and 2m30s.
type secondsFlag time.Duration

func (s *secondsFlag) String() string {
	return strconv.FormatFloat(time.Duration(*s).Seconds(), 'g', -1, 64)
}

func (s *secondsFlag) Set(text string) error {
	if d, err := time.ParseDuration(text); err == nil {
		*s = secondsFlag(d)
		return nil
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return cli.MustBe("a number of seconds")
	}
	*s = secondsFlag(n * float64(time.Second))
	return nil
}
