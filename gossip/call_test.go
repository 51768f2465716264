package gossip

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"testing"
	"time"
)

func TestCalls(t *testing.T) {
	const victim = "id-n01"
	call := func(s *sim, ctx context.Context, kind string, body []byte) ([]byte, error) {
		return s.nodes[0].Call(ctx, victim, kind, body)
	}
	within := func(d time.Duration) context.Context {
		ctx, cancel := context.WithTimeout(context.Background(), d)
		time.AfterFunc(2*d, cancel)
		return ctx
	}
	random := make([]byte, maxBody)
	_, _ = rand.Read(random)
	tests := map[string]func(*testing.T, *sim){
		"come back with the handler's answer": func(t *testing.T, s *sim) {
			if got, err := call(s, t.Context(), "echo", []byte("x")); string(got) != "id-n00:x" || err != nil {
				t.Errorf("%q, %v", got, err)
			}
		},
		"reach this node itself": func(t *testing.T, s *sim) {
			if got, err := s.nodes[1].Call(t.Context(), victim, "echo", []byte("x")); string(got) != victim+":x" || err != nil {
				t.Errorf("%q, %v", got, err)
			}
			if _, err := s.nodes[1].Call(t.Context(), victim, "nothing", nil); !errors.Is(err, ErrNoHandler) {
				t.Errorf("unknown kind: %v", err)
			}
		},
		"carry the handler's error": func(t *testing.T, s *sim) {
			var remote *RemoteError
			if _, err := call(s, t.Context(), "fail", nil); !errors.As(err, &remote) || remote.Text != "no" {
				t.Error(err)
			}
		},
		"of an unknown kind are refused": func(t *testing.T, s *sim) {
			if _, err := call(s, t.Context(), "nothing", nil); !errors.Is(err, ErrNoHandler) {
				t.Error(err)
			}
		},
		"to an unknown member are refused": func(t *testing.T, s *sim) {
			if _, err := s.nodes[0].Call(t.Context(), "nobody", "echo", nil); !errors.Is(err, ErrUnknownMember) {
				t.Error(err)
			}
		},
		"to a dead member fail at once": func(t *testing.T, s *sim) {
			s.crash(s.nodes[1])
			time.Sleep(time.Second)
			start := time.Now()
			if _, err := call(s, t.Context(), "echo", nil); !errors.Is(err, ErrUnreachable) || time.Since(start) > 0 {
				t.Errorf("%v after %v", err, time.Since(start))
			}
		},
		"under way fail when the member dies": func(t *testing.T, s *sim) {
			time.AfterFunc(time.Second, func() { s.nodes[1].host.Crash() })
			if _, err := call(s, t.Context(), "sleep", nil); !errors.Is(err, ErrUnreachable) {
				t.Error(err)
			}
			s.nodes[1].stop()
		},
		"end with their deadline, and so does the handler": func(t *testing.T, s *sim) {
			start := time.Now()
			_, err := call(s, within(time.Second), "sleep", nil)
			if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
				t.Errorf("%v after %v", err, time.Since(start))
			}
			time.Sleep(10 * time.Millisecond)
			if n := len(s.nodes[1].serving); n != 0 {
				t.Errorf("%d handlers are still at work", n)
			}
		},
		"take their handler with them when they are cancelled": func(t *testing.T, s *sim) {
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Second, cancel)
			if _, err := call(s, ctx, "sleep", nil); !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
			time.Sleep(10 * time.Millisecond)
			if n := len(s.nodes[1].serving); n != 0 {
				t.Errorf("%d handlers are still at work", n)
			}
		},
		"beyond the limit are told that the member is busy": func(t *testing.T, s *sim) {
			for range maxServing {
				go func() { _, _ = call(s, within(10*time.Second), "sleep", nil) }()
			}
			time.Sleep(time.Second)
			if _, err := call(s, within(time.Second), "echo", nil); !errors.Is(err, ErrBusy) {
				t.Error(err)
			}
			time.Sleep(10 * time.Second)
			if _, err := call(s, within(time.Second), "echo", nil); err != nil {
				t.Errorf("afterwards: %v", err)
			}
		},
		"carry a megabyte that cannot be compressed": func(t *testing.T, s *sim) {
			if got, err := call(s, within(10*time.Second), "same", random); !bytes.Equal(got, random) || err != nil {
				t.Errorf("%d bytes, %v", len(got), err)
			}
		},
		"carry a megabyte that can": func(t *testing.T, s *sim) {
			before := s.nodes[0].host.Traffic().StreamBytes
			if got, err := call(s, within(10*time.Second), "same", make([]byte, maxBody)); len(got) != maxBody || err != nil {
				t.Errorf("%d bytes, %v", len(got), err)
			}
			if sent := s.nodes[0].host.Traffic().StreamBytes - before; sent > 10<<10 {
				t.Errorf("a megabyte of zeros took %d bytes", sent)
			}
		},
		"that are too large are refused": func(t *testing.T, s *sim) {
			if _, err := call(s, t.Context(), "same", make([]byte, maxBody+1)); !errors.Is(err, ErrTooLarge) {
				t.Error(err)
			}
			var remote *RemoteError
			if _, err := call(s, t.Context(), "huge", nil); !errors.As(err, &remote) {
				t.Error(err)
			}
		},
		"do not wait behind each other": func(t *testing.T, s *sim) {
			go func() { _, _ = call(s, within(10*time.Second), "sleep", nil) }()
			time.Sleep(time.Second)
			start := time.Now()
			if _, err := call(s, within(time.Second), "echo", nil); err != nil || time.Since(start) > 10*time.Millisecond {
				t.Errorf("%v after %v", err, time.Since(start))
			}
		},
	}
	for name, f := range tests {
		t.Run(name, func(t *testing.T) {
			simulate(t, 1, func(s *sim) {
				s.add("n00")
				handlers(s.add("n01").Mesh)
				s.whole(10*time.Second, s.nodes...)
				f(s.t, s)
			})
		})
	}
}

