package tools

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"github.com/nsqio/go-nsq"
	"github.com/nsqmesh/nsqmesh/cmd/cli"
	"github.com/nsqmesh/nsqmesh/cmd/cluster"
	"github.com/nsqmesh/nsqmesh/node/names"
)

const (
	retryFor   = 30 * time.Second
	readerLook = 20 * time.Millisecond // when told to stop, for whether the reader waits for input
)

const pubManual = `nsqmesh pub publishes lines of its input, or of files, as messages of a topic.

usage: nsqmesh pub [options] --topic=TOPIC [FILE...]

    echo '{"order": 17}' | nsqmesh pub --topic=orders
        one message

    nsqmesh pub --topic=orders --rate=1000 monday.log tuesday.log
        two files, a message for each line, a thousand a second

    nsqmesh pub --topic=images --whole a.png b.png
        each file is one message

    find . -print0 | nsqmesh pub --topic=files --delimiter='\0'
        records that end in a zero byte

    nsqmesh pub --topic=orders --nsqd-tcp-address=mq1:4150 --nsqd-tcp-address=mq2:4150 orders.log
        to the first of these nodes, and to the next when it fails

Any node is as good as another, so all goes to one until that one fails. --all publishes everything to every node that is
named, as to_nsq does. When a node dies before it has acknowledged messages they are published again elsewhere: none is
lost, some may be there twice, and the summary says how many.
`

func Pub() cli.Command {
	return cli.ToolCommand("pub", "publish lines of standard input or of files", pubManual, func() cli.Tool {
		return &pubTool{cluster: cluster.NewFlags(), delimiter: `\n`, retry: retryFor, opts: producerOptions(), output: cli.NewOutputForm()}
	})
}

type pubTool struct {
	topic     string
	nsqds     []string
	cluster   cluster.Flags
	all       bool
	delimiter string
	whole     bool
	rate      int
	deferred  time.Duration
	retry     time.Duration
	opts      *nsq.Config
	quiet     bool
	output    cli.OutputForm

	console *cli.Console
	pace    pace
	started time.Time
	total   int64 // bytes of all files, if that is known
	done    struct{ messages, bytes, empty, read atomic.Int64 }
	next    position // of what is not published
}

func (t *pubTool) Flags(f *cli.Flags) {
	f.Add(&t.topic, "topic", "`topic` to publish to")
	f.Add(&t.nsqds, "nsqd-tcp-address", "TCP `address` of a node to publish to; repeat for more")
	t.cluster.Add(f)
	f.Add(&t.all, "all", "publish everything to every node that is named, not only to the first that works")
	f.Add(&t.delimiter, "delimiter", "`byte` that ends a record")
	f.Add(&t.whole, "whole", "each file, or all of standard input, is one message")
	f.Add(&t.rate, "rate", "publish at most this `number` of messages a second")
	f.Add(&t.deferred, "defer", "deliver messages only after this `duration`")
	f.Add(&t.retry, "retry", "`duration` of trying when no node takes messages")
	f.Add(cli.GoNSQ{Config: t.opts}, "producer-opt", "`name,value` of an option of go-nsq; repeat for more")
	f.Add(&t.quiet, "quiet", "print no summary")
	t.output.Add(f)
}

func (t *pubTool) check(files []string) error {
	switch {
	case t.topic == "":
		return cli.WrongUsage("--topic required")
	case !names.ValidTopic(t.topic):
		return cli.WrongUsage("--topic is invalid: %q", t.topic)
	case len(t.nsqds) > 0 && len(t.cluster.Lookupds) > 0:
		return cli.WrongUsage("use --nsqd-tcp-address or --lookupd-http-address not both")
	case t.all && len(t.nsqds) == 0:
		return cli.WrongUsage("--all needs --nsqd-tcp-address")
	case t.rate < 0:
		return cli.WrongUsage("--rate should not be negative")
	case t.deferred < 0:
		return cli.WrongUsage("--defer should not be negative")
	}
	for _, name := range files {
		info, err := os.Stat(name)
		switch {
		case name == "-":
		case err != nil:
			return err // before anything is published
		case info.IsDir():
			return cli.WrongUsage("%s is a folder", name)
		default:
			t.total += info.Size()
		}
	}
	return nil
}

