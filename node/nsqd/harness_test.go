package nsqd

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nsqmesh/nsqmesh/node/queue"
)

// realBroker is a queue.Broker as a node would hand it to a Server.
type realBroker struct{ *queue.Broker }

func (b realBroker) Channel(topic, channel string) (*queue.Channel, error) {
	t, err := b.Topic(topic)
	if err != nil {
		return nil, err
	}
	return t.Channel(channel)
}

func testOptions() Options {
	o := Defaults()
	o.Version = "1.2.3-test"
	o.Log = slog.New(slog.DiscardHandler)
	return o
}

func testQueueOptions(dir string) queue.Options {
	return queue.Options{
		DataPath: dir, MemQueueSize: 10000, MaxBytesPerFile: 100 << 20, SyncEvery: 2500, SyncTimeout: 2 * time.Second,
		MaxMsgSize: 1 << 20, MsgTimeout: time.Minute, MaxMsgTimeout: 15 * time.Minute, MaxReqTimeout: time.Hour,
	}
}

// harness is a Server over a real queue.Broker. Its clients come in over pipes, or over loopback.
type harness struct {
	t      testing.TB
	broker *queue.Broker
	server *Server
	o      Options
	close  func() // once
	serve  sync.WaitGroup
}

func newHarness(t testing.TB, o Options, more ...func(*queue.Options)) *harness {
	t.Helper()
	q := testQueueOptions(t.TempDir())
	for _, f := range more {
		f(&q)
	}
	broker := queue.New(q)
	if err := broker.Load(); err != nil {
		t.Fatal(err)
	}
	h := &harness{t: t, broker: broker, server: New(o, realBroker{broker}), o: o}
	h.close = sync.OnceFunc(func() {
		h.server.Close()
		h.serve.Wait()
		if err := broker.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(h.close)
	return h
}

// inBubble runs a test in a synctest bubble, with a Server that clients reach over pipes.
func inBubble(t *testing.T, o Options, test func(t *testing.T, h *harness), more ...func(*queue.Options)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, o, more...)
		defer h.close()
		test(t, h)
	})
}

// listen serves a listener until the harness closes.
func (h *harness) listen(network, address string) net.Listener {
	h.t.Helper()
	l, err := net.Listen(network, address)
	if err != nil {
		h.t.Fatal(err)
	}
	h.serve.Go(func() {
		if err := h.server.Serve(l); err != nil {
			h.t.Error(err)
		}
	})
	return l
}

// pipe returns the client's end of a new connection over a pipe.
func (h *harness) pipe() net.Conn {
	ours, theirs := net.Pipe()
	h.server.start(theirs)
	return newWire(ours)
}

// open connects over a pipe and sends the magic.
func (h *harness) open() *client {
	c := newClient(h.t, h.pipe())
	c.send("  V2")
	return c
}

// dial connects over loopback and sends the magic.
func (h *harness) dial(l net.Listener) *client {
	c := h.dialRaw(l)
	c.send("  V2")
	return c
}

func (h *harness) dialRaw(l net.Listener) *client {
	h.t.Helper()
	conn, err := net.Dial(l.Addr().Network(), l.Addr().String())
	if err != nil {
		h.t.Fatal(err)
	}
	return newClient(h.t, conn)
}

// wire gives a pipe the buffers of a socket: neither end waits for the other.
type wire struct {
	net.Conn
	in, out chan []byte
	rest    []byte
}

func newWire(c net.Conn) *wire {
	w := &wire{Conn: c, in: make(chan []byte, 4096), out: make(chan []byte, 4096)}
	go func() {
		defer close(w.in)
		for {
			b := make([]byte, 64<<10)
			n, err := c.Read(b)
			if err != nil {
				return
			}
			w.in <- b[:n]
		}
	}()
	go func() {
		for b := range w.out {
			if _, err := c.Write(b); err != nil {
				for range w.out { // what nobody reads is lost, as in a socket's buffer
				}
			}
		}
	}()
	return w
}

func (w *wire) Read(b []byte) (int, error) {
	if len(w.rest) == 0 {
		var ok bool
		if w.rest, ok = <-w.in; !ok {
			return 0, io.EOF
		}
	}
	n := copy(b, w.rest)
	w.rest = w.rest[n:]
	return n, nil
}

