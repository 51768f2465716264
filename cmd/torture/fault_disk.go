package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// emptyFolder removes what is in a folder, which may be a mount and stays.
func emptyFolder(dir string) error {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		err = errors.Join(err, os.RemoveAll(filepath.Join(dir, e.Name())))
	}
	return err
}

// strikeDamage kills a node and spoils a file of messages before it starts again: it must start, deliver what can be
// read, and invent nothing.
func strikeDamage(t *torture, ctx context.Context, n *node, d time.Duration, rng *rand.Rand) error {
	t.events.add(killed, n)
	t.events.add(damaged, n)
	n.kill()
	sleep(ctx, d/10)
	if err := t.spoil(n, rng); err != nil {
		return err
	}
	return n.launch()
}

// spoil truncates a file of a disk queue, or turns a bit of it. A node that keeps all in memory has none.
func (t *torture) spoil(n *node, rng *rand.Rand) error {
	files, err := filepath.Glob(filepath.Join(n.dir, "*.diskqueue.*.dat"))
	if err != nil || len(files) == 0 {
		return err
	}
	path := files[rng.IntN(len(files))]
	b, err := os.ReadFile(path)
	if err != nil || len(b) == 0 {
		return err
	}
	at := rng.IntN(len(b))
	if rng.IntN(2) == 0 {
		t.cfg.say("%s is cut at %d of %d", filepath.Base(path), at, len(b))
		return os.Truncate(path, int64(at))
	}
	b[at] ^= 1 << rng.IntN(8)
	t.cfg.say("%s has another bit at %d of %d", filepath.Base(path), at, len(b))
	return os.WriteFile(path, b, 0o600)
}

const diskSize = 256 << 20

// mount gives a node a small disk of its own, in memory, that can be filled.
func (t *torture) mount(n *node) error {
	if os.Geteuid() != 0 || !slices.Contains(t.cfg.faults, "full") {
		return nil
	}
	out, err := exec.Command("mount", "-t", "tmpfs", "-o", fmt.Sprint("size=", diskSize), "torture", n.dir).CombinedOutput()
	if err != nil {
		t.cfg.say("without full disks: %s", strings.TrimSpace(string(out)))
		return nil
	}
	n.mounted = true
	return nil
}

func (n *node) unmount() {
	if n.mounted {
		_ = exec.Command("umount", n.dir).Run()
	}
}

// strikeFull leaves a node no room for a while. What was acknowledged must not be lost with that.
func strikeFull(t *torture, ctx context.Context, n *node, d time.Duration, _ *rand.Rand) error {
	if !n.mounted {
		return nil
	}
	ballast := filepath.Join(n.dir, "ballast")
	f, err := os.Create(ballast)
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(ballast) }()
	block := make([]byte, 1<<20)
	for err == nil {
		_, err = f.Write(block)
	}
	_ = f.Close()
	sleep(ctx, d)
	return nil
}
