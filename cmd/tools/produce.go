package tools

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nsqio/go-nsq"
	"github.com/nsqmesh/nsqmesh/cmd/cli"
	"github.com/nsqmesh/nsqmesh/cmd/cluster"
)

const (
	// A node that says nothing for so long is taken for dead, and its messages go elsewhere.
	producerHeartbeat = 5 * time.Second
	producerPatience  = 12 * time.Second

	retryPause    = 100 * time.Millisecond // after all nodes have failed, at first
	maxRetryPause = 2 * time.Second
)

// producerOptions are go-nsq's, set to notice a dead node soon.
func producerOptions() *nsq.Config {
	opts := nsq.NewConfig()
	opts.HeartbeatInterval, opts.ReadTimeout = producerHeartbeat, producerPatience
	return opts
}

// outlet publishes to one of several nodes: to the same one for as long as it takes messages, so that they keep their
// order, and then to the next.
type outlet struct {
	opts    *nsq.Config
	console *cli.Console
	patient time.Duration                               // how long to try when no node takes messages
	find    func(ctx context.Context) ([]string, error) // asked anew when all nodes have failed; nil if they were named

	nodes    []string
	at       int
	producer *nsq.Producer
	retried  int64            // messages that another attempt may have published already
	sent     map[string]int64 // messages that each node took
	told     map[string]bool  // nodes whose failure has been told
}

func newOutlet(opts *nsq.Config, con *cli.Console, nodes ...string) *outlet {
	return &outlet{opts: opts, console: con, nodes: nodes, sent: map[string]int64{}, told: map[string]bool{}}
}

// publish returns when a node has acknowledged all, or when none does. Messages that a node refuses for what they are it
// refuses at once.
func (o *outlet) publish(ctx context.Context, topic string, bodies [][]byte, deferred time.Duration) error {
	deadline := time.Now().Add(o.patient)
	pause := retryPause
	for failures := 0; ; {
		err := o.try(topic, bodies, deferred)
		if err == nil {
			clear(o.told)
			return nil
		}
		o.close() // nodes hang up after most errors
		if refused(err) {
			return err
		}
		o.leave(err)
		if failures++; failures < len(o.nodes) {
			continue
		}
		if !time.Now().Before(deadline) || ctx.Err() != nil {
			return fmt.Errorf("no node takes messages: %w", err)
		}
		failures = 0
		select {
		case <-time.After(pause):
		case <-ctx.Done(): // one more attempt for what is held
		}
		pause = min(2*pause, maxRetryPause)
		o.refresh(ctx)
	}
}

func (o *outlet) try(topic string, bodies [][]byte, deferred time.Duration) error {
	if o.producer == nil {
		p, err := nsq.NewProducer(o.nodes[o.at], o.opts)
		if err != nil {
			return err
		}
		p.SetLogger(o.console, nsq.LogLevelMax+1) // nothing: we say it better
		o.producer = p
	}
	var err error
	switch {
	case deferred > 0:
		err = o.producer.DeferredPublish(topic, deferred, bodies[0])
	case len(bodies) == 1:
		err = o.producer.Publish(topic, bodies[0])
	default:
		err = o.producer.MultiPublish(topic, bodies)
	}
	switch {
	case err == nil:
		o.sent[o.nodes[o.at]] += int64(len(bodies))
	case errors.Is(err, nsq.ErrNotConnected):
		o.retried += int64(len(bodies)) // sent, but not answered
	}
	return err
}

// leave turns to the next node. Why is said once, and again only after things have gone well.
func (o *outlet) leave(err error) {
	if node := o.nodes[o.at]; !o.told[node] {
		o.told[node] = true
		o.console.Say("%s does not take messages: %v", node, err)
	}
	o.at = (o.at + 1) % len(o.nodes)
}

func (o *outlet) refresh(ctx context.Context) {
	if o.find == nil {
		return
	}
	if nodes, err := o.find(ctx); err == nil && len(nodes) > 0 {
		o.nodes, o.at = nodes, 0
	}
}

func (o *outlet) close() {
	if o.producer != nil {
		o.producer.Stop()
		o.producer = nil
	}
}

// refused tells whether a node understood and does not want the message: another one would not, either.
func refused(err error) bool {
	var answer nsq.ErrProtocol
	if !errors.As(err, &answer) {
		return false
	}
	word, _, _ := strings.Cut(answer.Reason, " ")
	return slices.Contains([]string{"E_BAD_TOPIC", "E_BAD_MESSAGE", "E_BAD_BODY", "E_INVALID", "E_UNAUTHORIZED", "E_AUTH_FAILED"}, word)
}

// publisherAddresses are the nodes to publish a topic to. Of equally near ones any may come first, so that not all tools
// publish to the same.
func publisherAddresses(ctx context.Context, c *cluster.Cluster, topic string) ([]string, error) {
	found, err := c.Publishers(ctx, topic)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, errors.New("find the nodes: there is none that takes messages")
	}
	near := slices.IndexFunc(found, func(p cluster.Producer) bool { return p.Zone != found[0].Zone })
	if near < 0 {
		near = len(found)
	}
	rand.Shuffle(near, func(i, j int) { found[i], found[j] = found[j], found[i] })
	var addresses []string
	for _, p := range found {
		addresses = append(addresses, p.Tcp())
	}
	return addresses, nil
}

// outlets publish every message to each of them at the same time.
type outlets []*outlet

func (all outlets) publish(ctx context.Context, topic string, bodies [][]byte, deferred time.Duration) error {
	if len(all) == 1 {
		return all[0].publish(ctx, topic, bodies, deferred)
	}
	errs := make([]error, len(all))
	var work sync.WaitGroup
	for i, o := range all {
		work.Go(func() { errs[i] = o.publish(ctx, topic, bodies, deferred) })
	}
	work.Wait()
	return errors.Join(errs...)
}

func (all outlets) close() {
	for _, o := range all {
		o.close()
	}
}
