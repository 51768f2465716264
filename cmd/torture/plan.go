package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// fault is something that strikes a node, or the whole mesh, for a while, and is mended before it returns.
type fault struct {
	name   string
	strike func(t *torture, ctx context.Context, n *node, d time.Duration, rng *rand.Rand) error
	whole  bool   // it takes the nodes it needs itself, and one of its kind is enough
	needs  string // "root", "namespaces", or nothing
}

// step is one entry of the plan. All of it comes from the seed.
type step struct {
	at, d time.Duration
	fault *fault
	node  int
	seed  uint64
}

func (s step) String() string {
	where := fmt.Sprint("node ", s.node)
	if s.fault.whole {
		where = "mesh"
	}
	return fmt.Sprintf("%s, %s, %v", s.fault.name, where, s.d)
}

// plan makes faults follow each other, half of them before the last one is over.
func (t *torture) plan(rng *rand.Rand) (steps []step) {
	var usable []*fault
	for _, name := range t.cfg.faults {
		f := faultNamed(name)
		if why := t.cannot(f); why != "" {
			t.cfg.say("without %s: %s", name, why)
			continue
		}
		usable = append(usable, f)
	}
	longest := min(10*time.Second, t.cfg.load/5)
	for at := time.Duration(500+rng.IntN(500)) * time.Millisecond; len(usable) > 0 && at < t.cfg.load; {
		s := step{at: at, fault: usable[rng.IntN(len(usable))], node: rng.IntN(t.cfg.nodes), seed: rng.Uint64()}
		s.d = time.Duration(rng.Int64N(int64(longest)))
		if rng.IntN(3) > 0 {
			s.d /= 10
		}
		steps = append(steps, s)
		at += time.Duration(100+rng.IntN(1000)) * time.Millisecond
		if rng.IntN(2) > 0 {
			at += s.d
		}
	}
	return steps
}

// strike carries the plan out and returns when all is mended and everybody runs.
func (t *torture) strike(ctx context.Context, rng *rand.Rand) {
	var under sync.WaitGroup
	under.Go(func() { t.churn(ctx, rand.New(rand.NewPCG(t.cfg.seed, 3))) })
	for _, s := range t.plan(rng) {
		sleep(ctx, s.at-t.ledger.now())
		if ctx.Err() != nil {
			break
		}
		under.Go(func() { t.take(ctx, s) })
	}
	sleep(ctx, t.cfg.load-t.ledger.now())
	under.Wait()
	t.cfg.say("healed")
	for _, n := range t.members() {
		if ctx.Err() == nil && !n.running() {
			t.fault(fmt.Errorf("%v ended by itself: %v", n, n.cmd.ProcessState))
			if err := n.launch(); err != nil {
				t.fault(err)
			}
		}
	}
}

// take carries out one step, unless its node is busy with another one.
func (t *torture) take(ctx context.Context, s step) {
	n := t.members()[s.node]
	if !s.fault.whole {
		if !n.fault.TryLock() {
			t.cfg.say("left out, for the node is busy: %v", s)
			return
		}
		defer n.fault.Unlock()
		if !n.running() {
			t.fault(fmt.Errorf("%v ended by itself: %v", n, n.cmd.ProcessState))
			return
		}
	}
	t.cfg.say("%v", s)
	if err := s.fault.strike(t, ctx, n, s.d, rand.New(rand.NewPCG(s.seed, 0))); err != nil && ctx.Err() == nil {
		t.fault(fmt.Errorf("%v: %w", s, err))
	}
}

// churn makes topics and channels that nobody uses, so that the registry always has something to tell.
func (t *torture) churn(ctx context.Context, rng *rand.Rand) {
	for i := 0; t.ledger.now() < t.cfg.load && ctx.Err() == nil; i++ {
		nodes := t.members()
		at := nodes[rng.IntN(len(nodes))]
		topic := fmt.Sprint("extra", rng.IntN(50))
		if err := at.post("/topic/create?topic="+topic, nil); err == nil {
			_ = at.post(fmt.Sprintf("/channel/create?topic=%s&channel=c%d", topic, i%3), nil)
		}
		sleep(ctx, 150*time.Millisecond)
	}
}
