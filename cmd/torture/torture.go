package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	topics         = 2
	channels       = 2
	producers      = 12
	messageTimeout = 2 * time.Second
	drainPatience  = 90 * time.Second
)

func topicName(i int) string   { return fmt.Sprint("torture", i) }
func channelName(i int) string { return fmt.Sprint("channel", i) }

// torture is one run.
type torture struct {
	cfg                        *config
	ledger                     *ledger
	net                        *network // nil without namespaces
	calm                       atomic.Bool
	overload                   atomic.Int32 // how many faults have producers know no measure
	events                     events
	joining, rotating, netting sync.Mutex // each held by the one fault of its kind

	mu     sync.Mutex
	nodes  []*node
	errors map[string]int // of calls, by what they say
	broken []error        // what a node must not do
}

// run builds a mesh, loads it, lets faults strike, heals it, drains it, and checks.
func run(ctx context.Context, cfg config) (*verdict, error) {
	t := &torture{cfg: &cfg, errors: map[string]int{}}
	remove, err := t.folder()
	if err != nil {
		return nil, err
	}
	cfg.say("seed %d, %d nodes, %s, data in %s", cfg.seed, cfg.nodes, cfg.setting, cfg.dir)
	defer t.end()
	if err := t.build(ctx); err != nil {
		return nil, err
	}
	t.ledger = newLedger(producers)
	t.events.begun = t.ledger.begun
	rng := rand.New(rand.NewPCG(cfg.seed, 1))

	consuming, stopConsuming := context.WithCancel(ctx)
	defer stopConsuming()
	var consumers sync.WaitGroup
	defer consumers.Wait()
	defer stopConsuming()
	t.consume(consuming, &consumers, rng)
	producing, stopProducing := context.WithCancel(ctx)
	defer stopProducing()
	var load sync.WaitGroup
	for i := range producers {
		p := &producer{run: t, index: i, rng: rand.New(rand.NewPCG(cfg.seed, uint64(100+i))), conns: map[int]*wire{}}
		load.Go(func() { p.produce(producing) })
	}
	t.strike(ctx, rand.New(rand.NewPCG(cfg.seed, 2)))
	v := &verdict{run: t, healed: t.ledger.now()}
	v.equal, v.differ = t.awaitEqual(ctx)
	sleep(ctx, time.Second)
	stopProducing()
	load.Wait()
	cfg.say("drain")
	v.left = t.drain(ctx)
	stopConsuming()
	consumers.Wait()
	t.stopAll()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	v.check()
	if v.good() {
		remove()
	}
	return v, nil
}

// folder makes the one that holds everything, and returns what removes it if it is temporary.
func (t *torture) folder() (remove func(), err error) {
	if t.cfg.dir != "" {
		return func() {}, os.MkdirAll(t.cfg.dir, 0o700)
	}
	t.cfg.dir, err = os.MkdirTemp("", "torture")
	return func() { _ = os.RemoveAll(t.cfg.dir) }, err
}

// build starts the nodes and makes all topics and channels on each.
func (t *torture) build(ctx context.Context) error {
	t.openNetwork()
	if err := t.makeKey(); err != nil {
		return err
	}
	for range t.cfg.nodes {
		if _, err := t.add(); err != nil {
			return err
		}
	}
	equal, differ := t.awaitEqual(ctx)
	if !equal {
		return fmt.Errorf("the mesh does not come together: %s", differ)
	}
	return nil
}

// add starts one more node and makes all topics and channels on it.
func (t *torture) add() (*node, error) {
	n, err := t.newNode(len(t.members()))
	if err != nil {
		return nil, err
	}
	if err := n.launch(); err != nil {
		return nil, err
	}
	for topic := range topics {
		for channel := range channels {
			_ = n.post("/topic/create?topic="+topicName(topic), nil)
			if err := n.post(fmt.Sprintf("/channel/create?topic=%s&channel=%s", topicName(topic), channelName(channel)), nil); err != nil {
				return nil, fmt.Errorf("create a channel on %v: %w", n, err)
			}
		}
	}
	t.mu.Lock()
	t.nodes = append(t.nodes, n)
	t.mu.Unlock()
	return n, nil
}

func (t *torture) members() []*node {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clip(t.nodes)
}

func (t *torture) lookups() (all []string) {
	for _, n := range t.members() {
		all = append(all, n.lookup)
	}
	return all
}

// consume starts half of the consumers with go-nsq, half without.
func (t *torture) consume(ctx context.Context, all *sync.WaitGroup, rng *rand.Rand) {
	for topic := range topics {
		for channel := range channels {
			own := rand.New(rand.NewPCG(rng.Uint64(), 0))
			all.Go(func() {
				if err := t.stockConsumer(ctx, topic, channel, own); err != nil {
					t.fault(fmt.Errorf("go-nsq: %w", err))
				}
			})
			for range 2 {
				c := &rawConsumer{run: t, topic: topic, channel: channel, rng: rand.New(rand.NewPCG(rng.Uint64(), 0))}
				all.Go(func() { c.consume(ctx) })
			}
		}
	}
}

// noteError counts what calls said went wrong; that alone is no fault of a node.
func (t *torture) noteError(at *node, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	what := err.Error()
	var number syscall.Errno
	switch {
	case errors.As(err, &number):
		what = number.Error()
	case isTimeout(err) || errors.Is(err, os.ErrDeadlineExceeded):
		what = "no answer in time"
	}
	t.errors[fmt.Sprintf("%v: %.120s", at, what)]++
}

// fault notes what no node may do, whatever strikes it.
func (t *torture) fault(err error) {
	t.cfg.say("BROKEN: %v", err)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.broken = append(t.broken, err)
}

func (t *torture) stopAll() {
	for _, n := range t.members() {
		n.fault.Lock()
		if n.running() {
			if err := n.stop(); err != nil {
				t.fault(err)
			}
		}
		n.fault.Unlock()
	}
}

// end leaves nothing running, however the run ended.
func (t *torture) end() {
	for _, n := range t.members() {
		if n.cmd != nil && n.exited != nil && n.running() {
			n.kill()
		}
		n.unmount()
	}
}