func handlers(m *Mesh) {
	m.Handle("echo", func(_ context.Context, from string, body []byte) ([]byte, error) {
		return fmt.Appendf(nil, "%s:%s", from, body), nil
	})
	m.Handle("same", func(_ context.Context, _ string, body []byte) ([]byte, error) { return body, nil })
	m.Handle("fail", func(context.Context, string, []byte) ([]byte, error) { return nil, errors.New("no") })
	m.Handle("huge", func(context.Context, string, []byte) ([]byte, error) { return make([]byte, maxBody+1), nil })
	m.Handle("sleep", func(ctx context.Context, _ string, _ []byte) ([]byte, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	})
}

func TestCallsReachMembersWithoutALink(t *testing.T) {
	const size = 24
	simulate(t, 2, func(s *sim) {
		s.few = true
		s.mesh(size)
		time.Sleep(8 * time.Second) // links of the time when the mesh was small are given up
		caller := s.nodes[5]
		before := caller.Stats().Links
		if before == size-1 {
			t.Fatal("the mesh is full")
		}
		for _, n := range s.nodes {
			handlers(n.Mesh)
			if _, err := caller.Call(s.t.Context(), n.cfg.ID, "echo", nil); err != nil {
				t.Errorf("%s: %v", n.name, err)
			}
		}
		if got := caller.Stats().Links; got != size-1 {
			t.Errorf("%d links after calls to everybody", got)
		}
		time.Sleep(8 * time.Second)
		if got := caller.Stats().Links; got > before+2 {
			t.Errorf("%d links long after the calls, %d before", got, before)
		}
	})
}

func TestStreamsBetweenMembers(t *testing.T) {
	simulate(t, 3, func(s *sim) {
		s.mesh(2)
		a, b := s.nodes[0], s.nodes[1]
		if _, err := a.DialStream(s.t.Context(), b.cfg.ID, "raft"); !errors.Is(err, ErrUnreachable) {
			t.Errorf("a stream that nobody takes: %v", err)
		}
		l := b.StreamListener("raft")
		var from atomic.Value
		go func() {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			from.Store(conn.(*Stream).Peer)
			_, _ = io.Copy(conn, conn)
			_ = conn.Close()
		}()
		conn, err := a.DialStream(s.t.Context(), b.cfg.ID, "raft")
		if err != nil {
			t.Fatal(err)
		}
		_, _ = conn.Write([]byte("ping"))
		got := make([]byte, 4)
		if _, err := io.ReadFull(conn, got); err != nil || string(got) != "ping" {
			t.Errorf("%q, %v", got, err)
		}
		if from.Load() != a.cfg.ID {
			t.Errorf("the stream comes from %v", from.Load())
		}
		_ = conn.Close()
		_ = l.Close()
		if _, err := l.Accept(); err == nil {
			t.Error("a closed listener accepts")
		}
	})
}
