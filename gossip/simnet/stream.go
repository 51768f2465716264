package simnet

import (
	"errors"
	"io"
	"net"
	"sync"
	"syscall"
	"time"
)

// window is how much a stream takes before its reader has read it.
const window = 256 << 10

// conn is one end of a stream.
type conn struct {
	in, out       *half
	local, remote net.Addr
	closing       sync.Once
}

func newStream(a *Host, aPort int, b *Host, bPort int) (*conn, *conn) {
	ab, ba := newHalf(a, b), newHalf(b, a)
	addrA, addrB := tcpAddr(a, aPort), tcpAddr(b, bPort)
	return &conn{in: ba, out: ab, local: addrA, remote: addrB}, &conn{in: ab, out: ba, local: addrB, remote: addrA}
}

func (c *conn) Read(b []byte) (int, error)  { return c.in.read(b) }
func (c *conn) Write(b []byte) (int, error) { return c.out.write(b) }

// Close ends what this end sends, after what was sent before, and breaks what it would receive.
func (c *conn) Close() error {
	c.closing.Do(func() {
		c.out.finish()
		c.in.abandon()
	})
	return nil
}

func (c *conn) LocalAddr() net.Addr  { return c.local }
func (c *conn) RemoteAddr() net.Addr { return c.remote }

func (c *conn) SetDeadline(t time.Time) error {
	c.in.readDeadline.set(t)
	c.out.writeDeadline.set(t)
	return nil
}

func (c *conn) SetReadDeadline(t time.Time) error  { c.in.readDeadline.set(t); return nil }
func (c *conn) SetWriteDeadline(t time.Time) error { c.out.writeDeadline.set(t); return nil }

type segment struct {
	data  []byte
	ready time.Time
	end   error // instead of data
}

// half is one direction of a stream.
type half struct {
	from, to                    *Host
	readDeadline, writeDeadline deadline

	mu       sync.Mutex
	segments []segment
	buffered int
	ready    time.Time     // of the latest segment: nothing overtakes it
	written  bool          // nothing more will be written
	closed   error         // what the reader gets, at once
	broken   error         // what the writer gets
	wake     chan struct{} // closed, and made anew, when anything here changes
}

func newHalf(from, to *Host) *half {
	h := &half{from: from, to: to, wake: make(chan struct{})}
	from.net.mu.Lock()
	defer from.net.mu.Unlock()
	from.net.halves[h] = struct{}{}
	return h
}

func (h *half) kick() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.wakeLocked()
}

func (h *half) wakeLocked() {
	close(h.wake)
	h.wake = make(chan struct{})
}

func (h *half) write(b []byte) (int, error) {
	sent := 0
	for {
		delay := h.from.net.streamDelay()
		h.mu.Lock()
		switch {
		case h.broken != nil:
			h.mu.Unlock()
			return sent, h.opError("write", h.broken)
		case h.written:
			h.mu.Unlock()
			return sent, h.opError("write", net.ErrClosed)
		}
		if n := min(len(b)-sent, window-h.buffered); n > 0 {
			h.append(segment{data: append([]byte(nil), b[sent:sent+n]...)}, delay)
			sent += n
			h.from.streamBytesOut.Add(uint64(n))
		}
		wake := h.wake
		h.mu.Unlock()
		if sent == len(b) {
			return sent, nil
		}
		select {
		case <-wake:
		case <-h.writeDeadline.wait():
			return sent, h.opError("write", timeoutError{})
		}
	}
}

// append queues a segment behind the others. Called with the lock held.
func (h *half) append(s segment, delay time.Duration) {
	s.ready = time.Now().Add(delay)
	if s.ready.Before(h.ready) {
		s.ready = h.ready
	}
	h.ready = s.ready
	h.buffered += len(s.data)
	h.segments = append(h.segments, s)
	h.wakeLocked()
}

func (h *half) read(b []byte) (int, error) {
	for {
		blocked := h.from.net.blocked(h.from, h.to)
		n, wait, err := h.take(b, blocked)
		if n > 0 || err != nil || len(b) == 0 {
			return n, err
		}
		var ready <-chan time.Time
		var timer *time.Timer
		if wait.in > 0 {
			timer = time.NewTimer(wait.in)
			ready = timer.C
		}
		select {
		case <-wait.wake:
		case <-ready:
		case <-h.readDeadline.wait():
			err = h.opError("read", timeoutError{})
		}
		if timer != nil {
			timer.Stop()
		}
		if err != nil {
			return 0, err
		}
	}
}

type waiting struct {
	wake <-chan struct{}
	in   time.Duration // 0: only wake tells
}

// take returns what can be read now, or what to wait for.
func (h *half) take(b []byte, blocked bool) (int, waiting, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed != nil {
		return 0, waiting{}, h.opError("read", h.closed)
	}
	if h.readDeadline.passed() {
		return 0, waiting{}, h.opError("read", timeoutError{})
	}
	if len(h.segments) == 0 || blocked {
		return 0, waiting{wake: h.wake}, nil
	}
	s := &h.segments[0]
	if in := time.Until(s.ready); in > 0 {
		return 0, waiting{wake: h.wake, in: in}, nil
	}
	if s.end != nil {
		if errors.Is(s.end, io.EOF) {
			return 0, waiting{}, io.EOF
		}
		return 0, waiting{}, h.opError("read", s.end)
	}
	n := copy(b, s.data)
	s.data = s.data[n:]
	h.buffered -= n
	if len(s.data) == 0 {
		h.segments = h.segments[1:]
	}
	h.wakeLocked()
	return n, waiting{}, nil
}

// finish is the writer's close.
func (h *half) finish() {
	delay := h.from.net.streamDelay()
	h.mu.Lock()
	if !h.written {
		h.written = true
		h.append(segment{end: io.EOF}, delay)
	}
	h.mu.Unlock()
	h.forget()
}

// abandon is the reader's close: its reads end, and what the writer still writes is refused, unless the reader's host
// is down and tells nobody.
func (h *half) abandon() {
	h.from.net.mu.Lock()
	down := h.to.dead
	h.from.net.mu.Unlock()
	h.mu.Lock()
	h.closed = net.ErrClosed
	if h.broken == nil && !down {
		h.broken = syscall.EPIPE
	}
	h.wakeLocked()
	h.mu.Unlock()
	h.forget()
}

// reset ends the direction because one of its hosts has crashed: that host's side at once, the other side when it hears
// of it. Called with the network's lock held.
func (h *half) reset(crashed *Host) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if crashed == h.to {
		h.closed = net.ErrClosed
		if !h.from.net.isBlocked(h.from, h.to) {
			h.broken = syscall.ECONNRESET
		}
	} else {
		h.written = true
		h.segments = nil
		h.ready = time.Time{}
		h.append(segment{end: syscall.ECONNRESET}, h.from.net.latency)
	}
	h.wakeLocked()
}

// forget drops a direction from the network once both ends are done with it.
func (h *half) forget() {
	h.mu.Lock()
	over := h.closed != nil
	h.mu.Unlock()
	if !over {
		return
	}
	h.from.net.mu.Lock()
	defer h.from.net.mu.Unlock()
	delete(h.from.net.halves, h)
}

// opError keeps err itself as the inner error: net.OpError asks it whether it is a timeout.
func (h *half) opError(op string, err error) error {
	return &net.OpError{Op: op, Net: "tcp", Source: tcpAddr(h.from, 0), Addr: tcpAddr(h.to, 0), Err: err}
}
