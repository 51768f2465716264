package gossip

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"
)

// realNode is a node on the loopback.
type realNode struct {
	*Mesh
	state *toy
	stop  context.CancelFunc
	done  chan error
}

func startReal(t *testing.T, name string, seeds []string, change func(*Config)) *realNode {
	t.Helper()
	state := newToy()
	cfg := Config{
		ID: "id-" + name, Name: name, Bind: "127.0.0.1:0", LinkBind: "127.0.0.1:0", Seeds: seeds,
		Profile: "local", State: state, Log: slog.New(slog.NewTextHandler(testWriter{t}, nil)).With("node", name),
	}
	if change != nil {
		change(&cfg)
	}
	n := &realNode{Mesh: New(cfg), state: state, done: make(chan error, 1)}
	if err := n.Listen(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	n.stop = cancel
	go func() { n.done <- n.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		select {
		case <-n.done:
		case <-time.After(10 * time.Second):
			t.Errorf("node %s does not end", name)
		}
	})
	return n
}

type testWriter struct{ t *testing.T }

func (w testWriter) Write(b []byte) (int, error) {
	if w.t.Context().Err() == nil {
		w.t.Logf("%s", b[:len(b)-1])
	}
	return len(b), nil
}

func eventually(t *testing.T, what string, within time.Duration, f func() bool) time.Duration {
	t.Helper()
	start := time.Now()
	for !f() {
		if time.Since(start) > within {
			t.Fatalf("not within %v: %s", within, what)
		}
		time.Sleep(time.Millisecond)
	}
	return time.Since(start)
}

func TestRealNodesFindEachOtherAndReplicate(t *testing.T) {
	a := startReal(t, "a", nil, nil)
	b := startReal(t, "b", []string{a.Addr()}, nil)
	c := startReal(t, "c", []string{a.Addr()}, nil)
	nodes := []*realNode{a, b, c}
	eventually(t, "full mesh", 5*time.Second, func() bool {
		for _, n := range nodes {
			if s := n.Stats(); s.Alive != 2 || s.Links != 2 {
				return false
			}
		}
		return true
	})
	for i, n := range nodes {
		n.Broadcast(n.cfg.ID, n.state.bump(n.cfg.ID))
		took := eventually(t, "one change everywhere", 2*time.Second, func() bool {
			return a.state.count(n.cfg.ID) == 1 && b.state.count(n.cfg.ID) == 1 && c.state.count(n.cfg.ID) == 1
		})
		t.Logf("change %d: %v", i, took)
	}
	b.Handle("echo", func(_ context.Context, from string, body []byte) ([]byte, error) {
		if len(body) == 0 {
			return nil, errors.New("empty")
		}
		return fmt.Appendf(nil, "%s from %s", body, from), nil
	})
	got, err := a.Call(t.Context(), "id-b", "echo", []byte("hi"))
	if err != nil || string(got) != "hi from id-a" {
		t.Fatalf("call: %q, %v", got, err)
	}
	start := time.Now()
	c.stop()
	eventually(t, "goodbye", time.Second, func() bool { return !a.Alive("id-c") && !b.Alive("id-c") })
	t.Logf("goodbye took %v", time.Since(start))
}
