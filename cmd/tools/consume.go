package tools

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/nsqio/go-nsq"
	"github.com/nsqmesh/nsqmesh/cmd/cli"
	"github.com/nsqmesh/nsqmesh/cmd/cluster"
	"github.com/nsqmesh/nsqmesh/node/names"
)

const (
	pollEvery    = 5 * time.Second // consumers ask whether more nodes have their topic
	pollPatience = 5 * time.Second // for an answer to that
)

// consumeFlags are those of all tools that read topics.
type consumeFlags struct {
	tool        string
	topics      []string
	channel     string
	nsqds       []string
	cluster     cluster.Flags
	maxInFlight int
	opts        *nsq.Config
	verbose     bool
}

func newConsumeFlags(tool, channel string) consumeFlags {
	opts := nsq.NewConfig()
	// A message that cannot be handled comes again until it can: giving up would lose it.
	opts.MaxAttempts = 0
	opts.LookupdPollInterval, opts.LookupdPollTimeout = pollEvery, pollPatience
	return consumeFlags{tool: tool, channel: channel, cluster: cluster.NewFlags(), maxInFlight: 200, opts: opts}
}

func (c *consumeFlags) add(f *cli.Flags) {
	f.Add(&c.topics, "topic", "`topic` to read; repeat for more")
	f.Add(&c.channel, "channel", "`channel` to read them from")
	f.Add(&c.nsqds, "nsqd-tcp-address", "TCP `address` of a node to read from, in place of all that have the topic; repeat for more")
	c.cluster.Add(f)
	f.Add(&c.maxInFlight, "max-in-flight", "hold at most this `number` of messages of each topic")
	f.Add(cli.GoNSQ{Config: c.opts}, "consumer-opt", "`name,value` of an option of go-nsq, such as max_attempts,5; repeat for more")
	f.Add(&c.verbose, "verbose", "log connections and lookups, too")
}

// check is for tools whose topics are named on the command line.
func (c *consumeFlags) check() error {
	switch {
	case len(c.nsqds) > 0 && len(c.cluster.Lookupds) > 0:
		return cli.WrongUsage("use --nsqd-tcp-address or --lookupd-http-address not both")
	case c.channel == "":
		return cli.WrongUsage("--channel is required")
	case !names.ValidChannel(c.channel):
		return cli.WrongUsage("--channel is invalid: %q", c.channel)
	case c.maxInFlight <= 0:
		return cli.WrongUsage("--max-in-flight should be positive")
	}
	for _, topic := range c.topics {
		if !names.ValidTopic(topic) {
			return cli.WrongUsage("--topic is invalid: %q", topic)
		}
	}
	return nil
}

// source is where consumers find their messages.
type source struct {
	flags    *consumeFlags
	cluster  *cluster.Cluster
	lookupds []string // none if nodes were named
	console  *cli.Console
}

// open finds the mesh. A mesh that is down may come up later.
func (c *consumeFlags) open(ctx context.Context, std cli.Stdio, con *cli.Console) (*source, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	c.opts.MaxInFlight = c.maxInFlight
	c.opts.UserAgent = cli.UserAgent(c.tool)
	if err := c.opts.Validate(); err != nil {
		return nil, cli.WrongUsage("%w", err)
	}
	found, err := c.cluster.Open(std)
	if err != nil {
		return nil, err
	}
	s := &source{flags: c, cluster: found, console: con}
	if len(c.nsqds) == 0 {
		s.lookupds = found.More(ctx)
	}
	return s, nil
}

// consumer makes a consumer of one topic and connects it. Handlers answer the messages themselves.
func (s *source) consumer(ctx context.Context, topic string, h nsq.Handler, handlers int) (*nsq.Consumer, error) {
	c, err := nsq.NewConsumer(topic, s.flags.channel, s.flags.opts)
	if err != nil {
		return nil, err
	}
	c.SetLogger(s.console, s.logLevel())
	c.SetBehaviorDelegate(untilStopped{ctx})
	c.AddConcurrentHandlers(h, handlers)
	if len(s.lookupds) > 0 {
		s.tellIfUnknown(ctx, topic)
		err = c.ConnectToNSQLookupds(s.lookupds)
	} else {
		err = s.connect(ctx, c)
	}
	if err != nil {
		c.Stop()
		return nil, err
	}
	return c, nil
}

// untilStopped keeps a consumer that stops from connecting to what it still finds.
type untilStopped struct{ ctx context.Context }

func (u untilStopped) Filter(found []string) []string {
	if u.ctx.Err() != nil {
		return nil
	}
	return found
}

func (s *source) logLevel() nsq.LogLevel {
	if s.flags.verbose {
		return nsq.LogLevelInfo
	}
	return nsq.LogLevelError
}

func (s *source) tellIfUnknown(ctx context.Context, topic string) {
	if found, err := s.cluster.Lookup(ctx, topic); err == nil && len(found.Producers) == 0 {
		s.console.Say("no node has the topic %s yet: waiting for it", topic)
	}
}

// connect dials the nodes that were named. go-nsq comes back to a node that it has once reached; to one that is down at
// first we come back ourselves, if there is any other.
func (s *source) connect(ctx context.Context, c *nsq.Consumer) error {
	var failed []error
	for _, address := range s.flags.nsqds {
		err := c.ConnectToNSQD(address)
		if err == nil || errors.Is(err, nsq.ErrAlreadyConnected) {
			continue
		}
		failed = append(failed, fmt.Errorf("connect to %s: %w", address, err))
		go s.dial(ctx, c, address)
	}
	if len(failed) == len(s.flags.nsqds) {
		return errors.Join(failed...)
	}
	for _, err := range failed {
		s.console.Say("%v (trying again)", err)
	}
	return nil
}

func (s *source) dial(ctx context.Context, c *nsq.Consumer, address string) {
	tick := time.NewTicker(s.flags.opts.LookupdPollInterval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		case <-c.StopChan:
			return
		}
		if err := c.ConnectToNSQD(address); err == nil || errors.Is(err, nsq.ErrAlreadyConnected) {
			return
		}
	}
}

// stopConsumers lets the handlers end what they hold, and waits for them.
func stopConsumers(all []*nsq.Consumer) {
	var stops sync.WaitGroup
	for _, c := range all {
		stops.Go(func() {
			c.Stop()
			<-c.StopChan
		})
	}
	stops.Wait()
}

// unique are the words of all lists, each once.
func unique(given ...[]string) (all []string) {
	for _, word := range slices.Concat(given...) {
		if !slices.Contains(all, word) {
			all = append(all, word)
		}
	}
	return all
}
