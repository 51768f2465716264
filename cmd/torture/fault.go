package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"syscall"
	"time"
)

// allFaults are those that can be chosen. Each is mended when it returns.
func allFaults() []*fault {
	return []*fault{
		{name: "kill", strike: strikeKill},
		{name: "pause", strike: strikePause},
		{name: "restart", strike: strikeRestart},
		{name: "rolling", strike: strikeRolling, whole: true},
		{name: "leave", strike: strikeLeave},
		{name: "join", strike: strikeJoin, whole: true},
		{name: "wipe", strike: strikeWipe},
		{name: "damage", strike: strikeDamage},
		{name: "full", strike: strikeFull, needs: "root"},
		{name: "garbage", strike: strikeGarbage},
		{name: "slow", strike: strikeSlow},
		{name: "overload", strike: strikeOverload, whole: true},
		{name: "keys", strike: strikeKeys, whole: true},
		{name: "isolate", strike: strikeIsolate, needs: "namespaces"},
		{name: "halves", strike: strikeHalves, whole: true, needs: "namespaces"},
		{name: "oneway", strike: strikeOneWay, needs: "namespaces"},
		{name: "udploss", strike: strikeUDPLoss, needs: "namespaces"},
		{name: "badnet", strike: strikeBadNet, whole: true, needs: "namespaces"},
	}
}

func faultNames() (names []string) {
	for _, f := range allFaults() {
		names = append(names, f.name)
	}
	return names
}

func faultNamed(name string) *fault {
	all := allFaults()
	return all[slices.IndexFunc(all, func(f *fault) bool { return f.name == name })]
}

// cannot says why a fault cannot be had here.
func (t *torture) cannot(f *fault) string {
	switch {
	case f.needs == "namespaces" && t.net == nil:
		return "it needs root and the command ip"
	case f.needs == "root" && os.Geteuid() != 0:
		return "it needs root"
	}
	return ""
}

// strikeKill is kill -9, and a restart on the same folder after a while.
func strikeKill(t *torture, ctx context.Context, n *node, d time.Duration, _ *rand.Rand) error {
	t.events.add(killed, n)
	n.kill()
	sleep(ctx, d)
	return n.launch()
}

// strikePause has the process stand still.
func strikePause(_ *torture, ctx context.Context, n *node, d time.Duration, _ *rand.Rand) error {
	n.signal(syscall.SIGSTOP)
	sleep(ctx, max(d, time.Second))
	n.signal(syscall.SIGCONT)
	return nil
}

func strikeRestart(t *torture, ctx context.Context, n *node, d time.Duration, _ *rand.Rand) error {
	return t.restart(ctx, n, d/10)
}

// restart is a clean one. Nothing may be lost with it.
func (t *torture) restart(ctx context.Context, n *node, away time.Duration) error {
	if err := n.stop(); err != nil {
		return err
	}
	t.events.add(stopped, n)
	sleep(ctx, away)
	return n.launch()
}

// strikeRolling restarts all nodes, one after the other.
func strikeRolling(t *torture, ctx context.Context, _ *node, _ time.Duration, _ *rand.Rand) error {
	for _, n := range t.members() {
		n.fault.Lock()
		err := t.restart(ctx, n, 0)
		n.fault.Unlock()
		if err != nil {
			return err
		}
	}
	return nil
}

// strikeLeave takes a node away in order for longer than others wait for it.
func strikeLeave(t *torture, ctx context.Context, n *node, d time.Duration, _ *rand.Rand) error {
	return t.restart(ctx, n, 2*time.Second+d)
}

// strikeJoin adds a node, up to three of them.
func strikeJoin(t *torture, _ context.Context, _ *node, _ time.Duration, _ *rand.Rand) error {
	if !t.joining.TryLock() {
		return nil
	}
	defer t.joining.Unlock()
	if len(t.members()) >= t.cfg.nodes+3 {
		return nil
	}
	_, err := t.add()
	return err
}

// strikeWipe replaces a node by one with an empty disk under the same name.
func strikeWipe(t *torture, ctx context.Context, n *node, d time.Duration, _ *rand.Rand) error {
	t.events.add(wiped, n)
	n.kill()
	sleep(ctx, d)
	if err := emptyFolder(n.dir); err != nil {
		return fmt.Errorf("empty the folder: %w", err)
	}
	return n.launch()
}
