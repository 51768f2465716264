package nsqd

import (
	"encoding/binary"
	"strings"

	"github.com/nsqmesh/nsqmesh/node/queue"
)

// mpub takes the messages by their own sizes. The size of the whole must be in range and means nothing else.
func (c *conn) mpub(p params) error {
	topic, ok := p.next()
	if !ok {
		return fail(invalid, "MPUB insufficient number of parameters")
	}
	to, err := c.destination("MPUB", topic)
	if err != nil {
		return err
	}
	if err := c.mayPublish("MPUB", to); err != nil {
		return err
	}
	if err := c.find("MPUB", to); err != nil {
		return err
	}
	size, err := c.size()
	if err != nil {
		return reading(err, badBody, "MPUB failed to read body size")
	}
	most := c.server.o.MaxBodySize
	if size <= 0 {
		return fail(badBody, "MPUB invalid body size %d", size)
	}
	if int64(size) > most {
		return fail(badBody, "MPUB body too big %d > %d", size, most)
	}
	if c.s.hasWhole(c.r, c.w, most, c.server.o.MaxMsgSize) {
		return c.mpubWhole(to)
	}
	return c.mpubPieces(to, int(size))
}

// mostMessages is how many fit in a body: each has a size and at least one byte.
func mostMessages(maxBodySize int64) int64 { return (maxBodySize - 4) / 5 }

// hasWhole tells whether input[r:w] begins with the number of messages and all of them, and nothing is wrong with them.
func (s *scratch) hasWhole(r, w int, maxBodySize, maxMsgSize int64) bool {
	b := s.input[r:w]
	if len(b) < 4 {
		return false
	}
	count := int64(int32(binary.BigEndian.Uint32(b)))
	if count <= 0 || count > mostMessages(maxBodySize) {
		return false
	}
	for b = b[4:]; count > 0; count-- {
		if len(b) < 4 {
			return false
		}
		n := int64(int32(binary.BigEndian.Uint32(b)))
		if n <= 0 || n > maxMsgSize || n > int64(len(b)-4) {
			return false
		}
		b = b[4+n:]
	}
	return true
}

// mpubWhole makes messages pending that are all in the buffer.
func (c *conn) mpubWhole(to *destination) error {
	if err := c.gather("MPUB", to); err != nil {
		return err
	}
	count, _ := c.size()
	for range count {
		n, _ := c.size()
		body, _ := c.next(int(n))
		c.s.append(queue.Message{}, body)
	}
	c.pending.commands++
	return nil
}

// mpubPieces reads messages that are still on their way. They become pending when all are there, because one that is wrong
// refuses them all.
func (c *conn) mpubPieces(to *destination, size int) error {
	if err := c.settle(); err != nil {
		return err
	}
	count, err := c.size()
	if err != nil {
		return reading(err, badBody, "MPUB failed to read message count")
	}
	if count <= 0 || int64(count) > mostMessages(c.server.o.MaxBodySize) {
		return fail(badBody, "MPUB invalid message count %d", count)
	}
	bodies := slab{left: size}
	for i := range count {
		body, err := c.mpubMessage(i, &bodies)
		if err != nil {
			return err
		}
		c.s.append(queue.Message{Body: body}, nil)
	}
	c.pending = pending{kind: publishing, to: to, verb: "MPUB", commands: 1}
	return nil
}

func (c *conn) mpubMessage(i int32, bodies *slab) (string, error) {
	n, err := c.size()
	if err != nil {
		return "", reading(err, badMessage, "MPUB failed to read message(%d) body size", i)
	}
	if n <= 0 {
		return "", fail(badMessage, "MPUB invalid message(%d) body size %d", i, n)
	}
	if most := c.server.o.MaxMsgSize; int64(n) > most {
		return "", fail(badMessage, "MPUB message too big %d > %d", n, most)
	}
	body, own, err := c.body(int(n))
	if err != nil {
		return "", reading(err, badMessage, "MPUB failed to read message body")
	}
	if own {
		return immutable(body), nil
	}
	return bodies.keep(body), nil
}

// slab copies bodies into few allocations, none of them bigger than what has arrived and one buffer.
type slab struct {
	chunk strings.Builder
	left  int // bytes that are said to come
}

func (s *slab) keep(body []byte) string {
	if s.chunk.Len()+len(body) > s.chunk.Cap() {
		s.chunk = strings.Builder{}
		s.chunk.Grow(max(len(body), min(s.left, busyBuffer)))
	}
	s.left -= len(body)
	start := s.chunk.Len()
	s.chunk.Write(body)
	return s.chunk.String()[start:]
}
