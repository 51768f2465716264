package queue

import (
	"errors"
	"fmt"
	"time"
)

// What a policy does not let in. The errors around them name the limit.
var (
	ErrFull    = errors.New("full")
	ErrTooLate = errors.New("deferred too long")
)

// Policy is what a topic and its channels are held to beyond the node's own options. Nothing of it is checked where a topic
// has none: that costs a look at a nil pointer under a lock that is held anyway.
type Policy struct {
	MaxAttempts uint16        // deliveries of a message on a channel; 0 is no limit
	DeadLetter  string        // topic that gets what was delivered so often; "" drops it
	MessageTTL  time.Duration // from publish to delivery; 0 is no limit
	MaxDepth    int64         // messages that wait in one channel, or in a topic without channels; 0 is no limit
	DropOldest  bool          // make room in a full queue rather than refuse a publish
	MaxDefer    time.Duration // of a publish or a requeue; 0 is no limit but MaxReqTimeout
}

// Enforce has every topic follow Options.Policy as it answers now.
func (b *Broker) Enforce() {
	for _, t := range b.Topics() {
		t.enforce(b.o.policy(t.name))
	}
}

func (o *Options) policy(topic string) *Policy {
	if o.Policy == nil {
		return nil
	}
	return o.Policy(topic)
}

func (t *Topic) enforce(p *Policy) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.policy = p
	for _, c := range t.list {
		c.enforce(p)
	}
}

func (c *Channel) enforce(p *Policy) {
	c.mu.Lock()
	defer c.unlock()
	c.policy = p
	c.mourn()
}

// allows refuses a batch that is deferred too long, or for which there is no room. Those who publish at the same moment do
// not count each other.
func (t *Topic) allows(batch []Message) error {
	p := t.policy
	if p.MaxDefer > 0 && anyDeferred(batch) {
		latest := time.Now().Add(p.MaxDefer).UnixNano()
		for i := range batch {
			if batch[i].Due > latest {
				return fmt.Errorf("%w: topic %s may defer a message by %v (max-defer)", ErrTooLate, t.name, p.MaxDefer)
			}
		}
	}
	if p.MaxDepth == 0 || p.DropOldest {
		return nil
	}
	n := int64(len(batch))
	if t.backlog.depth()+n > p.MaxDepth {
		return t.refuse(fmt.Sprintf("topic %s", t.name))
	}
	for _, c := range t.list {
		if c.Depth()+n > p.MaxDepth {
			return t.refuse(fmt.Sprintf("channel %s of topic %s", c.name, t.name))
		}
	}
	return nil
}

func (t *Topic) refuse(what string) error {
	t.refusals.Add(1)
	return fmt.Errorf("%w: %s may hold %d messages (max-depth)", ErrFull, what, t.policy.MaxDepth)
}

// Depth is how many messages wait in the channel, without those in flight and deferred.
func (c *Channel) Depth() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.depth()
}

func (p *Policy) drops() bool { return p != nil && p.DropOldest && p.MaxDepth > 0 }

// trim drops the oldest messages of a channel that holds too many: those in memory, which are older than those on disk.
func (c *Channel) trim() {
	c.mu.Lock()
	if !c.policy.drops() || c.exiting {
		c.mu.Unlock()
		return
	}
	excess := c.depth() - c.policy.MaxDepth
	n := min(max(excess, 0), int64(c.memory.len()))
	c.memory.skip(int(n))
	c.counts.overflows += uint64(n)
	c.unlock()
	for excess -= n; excess > 0; excess -= n {
		if n = c.disk.skip(excess); n == 0 {
			return
		}
		c.mu.Lock()
		c.counts.overflows += uint64(n)
		c.mu.Unlock()
	}
}

// keep drops the oldest of what waits in the topic itself beyond a number, and returns how many.
func (b *backlog) keep(most int64) (dropped uint64) {
	b.mu.Lock()
	defer b.unlock()
	excess := int64(b.memory.len()) + b.diskDepth() - most
	n := min(max(excess, 0), int64(b.memory.len()))
	b.memory.skip(int(n))
	dropped = uint64(n)
	for excess -= n; excess > 0; excess -= n {
		if n = b.disk.skip(excess); n == 0 {
			break
		}
		dropped += uint64(n)
	}
	return dropped
}

// skip drops up to n of the oldest messages and returns how many.
func (d *disk) skip(n int64) int64 {
	if d == nil {
		return 0
	}
	batch, err := d.take(nil, int(min(n, pullBatch)))
	if err != nil {
		d.o.Log.Error("make room in a full disk queue", "queue", d.files.name, "err", err)
	}
	return int64(len(batch))
}

// skip drops n messages, which there must be, from the front.
func (m *memory) skip(n int) {
	for n > 0 {
		c := m.head
		from := c.read
		c.read += min(n, c.filled-from)
		for i := from; i < c.read; i++ {
			m.size -= int64(len(c.block.messages[i].Body))
		}
		n -= c.read - from
		m.count -= c.read - from
		c.forget(from)
		if c.read == c.filled {
			m.shrink()
		}
	}
}

// Idle reports whether nothing is in the topic and its channels and nobody consumes from them, and how many messages it has
// ever got.
func (t *Topic) Idle() (messages uint64, idle bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.messages.Load(), t.idle()
}

func (t *Topic) idle() bool {
	if t.backlog.depth() > 0 {
		return false
	}
	for _, c := range t.list {
		if !c.idle() {
			return false
		}
	}
	return true
}

func (c *Channel) idle() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.consumers) == 0 && c.inFlight.len() == 0 && c.deferred.len() == 0 && c.depth() == 0
}

// DeleteIdle removes a topic if it is idle and has got no message since it had so many.
func (b *Broker) DeleteIdle(t *Topic, messages uint64) (bool, error) {
	if !t.stopIf(func() bool { return t.messages.Load() == messages && t.idle() }) {
		return false, nil
	}
	return true, b.drop(t)
}
