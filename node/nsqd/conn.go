package nsqd

import (
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// The states of a connection, by the numbers that /stats shows.
const (
	stateInit       = 0
	stateSubscribed = 3
	stateClosing    = 4
)

// conn is one client's connection.
type conn struct {
	server *Server
	number uint64
	raw    net.Conn
	since  time.Time
	state  atomic.Int32

	// The way in. Only the reader is here.
	in       io.Reader // raw, or what was negotiated on top of it
	waiter   *waiter   // nil where waiting needs a buffer
	s        *scratch  // nil while the connection is quiet
	r, w     int       // what has arrived and is not done yet is s.input[r:w]
	pending  pending
	to       *destination // of the last publish
	readFrom time.Time    // the deadline for reading counts from then
	secret   string       // of AUTH
	agreed   agreement

	// The way out.
	out       sync.Mutex
	outgoing  io.Writer     // raw, or what was negotiated on top of it
	flush     func() error  // of a compression; nil without
	over      bool          // nothing more is to be sent
	interval  time.Duration // of heartbeats; 0 is off. Changed by the reader only
	heartbeat *time.Timer
	writeFrom time.Time // the deadline for writing counts from then

	// Deliveries, after SUB.
	delivery
	failed func(i int, err error) // conn.refuse, made once

	mu sync.Mutex
	facts
}

func newConn(s *Server, number uint64, raw net.Conn) *conn {
	c := &conn{
		server: s, number: number, raw: raw,
		since:    time.Now(),
		in:       raw,
		waiter:   newWaiter(raw),
		outgoing: raw,
		interval: s.o.ClientTimeout / 2,
		agreed:   newAgreement(&s.o),
	}
	if c.waiter == nil {
		c.s = newScratch(ownBuffer)
	}
	c.clientID = remoteHost(raw)
	c.hostname = c.clientID
	return c
}

// String is the remote address, by which people tell connections apart.
func (c *conn) String() string { return c.raw.RemoteAddr().String() }

// remoteHost is empty for Unix sockets.
func remoteHost(c net.Conn) string {
	host, _, err := net.SplitHostPort(c.RemoteAddr().String())
	if err != nil {
		return ""
	}
	return host
}

// run serves the connection until it ends. It and all it calls on the way to waiting for input keep their frames small, lest
// quiet connections keep a bigger stack.
func (c *conn) run() {
	c.logStart()
	err := c.lastDeeds(c.converse())
	c.leave()
	c.lastWord(err)
	c.raw.Close()
	c.giveBack()
	c.logEnd(err)
}

func (c *conn) logStart() { c.server.o.Log.Debug("client connected", "client", c.raw.RemoteAddr()) }

func (c *conn) logEnd(err error) {
	log := c.server.o.Log.With("client", c.raw.RemoteAddr())
	var f *failure
	if errors.As(err, &f) {
		log.Info("client refused", "err", f, "cause", f.err)
	}
	log.Debug("client disconnected", "err", err)
}

// converse reads and does commands until there are no more, or one is fatal.
func (c *conn) converse() error {
	if err := c.magic(); err != nil {
		return err
	}
	c.beatEvery(c.interval)
	for {
		if err := c.command(); err != nil {
			return err
		}
	}
}

// command reads and does one command.
func (c *conn) command() error {
	line, err := c.line()
	if err != nil {
		return err
	}
	if err = c.do(line); err == nil {
		return nil // before anything that is on the heap
	}
	if f := (*failure)(nil); errors.As(err, &f) && survivable[f.code] {
		c.s.answers = appendFrame(c.s.answers, frameError, f.Error())
		return nil
	}
	return err
}

// do does one command. Publishes and FIN, REQ, TOUCH are gathered; all others find what was gathered done.
func (c *conn) do(line []byte) error {
	verb, p := splitVerb(line)
	if c.server.o.TLSRequired && c.tls == nil && string(verb) != "IDENTIFY" {
		return fail(invalid, "cannot %s in current state (TLS required)", verb)
	}
	switch string(verb) {
	case "FIN":
		return c.fin(p)
	case "REQ":
		return c.req(p)
	case "TOUCH":
		return c.touch(p)
	case "PUB":
		return c.pub(p)
	case "DPUB":
		return c.dpub(p)
	case "MPUB":
		return c.mpub(p)
	case "NOP":
		return nil
	}
	if err := c.act(); err != nil {
		return err
	}
	switch string(verb) {
	case "RDY":
		return c.rdy(p)
	case "SUB":
		return c.subscribe(p)
	case "CLS":
		return c.cls()
	case "IDENTIFY":
		return c.identify()
	case "AUTH":
		return c.authenticate(p)
	}
	return fail(invalid, "invalid command %s", verb)
}

// lastDeeds does what was asked for before the connection came to its end. What goes wrong with that came first.
func (c *conn) lastDeeds(end error) error {
	if err := c.act(); err != nil {
		return err
	}
	return end
}

// leave ends deliveries and heartbeats.
func (c *conn) leave() {
	c.beatEvery(0)
	if c.sub != nil {
		c.endDelivery()
	}
}

// lingering bounds how long, and how far, the input of a refused client is read on.
const (
	lingerTime  = time.Second
	lingerBytes = 8 << 20
)

// lastWord tells the client why, and gives it time to read that: closing a socket with unread input would reset the
// connection and could destroy the frame on its way.
func (c *conn) lastWord(end error) {
	var f *failure
	refused := errors.As(end, &f)
	if !refused && !errors.Is(end, errLineTooLong) {
		return
	}
	var frames []byte
	if c.s != nil {
		frames = c.s.answers
	}
	if refused {
		frames = appendFrame(frames, frameError, f.Error())
	}
	c.raw.SetWriteDeadline(time.Now().Add(lingerTime)) // that of the last heartbeat may have passed
	if c.sayLast(frames) == nil && c.closeWrite() {
		c.raw.SetReadDeadline(time.Now().Add(lingerTime))
		_, _ = io.CopyN(io.Discard, c.raw, lingerBytes)
	}
	if c.s != nil {
		c.s.answers = c.s.answers[:0]
	}
}

// closeWrite tells the client that nothing more will come, if the connection can say that.
func (c *conn) closeWrite() bool {
	if c.tls != nil {
		_ = c.tls.CloseWrite()
	}
	half, ok := c.raw.(interface{ CloseWrite() error })
	return ok && half.CloseWrite() == nil
}
