package tools

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/nsqio/go-nsq"
	"github.com/nsqmesh/nsqmesh/cmd/cli"
	"github.com/nsqmesh/nsqmesh/cmd/cluster"
	"github.com/nsqmesh/nsqmesh/node/names"
)

// mirrorHandlers is how many messages of a topic are on their way at once, at most.
const mirrorHandlers = 100

const mirrorManual = `nsqmesh mirror copies topics to other nodes, of another mesh or stock nsqds, and finishes each message when one of them
has it. It takes the flags of nsq_to_nsq.

usage: nsqmesh mirror [options] --topic=TOPIC --destination-lookupd-http-address=ADDRESS

    nsqmesh mirror --topic=orders --destination-lookupd-http-address=10.1.0.7:4161
        from the mesh of this host to another, any node of which will do

    nsqmesh mirror --topic=orders --topic=refunds --destination-nsqd-tcp-address=10.1.0.7:4150
        two topics to one node

    nsqmesh mirror --topic=orders --destination-topic=orders.eu --require-json-field=region --require-json-value=eu \
        --destination-nsqd-tcp-address=127.0.0.1:4150
        messages that are JSON objects with "region":"eu", to another topic of the same mesh

    nsqmesh mirror --topic=users --whitelist-json-field=id --whitelist-json-field=country \
        --destination-nsqd-tcp-address=10.1.0.7:4150
        only two fields of each

The copy has the body of the message; its time, id and attempts are new. A message may come twice, and not in order.
`

func Mirror() cli.Command {
	return cli.ToolCommand("mirror", "copy topics to another mesh or nsqd", mirrorManual, func() cli.Tool {
		return &mirrorTool{
			consume: newConsumeFlags("mirror", "nsq_to_nsq"), mode: destinationMode(), opts: producerOptions(),
			statusEvery: 250, output: cli.NewOutputForm(),
		}
	})
}

type mirrorTool struct {
	consume     consumeFlags
	nsqds       []string
	lookupds    []string
	topic       string
	mode        cli.Choice
	filter      jsonFilter
	opts        *nsq.Config
	statusEvery int
	output      cli.OutputForm

	console *cli.Console
}

func (t *mirrorTool) Flags(f *cli.Flags) {
	t.consume.add(f)
	f.Add(&t.nsqds, "destination-nsqd-tcp-address", "TCP `address` of a node to copy to; repeat for more")
	f.Add(&t.lookupds, "destination-lookupd-http-address", "lookup `address` of any node of the mesh to copy to; repeat for more")
	f.Add(&t.topic, "destination-topic", "`topic` to copy to (default the same)")
	f.Add(&t.mode, "mode", destinationModeUsage)
	t.filter.add(f)
	f.Add(cli.GoNSQ{Config: t.opts}, "producer-opt", "`name,value` of an option of go-nsq for the destination; repeat for more")
	f.Add(&t.statusEvery, "status-every", "tell how it goes every `number` of messages; 0 is never")
	t.output.Add(f)
}

func (t *mirrorTool) check() error {
	switch {
	case len(t.consume.topics) == 0 || t.consume.channel == "":
		return cli.WrongUsage("--topic and --channel are required")
	case t.topic != "" && !names.ValidTopic(t.topic):
		return cli.WrongUsage("--destination-topic is invalid: %q", t.topic)
	case len(t.nsqds) == 0 && len(t.lookupds) == 0:
		return cli.WrongUsage("--destination-nsqd-tcp-address or --destination-lookupd-http-address required")
	case len(t.nsqds) > 0 && len(t.lookupds) > 0:
		return cli.WrongUsage("use --destination-nsqd-tcp-address or --destination-lookupd-http-address not both")
	}
	t.opts.UserAgent = cli.UserAgent("mirror")
	if err := t.opts.Validate(); err != nil {
		return cli.WrongUsage("%w", err)
	}
	return t.filter.check()
}

