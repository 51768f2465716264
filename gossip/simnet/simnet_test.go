package simnet

import (
	"context"
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

type pair struct {
	net            *Network
	a, b           *Host
	client, server net.Conn
}

func connectPair(t *testing.T) pair {
	t.Helper()
	n := New(1)
	p := pair{net: n, a: n.Host("10.0.0.1"), b: n.Host("10.0.0.2")}
	l, err := p.b.Listen("10.0.0.2:80")
	if err != nil {
		t.Fatal(err)
	}
	if p.client, err = p.a.Dial(t.Context(), "10.0.0.2:80"); err != nil {
		t.Fatal(err)
	}
	if p.server, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestStreams(t *testing.T) {
	tests := map[string]func(*testing.T, pair){
		"carry bytes and end with what was written before": func(t *testing.T, p pair) {
			go func() {
				_, _ = p.client.Write([]byte("hello "))
				_, _ = p.client.Write([]byte("world"))
				_ = p.client.Close()
			}()
			if got, err := io.ReadAll(p.server); string(got) != "hello world" || err != nil {
				t.Fatalf("got %q, %v", got, err)
			}
			if _, err := p.server.Write([]byte("x")); !errors.Is(err, syscall.EPIPE) {
				t.Fatalf("write to a closed end: %v", err)
			}
		},
		"block a writer whose reader does not read": func(t *testing.T, p pair) {
			_ = p.client.SetWriteDeadline(time.Now().Add(time.Second))
			n, err := p.client.Write(make([]byte, 2*window))
			var timeout net.Error
			if n != window || !errors.As(err, &timeout) || !timeout.Timeout() {
				t.Fatalf("wrote %d, %v", n, err)
			}
		},
		"carry much more than the window": func(t *testing.T, p pair) {
			go func() { _, _ = p.client.Write(make([]byte, 10*window)); _ = p.client.Close() }()
			if got, err := io.ReadAll(p.server); len(got) != 10*window || err != nil {
				t.Fatalf("got %d bytes, %v", len(got), err)
			}
		},
		"wait for a cut to heal, and lose nothing": func(t *testing.T, p pair) {
			p.net.Cut(p.a, p.b)
			_, _ = p.client.Write([]byte("x"))
			_ = p.server.SetReadDeadline(time.Now().Add(time.Minute))
			if _, err := p.server.Read(make([]byte, 1)); err == nil {
				t.Fatal("read through a cut")
			}
			p.net.Heal()
			_ = p.server.SetReadDeadline(time.Time{})
			if _, err := p.server.Read(make([]byte, 1)); err != nil {
				t.Fatal(err)
			}
		},
		"are reset when a host crashes": func(t *testing.T, p pair) {
			p.b.Crash()
			if _, err := p.client.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
				t.Fatalf("read: %v", err)
			}
			if _, err := p.a.Dial(t.Context(), "10.0.0.2:80"); !errors.Is(err, syscall.ECONNREFUSED) {
				t.Fatalf("dial: %v", err)
			}
			if _, err := p.server.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
				t.Fatalf("read on the crashed host: %v", err)
			}
		},
		"stay silent when the power fails": func(t *testing.T, p pair) {
			p.b.PowerOff()
			_ = p.client.SetReadDeadline(time.Now().Add(time.Hour))
			if _, err := p.client.Read(make([]byte, 1)); errors.Is(err, syscall.ECONNRESET) {
				t.Fatalf("read: %v", err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			var timeout net.Error
			if _, err := p.a.Dial(ctx, "10.0.0.2:80"); !errors.As(err, &timeout) || !timeout.Timeout() {
				t.Fatalf("dial: %v", err)
			}
			p.b.PowerOn()
			_ = p.client.SetReadDeadline(time.Time{})
			if _, err := p.client.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
				t.Fatalf("read after the power came back: %v", err)
			}
		},
	}
	for name, f := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { f(t, connectPair(t)) })
		})
	}
}

func TestPacketsObeyTheConditions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New(7)
		a, b := n.Host("10.0.0.1"), n.Host("10.0.0.2")
		from, _ := a.ListenPacket("10.0.0.1:1")
		to, err := b.ListenPacket("0.0.0.0:1")
		if err != nil {
			t.Fatal(err)
		}
		count := func() (got int) {
			for range 1000 {
				_, _ = from.WriteTo([]byte("x"), to.LocalAddr())
			}
			for {
				_ = to.SetReadDeadline(time.Now().Add(time.Second))
				if _, _, err := to.ReadFrom(make([]byte, 10)); err != nil {
					return got
				}
				got++
			}
		}
		if got := count(); got != 1000 {
			t.Errorf("without loss %d of 1000 arrived", got)
		}
		n.SetLoss(100)
		if got := count(); got < 850 || got > 950 {
			t.Errorf("with a loss of a tenth %d of 1000 arrived", got)
		}
		n.SetLoss(0)
		n.Cut(b, a)
		if got := count(); got != 1000 {
			t.Errorf("with the other direction cut %d of 1000 arrived", got)
		}
		n.Cut(a, b)
		if got := count(); got != 0 {
			t.Errorf("through a cut %d of 1000 arrived", got)
		}
		if sent := a.Traffic(); sent.Packets != 4000 || sent.PacketBytes != 4000 {
			t.Errorf("traffic %+v", sent)
		}
	})
}