func (t *pubTool) Run(ctx context.Context, files []string, std cli.Stdio) error {
	if err := t.check(files); err != nil {
		return err
	}
	delimiter, err := oneByte(t.delimiter)
	if err != nil {
		return err
	}
	t.console, t.pace.perSecond = cli.NewConsole(std), t.rate
	to, err := t.outlets(ctx, std)
	if err != nil {
		return err
	}
	defer to.close()
	r := &records{delimiter: delimiter, whole: t.whole, most: batchRecords, out: make(chan batch), gone: make(chan struct{})}
	defer close(r.gone)
	if t.rate > 0 {
		r.most = min(r.most, t.rate) // what is read and not yet published is all published on Ctrl-C
	}
	if len(files) == 0 && cli.IsTerminal(std.In) {
		t.console.Say("each line is a message of %s; Ctrl-D ends", t.topic)
	}
	t.started = time.Now()
	go r.read(ctx, files, std.In)
	endStatus := t.console.Follow(t.status)
	err = t.publishAll(ctx, r, to)
	endStatus()
	if ended := t.summary(std, to, err); ended != nil {
		return ended
	}
	if errors.Is(err, errCut) && !slices.ContainsFunc(files, func(f string) bool { return f != "-" }) {
		return nil // a stream has no end that could be missed
	}
	if errors.Is(err, errCut) {
		return fmt.Errorf("%w: what is left begins at %s", err, t.next)
	}
	return err
}

// outlets connect to nothing yet.
func (t *pubTool) outlets(ctx context.Context, std cli.Stdio) (outlets, error) {
	t.opts.UserAgent = cli.UserAgent("pub")
	if err := t.opts.Validate(); err != nil {
		return nil, cli.WrongUsage("%w", err)
	}
	var all outlets
	nodes := unique(t.nsqds)
	switch {
	case t.all:
		for _, node := range nodes {
			all = append(all, newOutlet(t.opts, t.console, node))
		}
	case len(nodes) > 0:
		all = outlets{newOutlet(t.opts, t.console, nodes...)}
	default:
		c, err := t.cluster.Open(std)
		if err != nil {
			return nil, err
		}
		find := func(ctx context.Context) ([]string, error) { return publisherAddresses(ctx, c, t.topic) }
		if nodes, err = find(ctx); err != nil {
			return nil, err
		}
		one := newOutlet(t.opts, t.console, nodes...)
		one.find = find
		all = outlets{one}
	}
	for _, o := range all {
		o.patient = t.retry
	}
	return all, nil
}

// publishAll publishes what is read, to the end or until told to stop, and then what was read before that.
func (t *pubTool) publishAll(ctx context.Context, r *records, to outlets) error {
	interrupted := ctx.Done()
	var look <-chan time.Time
	for {
		select {
		case b, more := <-r.out:
			if !more {
				return r.err
			}
			if err := t.publish(ctx, b, to); err != nil {
				return err
			}
		case <-interrupted:
			tick := time.NewTicker(readerLook)
			defer tick.Stop()
			interrupted, look = nil, tick.C
		case <-look:
			if r.waits.Load() {
				return errCut // it may wait for ever, and has nothing that is not published
			}
		}
	}
}

// publish publishes a batch in parts as large as the rate allows.
func (t *pubTool) publish(ctx context.Context, b batch, to outlets) error {
	for rest := b.bodies; len(rest) > 0; {
		n := t.pace.most(len(rest))
		if t.deferred > 0 {
			n = 1
		}
		t.pace.wait(ctx, n)
		if err := t.send(ctx, rest[:n], to); err != nil {
			return fmt.Errorf("%w (read up to %s)", err, b.after)
		}
		rest = rest[n:]
	}
	t.next = b.after
	t.done.empty.Add(b.empty)
	t.done.read.Add(b.bytes + int64(len(b.bodies)) + b.empty)
	return nil
}

// send publishes some messages at once. If they are refused it publishes one after the other, up to the bad one.
func (t *pubTool) send(ctx context.Context, bodies [][]byte, to outlets) error {
	err := to.publish(ctx, t.topic, bodies, t.deferred)
	if err == nil {
		t.count(bodies)
		return nil
	}
	if len(bodies) == 1 || len(to) > 1 || !refused(err) {
		return fmt.Errorf("publish message %d (%s): %w", t.done.messages.Load()+1, cli.ByteSize(int64(len(bodies[0]))), err)
	}
	for i := range bodies {
		if err := t.send(ctx, bodies[i:i+1], to); err != nil {
			return err
		}
	}
	return nil
}

func (t *pubTool) count(bodies [][]byte) {
	for _, b := range bodies {
		t.done.bytes.Add(int64(len(b)))
	}
	t.done.messages.Add(int64(len(bodies)))
}
