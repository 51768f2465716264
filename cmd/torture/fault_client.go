package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"
)

// strikeGarbage is many connections to every port that say nothing that makes sense, or nothing at all.
func strikeGarbage(_ *torture, ctx context.Context, n *node, d time.Duration, rng *rand.Rand) error {
	var conns []net.Conn
	defer func() {
		for _, c := range conns {
			_ = c.Close()
		}
	}()
	starts := []string{"", "  V2", "  V1", "GET / HTTP/1.1\r\nX: ", "  V2PUB torture0\n\x7f\xff\xff\xff", "  V2IDENTIFY\n\xff\xff\xff\xff", "POST /mpub?topic=torture0&binary=true HTTP/1.1\r\nContent-Length: 9999999\r\n\r\n"}
	noise := make([]byte, 4096)
	for _, address := range n.ports {
		for i := range 40 {
			c, err := net.DialTimeout("tcp", address, time.Second)
			if err != nil {
				continue
			}
			conns = append(conns, c)
			for j := range noise {
				noise[j] = byte(rng.IntN(256))
			}
			_ = c.SetWriteDeadline(time.Now().Add(time.Second))
			_, _ = c.Write([]byte(starts[i%len(starts)]))
			if i%3 > 0 {
				_, _ = c.Write(noise[:rng.IntN(len(noise))])
			}
		}
	}
	if u, err := net.Dial("udp", n.gossip); err == nil {
		conns = append(conns, u)
		for range 200 {
			_, _ = u.Write(noise[:rng.IntN(1400)])
		}
	}
	sleep(ctx, d)
	return nil
}

// strikeSlow is consumers that ask for much and read nothing. What they were sent must come to others.
func strikeSlow(_ *torture, ctx context.Context, n *node, d time.Duration, rng *rand.Rand) error {
	for range 5 {
		w, err := dial(n.tcp)
		if err != nil {
			return nil
		}
		defer w.Close()
		_ = w.call(fmt.Appendf(nil, "SUB %s %s\n", topicName(rng.IntN(topics)), channelName(rng.IntN(channels))))
		_ = w.send([]byte("RDY 100\n"))
	}
	sleep(ctx, d)
	return nil
}

// strikeOverload has producers publish as fast as they can.
func strikeOverload(t *torture, ctx context.Context, _ *node, d time.Duration, _ *rand.Rand) error {
	t.overload.Add(1)
	sleep(ctx, d/2)
	t.overload.Add(-1)
	return nil
}

// strikeKeys changes the key of gossip in the documented order.
func strikeKeys(t *torture, ctx context.Context, _ *node, _ time.Duration, _ *rand.Rand) error {
	if !t.rotating.TryLock() {
		return nil
	}
	defer t.rotating.Unlock()
	old, err := t.keyring("list", "")
	if err != nil {
		return err
	}
	key, err := t.keyring("generate", "")
	if err != nil {
		return err
	}
	if _, err := t.keyring("add", key); err != nil {
		return err
	}
	t.reread(ctx)
	ids, err := t.keyring("list", "")
	if err != nil {
		return err
	}
	oldID := strings.Fields(old)[0]
	var newID string
	for line := range strings.Lines(ids) {
		if f := strings.Fields(line); len(f) > 0 && f[0] != oldID {
			newID = f[0]
		}
	}
	if _, err := t.keyring("use", "", newID); err != nil {
		return err
	}
	t.reread(ctx)
	if _, err := t.keyring("remove", "", oldID); err != nil {
		return err
	}
	t.reread(ctx)
	return nil
}

// reread has all nodes read the keys again, and gives them the time to.
func (t *torture) reread(ctx context.Context) {
	for _, n := range t.members() {
		n.signal(syscall.SIGHUP)
	}
	sleep(ctx, time.Second)
}

func (t *torture) keyring(verb, input string, args ...string) (string, error) {
	command := []string{"keyring", verb}
	if verb != "generate" {
		command = append(command, "--file="+t.cfg.keyFile)
	}
	cmd := exec.Command(t.cfg.bin, append(command, args...)...)
	cmd.Stdin = strings.NewReader(input)
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("keyring %s: %w", verb, err)
	}
	return string(out), nil
}

// makeKey makes the first key, if keys are to be rotated.
func (t *torture) makeKey() error {
	if !slices.Contains(t.cfg.faults, "keys") {
		return nil
	}
	key, err := t.keyring("generate", "")
	if err != nil {
		return err
	}
	t.cfg.keyFile = t.cfg.dir + "/gossip.keys"
	return os.WriteFile(t.cfg.keyFile, []byte(key), 0o600)
}