func (t *mirrorTool) Run(ctx context.Context, words []string, std cli.Stdio) error {
	if err := cli.NoWords(words); err != nil {
		return err
	}
	if err := t.check(); err != nil {
		return err
	}
	t.console = cli.NewConsole(std)
	src, err := t.consume.open(ctx, std, t.console)
	if err != nil {
		return err
	}
	out, err := t.openExit(ctx, std)
	if err != nil {
		return err
	}
	defer out.close()
	if err := t.refuseCircle(ctx, src, out); err != nil {
		return err
	}
	d := &delivery{destinations: out.destinations, console: t.console, statusEvery: t.statusEvery, started: time.Now()}
	var all []*nsq.Consumer
	for _, topic := range t.consume.topics {
		c, err := src.consumer(ctx, topic, t.handler(d, out, topic), min(mirrorHandlers, t.consume.maxInFlight))
		if err != nil {
			stopConsumers(all)
			return err
		}
		all = append(all, c)
	}
	endStatus := t.console.Follow(d.status)
	out.watch(ctx)
	stopConsumers(all)
	endStatus()
	return d.summary(std, t.output)
}

func (t *mirrorTool) handler(d *delivery, out *exit, topic string) nsq.Handler {
	to := t.destinationOf(topic)
	return nsq.HandlerFunc(func(m *nsq.Message) error {
		body, pass := t.filter.apply(m.Body)
		if !pass {
			d.drop(m)
			return nil
		}
		d.deliver(m, body, func(node string, body []byte) error { return out.publish(node, to, body) })
		return nil
	})
}

func (t *mirrorTool) destinationOf(topic string) string {
	if t.topic != "" {
		return t.topic
	}
	return topic
}

// refuseCircle keeps a topic from being copied into itself, without end.
func (t *mirrorTool) refuseCircle(ctx context.Context, src *source, out *exit) error {
	nodes := slices.Clone(t.consume.nsqds)
	if len(nodes) == 0 {
		found, err := src.cluster.Nodes(ctx)
		if err != nil {
			return nil // it is not there yet, and whether it is the same is not known
		}
		for _, p := range found {
			nodes = append(nodes, p.Tcp())
		}
	}
	for _, topic := range t.consume.topics {
		if to := t.destinationOf(topic); slices.Contains(t.consume.topics, to) && slices.ContainsFunc(out.nodes, func(n string) bool { return slices.Contains(nodes, n) }) {
			return cli.WrongUsage("topic %s would be copied into itself: give another --destination-topic", to)
		}
	}
	return nil
}

// exit is where copies leave: a producer for each node of the destination.
type exit struct {
	opts         *nsq.Config
	console      *cli.Console
	find         func(context.Context) ([]string, error) // nil if the nodes were named
	nodes        []string
	destinations *destinations

	mu        sync.Mutex
	producers map[string]*nsq.Producer
}

func (t *mirrorTool) openExit(ctx context.Context, std cli.Stdio) (*exit, error) {
	out := &exit{opts: t.opts, console: t.console, nodes: unique(t.nsqds), producers: map[string]*nsq.Producer{}}
	if len(t.lookupds) > 0 {
		flags := cluster.Flags{Lookupds: t.lookupds, Api: t.consume.cluster.Api}
		c, err := flags.Open(std)
		if err != nil {
			return nil, err
		}
		c.Lookupds = c.More(ctx)
		out.find = func(ctx context.Context) ([]string, error) {
			return publisherAddresses(ctx, c, t.destinationOf(t.consume.topics[0]))
		}
		if out.nodes, err = out.find(ctx); err != nil {
			return nil, err
		}
	}
	out.destinations = newDestinations(t.mode.Word, out.nodes)
	return out, nil
}

// watch keeps the nodes of the destination up to date until ctx ends.
func (e *exit) watch(ctx context.Context) {
	if e.find == nil {
		<-ctx.Done()
		return
	}
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if nodes, err := e.find(ctx); err == nil {
				e.destinations.set(nodes)
			}
		case <-ctx.Done():
			return
		}
	}
}

func (e *exit) publish(node, topic string, body []byte) error {
	p, err := e.producer(node)
	if err != nil {
		return err
	}
	err = p.Publish(topic, body)
	if err != nil && refused(err) {
		return rejected{err}
	}
	return err
}

func (e *exit) producer(node string) (*nsq.Producer, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if p := e.producers[node]; p != nil {
		return p, nil
	}
	p, err := nsq.NewProducer(node, e.opts)
	if err != nil {
		return nil, err
	}
	p.SetLogger(e.console, nsq.LogLevelMax+1)
	e.producers[node] = p
	return p, nil
}

func (e *exit) close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, p := range e.producers {
		p.Stop()
	}
}