func (w *wire) Write(b []byte) (int, error) {
	w.out <- bytes.Clone(b)
	return len(b), nil
}

func (w *wire) Close() error {
	close(w.out)
	return w.Conn.Close()
}

// client speaks the protocol from the other side.
type client struct {
	t    testing.TB
	conn net.Conn
	in   io.Reader
	out  io.Writer
	shut func()
}

func newClient(t testing.TB, conn net.Conn) *client {
	c := &client{t: t, conn: conn, in: conn, out: conn}
	c.shut = sync.OnceFunc(func() { conn.Close() })
	t.Cleanup(c.shut)
	return c
}

func (c *client) close() { c.shut() }

// send writes its parts in one piece.
func (c *client) send(parts ...string) {
	c.t.Helper()
	if _, err := c.out.Write([]byte(strings.Join(parts, ""))); err != nil {
		c.t.Fatalf("send: %v", err)
	}
}

// sized is a body behind its size.
func sized(body string) string { return int32Bytes(len(body)) + body }

func int32Bytes(n int) string { return string(binary.BigEndian.AppendUint32(nil, uint32(n))) }

func mpubBody(bodies ...string) string {
	var b strings.Builder
	b.WriteString(int32Bytes(len(bodies)))
	for _, body := range bodies {
		b.WriteString(sized(body))
	}
	return sized(b.String())
}

// frame reads the next frame.
func (c *client) frame() (kind uint32, data string, err error) {
	var head [8]byte
	if n, err := io.ReadFull(c.in, head[:]); n == 0 && err != nil {
		return 0, "", io.EOF // a deflate stream calls every end unexpected
	} else if err != nil {
		return 0, "", err
	}
	b := make([]byte, binary.BigEndian.Uint32(head[:])-4)
	_, err = io.ReadFull(c.in, b)
	return binary.BigEndian.Uint32(head[4:]), string(b), err
}

// expect reads frames and compares them, written as "response OK", "error E_...", or "message #1 body".
func (c *client) expect(frames ...string) {
	c.t.Helper()
	for _, want := range frames {
		kind, data, err := c.frame()
		if err != nil {
			c.t.Fatalf("got %v, want %s", err, short(want))
		}
		if got := show(kind, data); got != want {
			c.t.Fatalf("got %s, want %s", short(got), short(want))
		}
	}
}

func short(s string) string {
	if len(s) > 200 {
		return fmt.Sprintf("%s... (%d bytes)", s[:200], len(s))
	}
	return s
}

func show(kind uint32, data string) string {
	switch kind {
	case frameResponse:
		return "response " + data
	case frameError:
		return "error " + data
	case frameMessage:
		m := parseMessage(data)
		return fmt.Sprintf("message #%d %s", m.attempts, m.body)
	}
	return fmt.Sprintf("frame %d %s", kind, data)
}

type message struct {
	timestamp int64
	attempts  uint16
	id, body  string
}

func parseMessage(data string) message {
	return message{
		timestamp: int64(binary.BigEndian.Uint64([]byte(data))),
		attempts:  binary.BigEndian.Uint16([]byte(data[8:])),
		id:        data[10:26],
		body:      data[26:],
	}
}

// message reads a message frame.
func (c *client) message() message {
	c.t.Helper()
	kind, data, err := c.frame()
	if err != nil || kind != frameMessage {
		c.t.Fatalf("got %s, %v, want a message", show(kind, data), err)
	}
	return parseMessage(data)
}

// ends expects that the server has nothing more to say.
func (c *client) ends() {
	c.t.Helper()
	kind, data, err := c.frame()
	if err == nil {
		c.t.Fatalf("got %s, want the end of the connection", show(kind, data))
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		c.t.Fatalf("the connection ended within a frame")
	}
}

// identify negotiates and returns the answer.
func (c *client) identify(body string) string {
	c.t.Helper()
	c.send("IDENTIFY\n", sized(body))
	kind, data, err := c.frame()
	if err != nil || kind != frameResponse {
		c.t.Fatalf("IDENTIFY got %s, %v", show(kind, data), err)
	}
	return data
}

// waitFor polls, in a bubble without real time passing.
func waitFor(t testing.TB, met func() bool) {
	t.Helper()
	for range 3000 {
		if met() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("not within half a minute")
}
