package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"time"
)

// Faults of the network are between nodes alone; one at a time, so that each is mended by its own rules.

type direction struct{ from, to int }

func (t *torture) cutFor(ctx context.Context, d time.Duration, what []string, all ...direction) (err error) {
	if !t.netting.TryLock() {
		return nil
	}
	defer t.netting.Unlock()
	for _, w := range all {
		mend, cause := t.net.cut(w.from, w.to, what...)
		defer mend()
		err = errors.Join(err, cause)
	}
	sleep(ctx, d)
	return err
}

// strikeIsolate cuts a node off from all others.
func strikeIsolate(t *torture, ctx context.Context, n *node, d time.Duration, _ *rand.Rand) error {
	var all []direction
	for _, o := range t.members() {
		if o != n {
			all = append(all, direction{n.index, o.index}, direction{o.index, n.index})
		}
	}
	return t.cutFor(ctx, d, nil, all...)
}

// strikeHalves parts the mesh.
func strikeHalves(t *torture, ctx context.Context, _ *node, d time.Duration, rng *rand.Rand) error {
	nodes := t.members()
	nodes = slices.Clone(nodes)
	rng.Shuffle(len(nodes), func(i, j int) { nodes[i], nodes[j] = nodes[j], nodes[i] })
	var all []direction
	for i, a := range nodes {
		for j, b := range nodes {
			if i%2 != j%2 {
				all = append(all, direction{a.index, b.index})
			}
		}
	}
	return t.cutFor(ctx, d, nil, all...)
}

// strikeOneWay loses what a node says to the next one, not what it hears from it.
func strikeOneWay(t *torture, ctx context.Context, n *node, d time.Duration, _ *rand.Rand) error {
	return t.cutFor(ctx, d, nil, direction{n.index, (n.index + 1) % t.cfg.nodes})
}

// strikeUDPLoss loses all packets of gossip to and from a node; connections go on.
func strikeUDPLoss(t *torture, ctx context.Context, n *node, d time.Duration, _ *rand.Rand) error {
	var all []direction
	for _, o := range t.members() {
		if o != n {
			all = append(all, direction{n.index, o.index}, direction{o.index, n.index})
		}
	}
	return t.cutFor(ctx, d, []string{"ipproto", "udp"}, all...)
}

// strikeBadNet makes all ways lossy, slow and unordered, those of the clients too, as far as the kernel can.
func strikeBadNet(t *torture, ctx context.Context, _ *node, d time.Duration, _ *rand.Rand) error {
	if !t.netting.TryLock() {
		return nil
	}
	defer t.netting.Unlock()
	for _, n := range t.members() {
		port := hostPort(n.index)
		if err := command("tc", "qdisc", "add", "dev", port, "root", "netem", "loss", "3%", "delay", "10ms", "8ms", "reorder", "20%"); err != nil {
			t.cfg.say("without a bad network: %v", err)
			return nil
		}
		defer func() { _ = command("tc", "qdisc", "del", "dev", port, "root") }()
	}
	sleep(ctx, d)
	return nil
}
