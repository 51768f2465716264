package nsqd

import "unsafe"

const (
	// bigBody is where a body that hasn't arrived as a whole is read into its own allocation, past the buffer.
	bigBody = ownBuffer
	// firstPart is allocated for such a body at once; the rest follows as bytes arrive, so that announcing megabytes
	// costs the client about what it costs us.
	firstPart = 64 << 10
	growth    = 4
)

// body reads n bytes. If they are the caller's own, nobody else will ever write to them; otherwise they are valid until more
// is read.
func (c *conn) body(n int) (b []byte, own bool, err error) {
	if n <= bigBody || n <= c.w-c.r {
		b, err = c.next(n)
		return b, false, err
	}
	b, err = c.big(n)
	return b, true, err
}

func (c *conn) big(n int) ([]byte, error) {
	b := make([]byte, c.w-c.r, min(n, max(firstPart, c.w-c.r)))
	copy(b, c.s.input[c.r:c.w])
	c.r = c.w
	if err := c.settle(); err != nil {
		return nil, err
	}
	for len(b) < n {
		if len(b) == cap(b) {
			b = append(make([]byte, 0, min(n, growth*cap(b))), b...)
		}
		m, err := c.read(b[len(b):cap(b)])
		if err != nil {
			return nil, err
		}
		b = b[:len(b)+m]
	}
	return b, nil
}

// immutable makes a string of bytes that nobody writes to any more. A message's body is a string, because all channels and
// consumers share it; one that was read from the network into its own allocation need not be copied for that.
func immutable(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// bytesOf lets a string be written to the network without a copy. The result must not be changed.
func bytesOf(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }
