package queue

import (
	"math"
	"sync"
)

// memory is a first-in first-out queue of messages. The messages stand by value in chunks that come from a pool and go
// back to it as they are read, so a queue in steady state allocates nothing and an empty one holds nothing.
// Its owner guards it.
type memory struct {
	bounds     *Options
	head, tail *chunk // read at head.read, write at tail.filled; both nil when empty
	count      int
	size       int64 // bytes of bodies
}

// chunk has 64 messages: 3 KB, so that the many queues with a message or two stay small.
type chunk struct {
	next         *chunk
	read, filled int
	messages     [64]Message
}

var chunks = sync.Pool{New: func() any { return new(chunk) }}

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
		if c == nil || c.filled == len(c.messages) {
			c = m.grow()
		}
		n := copy(c.messages[c.filled:], batch)
		c.filled += n
		batch = batch[n:]
	}
}

func (m *memory) grow() *chunk {
	c := chunks.Get().(*chunk)
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
			size := len(c.messages[c.read].Body)
			if size > space && space < maxBytes {
				left = 0
				break
			}
			space -= size
			m.size -= int64(size)
			c.read++
			left--
		}
		into = append(into, c.messages[from:c.read]...)
		m.count -= c.read - from
		clear(c.messages[from:c.read])
		if c.read == c.filled {
			m.shrink()
		}
	}
	return into
}

// shrink gives back the first chunk, which has been read. All its messages are clear.
func (m *memory) shrink() {
	c := m.head
	m.head = c.next
	if m.head == nil {
		m.tail = nil
	}
	c.next, c.read, c.filled = nil, 0, 0
	chunks.Put(c)
}

// drop forgets everything.
func (m *memory) drop() {
	for m.head != nil {
		clear(m.head.messages[m.head.read:m.head.filled])
		m.shrink()
	}
	m.count, m.size = 0, 0
}
