package queue

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// State is where a message of a channel is.
type State int

// The three places.
const (
	Waiting State = iota // in memory: looking reads no disk
	InFlight
	Deferred
)

// Peeked is a message that was looked at and stays where it is.
type Peeked struct {
	Message
	Consumer string        // to whom it is in flight, where the consumer has a name for itself (fmt.Stringer)
	Left     time.Duration // until it times out or is due
}

// Peek looks at up to n messages of a channel, those first that come first, and tells how many there are, and how many
// of the waiting ones are on disk.
func (c *Channel) Peek(state State, n int) (some []Peeked, total, onDisk int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	wall, steady := c.clock()
	switch state {
	case InFlight:
		return c.peekInFlight(n, steady), int64(c.inFlight.len()), 0
	case Deferred:
		return c.peekDeferred(n, wall), int64(c.deferred.len()), 0
	}
	total = c.depth()
	return peeked(c.memory.some(n, math.MaxInt)), total, max(total-int64(c.memory.len()), 0)
}

func (c *Channel) peekInFlight(n int, now int64) []Peeked {
	some := make([]Peeked, 0, c.inFlight.len())
	for i := range c.inFlight.slots {
		f := &c.inFlight.slots[i]
		if f.owner == nil {
			continue
		}
		p := Peeked{Message: f.message, Left: time.Duration(f.deadline - now)}
		if named, ok := f.owner.consumer.(fmt.Stringer); ok && len(some) < n {
			p.Consumer = named.String()
		}
		some = append(some, p)
	}
	slices.SortFunc(some, func(a, b Peeked) int { return int(a.Left - b.Left) })
	return some[:min(n, len(some))]
}

func (c *Channel) peekDeferred(n int, now int64) []Peeked {
	some := peeked(c.deferred.heap)
	for i := range some {
		some[i].Left = time.Duration(some[i].Due - now)
	}
	slices.SortFunc(some, func(a, b Peeked) int { return int(a.Left - b.Left) })
	return some[:min(n, len(some))]
}

func peeked(messages []Message) []Peeked {
	some := make([]Peeked, len(messages))
	for i := range messages {
		some[i].Message = messages[i]
	}
	return some
}

// Peek looks at up to n messages that wait in the topic itself.
func (t *Topic) Peek(n int) (some []Peeked, total, onDisk int64) {
	b := &t.backlog
	b.mu.Lock()
	some = peeked(b.batch[:min(n, len(b.batch))])
	some = append(some, peeked(b.memory.some(n-len(some), math.MaxInt))...)
	b.mu.Unlock()
	total, onDisk = b.depths()
	return some, total, onDisk
}
