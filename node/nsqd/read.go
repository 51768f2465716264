package nsqd

import (
	"bytes"
	"encoding/binary"
	"io"
	"time"
)

const (
	magicV2 = "  V2"
	// maxLine is the longest command line with its end.
	maxLine = 16 << 10
	// emptyReads is how often in a row a compression may turn input into nothing.
	emptyReads = 1000
)

// magic reads the four bytes that a connection starts with. A client that doesn't get them out in time has nothing to say.
func (c *conn) magic() error {
	c.raw.SetReadDeadline(time.Now().Add(c.server.o.ClientTimeout))
	b, err := c.next(len(magicV2))
	if err != nil {
		return err
	}
	if string(b) != magicV2 {
		return fail(badProtocol, "")
	}
	return nil
}

// line returns the next command line without its end. It is valid until more is read.
func (c *conn) line() ([]byte, error) {
	for waited := false; ; waited = true {
		if c.s != nil {
			b := c.s.input[c.r:c.w]
			i := bytes.IndexByte(b, '\n')
			if i >= maxLine || i < 0 && len(b) >= maxLine {
				return nil, errLineTooLong
			}
			if i >= 0 {
				c.r += i + 1
				return bytes.TrimSuffix(b[:i], carriageReturn), nil
			}
		}
		if !waited {
			if err := c.rest(); err != nil {
				return nil, err
			}
		}
		if err := c.fill(); err != nil {
			return nil, err
		}
	}
}

var carriageReturn = []byte{'\r'}

// rest prepares for waiting between two commands: what was asked for is done and answered, and what is not needed
// while waiting is given back.
func (c *conn) rest() error {
	if err := c.settle(); err != nil {
		return err
	}
	c.renew()
	if c.r == c.w {
		c.giveBack()
	}
	return nil
}

// giveBack returns the scratch to the pool, where waiting needs none.
func (c *conn) giveBack() {
	if c.s != nil && c.waiter != nil {
		c.s.release()
		c.s, c.r, c.w = nil, 0, 0
	}
}

// next returns the next n bytes, no more than a buffer holds. They are valid until more is read.
func (c *conn) next(n int) ([]byte, error) {
	for c.s == nil || c.w-c.r < n {
		if err := c.fill(); err != nil {
			return nil, err
		}
	}
	c.r += n
	return c.s.input[c.r-n : c.r], nil
}

// size reads the size of what follows.
func (c *conn) size() (int32, error) {
	b, err := c.next(4)
	if err != nil {
		return 0, err
	}
	return int32(binary.BigEndian.Uint32(b)), nil
}

// fill waits for more input, with nothing left undone or unanswered.
func (c *conn) fill() (err error) {
	if err = c.settle(); err != nil {
		return err
	}
	if c.s == nil {
		c.r = 0
		c.s, c.w, err = c.waiter.wait()
		return err
	}
	c.w = copy(c.s.input, c.s.input[c.r:c.w])
	c.r = 0
	n, err := c.read(c.s.input[c.w:])
	c.w += n
	return err
}

// read reads at least one byte.
func (c *conn) read(b []byte) (int, error) {
	for range emptyReads {
		n, err := c.in.Read(b)
		if n > 0 {
			return n, nil
		}
		if err != nil {
			return 0, err
		}
	}
	return 0, io.ErrNoProgress
}
