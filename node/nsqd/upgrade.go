package nsqd

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/s2"
)

const (
	handshakeTime = 5 * time.Second
	// snappyBlock is the most that a chunk of the snappy framing format may hold.
	snappyBlock = 64 << 10
)

// upgrade sends the answers in the old form and goes over to TLS, to a compression, or to one inside the other. Each is
// greeted with an OK of its own. Nothing else may be sent meanwhile, so conn.out is held.
func (c *conn) upgrade(f *features) error {
	c.out.Lock()
	defer c.out.Unlock()
	if err := c.sendLocked(c.s.answers); err != nil {
		return err
	}
	c.s.answers = c.s.answers[:0]
	early := c.takeEarly()
	if f.TLS {
		if err := c.startTLS(early); err != nil {
			return err
		}
		early = nil
	}
	switch {
	case f.Snappy:
		return c.startSnappy(early)
	case f.Deflate:
		return c.startDeflate(early, f.DeflateLevel)
	}
	return nil
}

// takeEarly takes what the client sent before it knew the answer out of the buffer: it belongs to the new layer. The
// connection has its own, smaller buffer from here on, because nobody but the layer knows when there is input.
func (c *conn) takeEarly() []byte {
	early := bytes.Clone(c.s.input[c.r:c.w])
	c.r, c.w = 0, 0
	if c.waiter != nil {
		c.giveBack()
		c.waiter = nil
		c.s = newScratch(ownBuffer)
	}
	return early
}

// under is what a TLS layer reads and writes.
type under struct {
	net.Conn
	early []byte
}

func (u *under) Read(b []byte) (int, error) {
	if len(u.early) == 0 {
		return u.Conn.Read(b)
	}
	n := copy(b, u.early)
	u.early = u.early[n:]
	return n, nil
}

func (c *conn) startTLS(early []byte) error {
	t := tls.Server(&under{c.raw, early}, c.server.o.TLS)
	c.raw.SetDeadline(time.Now().Add(handshakeTime))
	err := t.HandshakeContext(c.server.ctx)
	c.noDeadlines()
	if err != nil {
		return err
	}
	c.in, c.outgoing = t, t
	c.mu.Lock()
	c.tls = t
	c.mu.Unlock()
	return c.sendLocked(okFrame)
}

func (c *conn) startSnappy(early []byte) error {
	w := s2.NewWriter(c.outgoing, s2.WriterSnappyCompat(), s2.WriterConcurrency(1), s2.WriterBlockSize(snappyBlock))
	c.in = s2.NewReader(after(early, c.in), s2.ReaderMaxBlockSize(snappyBlock), s2.ReaderAllocBlock(1<<10))
	c.outgoing, c.flush = w, w.Flush
	c.mu.Lock()
	c.snappy = true
	c.mu.Unlock()
	return c.sendLocked(okFrame)
}

func (c *conn) startDeflate(early []byte, level int) error {
	w, err := flate.NewWriter(c.outgoing, level)
	if err != nil {
		return fmt.Errorf("start deflate: %w", err)
	}
	c.in = flate.NewReader(after(early, c.in))
	c.outgoing, c.flush = w, w.Flush
	c.mu.Lock()
	c.deflate = true
	c.mu.Unlock()
	return c.sendLocked(okFrame)
}

// after reads early first.
func after(early []byte, r io.Reader) io.Reader {
	if len(early) == 0 {
		return r
	}
	return io.MultiReader(bytes.NewReader(early), r)
}

// commonName is that of the client's certificate, empty without one.
func commonName(t *tls.Conn) string {
	if certs := t.ConnectionState().PeerCertificates; len(certs) > 0 {
		return certs[0].Subject.CommonName
	}
	return ""
}
