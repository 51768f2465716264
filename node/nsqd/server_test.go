package nsqd

import (
	"errors"
	"net"
	"runtime"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// TestCloseLeavesNothing closes a server with connections in all their states; in a bubble no goroutine may be left.
func TestCloseLeavesNothing(t *testing.T) {
	inBubble(t, testOptions(), func(t *testing.T, h *harness) {
		silent := newClient(t, h.pipe())
		halfMagic := newClient(t, h.pipe())
		halfMagic.send("  V")
		halfBody := h.open()
		halfBody.send("PUB t\n", int32Bytes(10), "abc")
		consumer := h.open()
		consumer.send("SUB t c\nRDY 1\n")
		consumer.expect("response OK")
		synctest.Wait()
		h.server.Close()
		for _, c := range []*client{silent, halfMagic, consumer} {
			c.ends()
		}
		if n := len(h.server.Clients()); n != 0 {
			t.Errorf("%d clients are left", n)
		}
		late := newClient(t, h.pipe())
		late.ends()
	})
}

func TestCloseEndsSockets(t *testing.T) {
	h := newHarness(t, testOptions())
	l := h.listen("tcp", "127.0.0.1:0")
	var clients []*client
	for range 10 {
		c := h.dial(l)
		c.send("SUB t c\nRDY 1\n")
		c.expect("response OK")
		clients = append(clients, c, h.dialRaw(l))
	}
	h.close()
	for _, c := range clients {
		c.ends()
	}
	if conn, err := net.Dial("tcp", l.Addr().String()); err == nil {
		conn.Close()
		t.Error("the listener still accepts")
	}
	if err := h.server.Serve(l); err != nil && !errors.Is(err, net.ErrClosed) {
		t.Errorf("serving after Close: %v", err)
	}
}

// moody is a listener that fails in given ways before it is closed.
type moody struct {
	errs      []error
	recovered chan struct{} // closed when all errors are over
	closed    chan struct{}
}

func newMoody(errs ...error) *moody {
	return &moody{errs: errs, recovered: make(chan struct{}), closed: make(chan struct{})}
}

func (m *moody) Accept() (net.Conn, error) {
	if len(m.errs) > 0 {
		err := m.errs[0]
		m.errs = m.errs[1:]
		return nil, &net.OpError{Op: "accept", Err: err}
	}
	close(m.recovered)
	<-m.closed
	return nil, net.ErrClosed
}

func (m *moody) Close() error   { close(m.closed); return nil }
func (m *moody) Addr() net.Addr { return &net.UnixAddr{Name: "moody"} }

func TestAcceptErrors(t *testing.T) {
	t.Run("what passes is waited for", func(t *testing.T) {
		inBubble(t, testOptions(), func(t *testing.T, h *harness) {
			l := newMoody(syscall.EMFILE, syscall.EMFILE, syscall.ECONNABORTED)
			start := time.Now()
			h.serve.Go(func() {
				if err := h.server.Serve(l); err != nil {
					t.Error(err)
				}
			})
			<-l.recovered
			if got := time.Since(start); got != 35*time.Millisecond {
				t.Errorf("got over it after %v", got)
			}
		})
	})
	t.Run("anything else ends serving", func(t *testing.T) {
		h := newHarness(t, testOptions())
		l := newMoody(syscall.EBADF)
		if err := h.server.Serve(l); !errors.Is(err, syscall.EBADF) {
			t.Errorf("got %v", err)
		}
	})
}

// TestIdleConsumersAreCheap measures what a consumer that waits costs, the queue's part, both stacks, and even the
// client's end of the connection included.
func TestIdleConsumersAreCheap(t *testing.T) {
	if testing.Short() || raceEnabled {
		t.Skip("measures memory")
	}
	const consumers = 500
	h := newHarness(t, testOptions())
	l := h.listen("tcp", "127.0.0.1:0")
	before, goroutines := inUse(), runtime.NumGoroutine()
	conns := make([]net.Conn, consumers)
	for i := range conns {
		conn, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conns[i] = conn
	}
	ok := make([]byte, len(okFrame))
	for _, conn := range conns {
		if _, err := conn.Write([]byte("  V2IDENTIFY\n" + sized(`{"client_id":"c"}`) + "SUB t c\nRDY 1\n")); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if _, err := conn.Read(ok); err != nil {
				t.Fatal(err)
			}
		}
	}
	time.Sleep(100 * time.Millisecond)
	each := (inUse() - before) / consumers
	if n := runtime.NumGoroutine() - goroutines; n > consumers {
		t.Errorf("%d goroutines for %d idle consumers, want one each", n, consumers)
	}
	t.Logf("%d bytes each", each)
	if each > 8<<10 {
		t.Errorf("an idle consumer costs %d bytes", each)
	}
}

func inUse() int {
	for range 3 {
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapInuse + m.StackInuse)
}
