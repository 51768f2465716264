package queue

import (
	"math"
	"sync"
)

// memory is a first-in first-out queue of messages. The messages stand by value in blocks that come from a pool and go
// back to it as they are read, so a queue in steady state allocates nothing and an empty one holds nothing.
// Its owner guards it; blocks that it shares with other queues are only read.
type memory struct {
	bounds     *Options
	head, tail *chunk // read at head.read, write at tail.filled; both nil when empty
	count      int
	size       int64 // bytes of bodies
}

// chunk is what one queue has of a block, and how far it has read.
type chunk struct {
	next         *chunk
	block        *block
	read, filled int
	shared       bool
}

// block has 64 messages: 3 KB, so that the many queues with a message or two stay small. See share for those of several queues.
type block struct {
	messages [64]Message
	sharing
}

// chunks come with a block of their own, in one allocation.
var chunks = sync.Pool{New: func() any {
	c := new(struct {
		chunk
		own block
	})
	c.block = &c.own
	return &c.chunk
}}

func (m *memory) init(bounds *Options) { m.bounds = bounds }

func (m *memory) len() int { return m.count }

func (m *memory) bytes() int64 { return m.size }

// fit returns how many messages from the front of batch still fit within the bounds of memory.
func (m *memory) fit(batch []Message) int {
	o := m.bounds
	n := min(len(batch), int(max(o.MemQueueSize-int64(m.count), 0)))
	if o.MemQueueBytes <= 0 {
		return n
	}
	size := m.size
	for i := range n {
		size += int64(len(batch[i].Body))
		if size > o.MemQueueBytes {
			return i
		}
	}
	return n
}

// push appends a batch, whatever the bounds say.
func (m *memory) push(batch []Message) {
	for i := range batch {
		m.size += int64(len(batch[i].Body))
	}
	m.count += len(batch)
	for len(batch) > 0 {
		c := m.tail
		if c == nil || c.shared || c.filled == len(c.block.messages) {
			c = m.grow(chunks.Get().(*chunk))
		}
		n := copy(c.block.messages[c.filled:], batch)
		c.filled += n
		batch = batch[n:]
	}
}

func (m *memory) grow(c *chunk) *chunk {
	if m.tail == nil {
		m.head = c
	} else {
		m.tail.next = c
	}
	m.tail = c
	return c
}

// take moves up to n messages from the front to the end of into.
func (m *memory) take(into []Message, n int) []Message { return m.takeWithin(into, n, math.MaxInt) }

// takeWithin is take with a bound on the bytes of bodies, except for a first message that is larger alone.
func (m *memory) takeWithin(into []Message, n, maxBytes int) []Message {
	left := min(n, m.count)
	for space := maxBytes; left > 0; {
		c := m.head
		from := c.read
		for c.read < c.filled && left > 0 {
			size := len(c.block.messages[c.read].Body)
			if size > space && space < maxBytes {
				left = 0
				break
			}
			space -= size
			m.size -= int64(size)
			c.read++
			left--
		}
		into = append(into, c.block.messages[from:c.read]...)
		m.count -= c.read - from
		c.forget(from)
		if c.read == c.filled {
			m.shrink()
		}
	}
	return into
}

// forget lets go of the bodies of what has been read since from, unless others still want them.
func (c *chunk) forget(from int) {
	if !c.shared {
		clear(c.block.messages[from:c.read])
	}
}

// shrink gives back the first chunk, which has been read.
func (m *memory) shrink() {
	c := m.head
	m.head = c.next
	if m.head == nil {
		m.tail = nil
	}
	if c.shared {
		c.block.release()
		*c = chunk{}
		sharedChunks.Put(c)
		return
	}
	c.next, c.read, c.filled = nil, 0, 0
	chunks.Put(c)
}

// drop forgets everything.
func (m *memory) drop() {
	for m.head != nil {
		c := m.head
		from := c.read
		c.read = c.filled
		c.forget(from)
		m.shrink()
	}
	m.count, m.size = 0, 0
}
