package nsqd

import (
	"math"
	"sync"
	"sync/atomic"
)

// Who delivers. A consumer has a second goroutine for it only as long as there is something to deliver now and then, and
// its reader does most of the work:
//
//   - A FIN makes room, so the channel wakes the consumer that sent it. To wake another goroutine for that costs more than
//     to deliver. While the reader is at a FIN, REQ or TOUCH (attending), wake-ups are left to it (owed), and it delivers
//     right after. What is more than a few batches goes to the second goroutine all the same, since the client must be
//     read on. BenchmarkConsume, RDY 1 and 100: a fifth and a quarter less CPU a message, client included.
//   - The second goroutine starts with the first wake-up that comes from elsewhere, and ends when it had nothing to do for
//     two heartbeats. BenchmarkIdleConsumers: 2.5 KB less for each.
//
// The plain twin is a goroutine for ever that every Wake signals.
type delivery struct {
	attending, owed atomic.Bool
	beats           atomic.Int32 // heartbeats since the last delivery

	wake chan struct{} // one slot

	waking  sync.Mutex // guards what follows, and sending to wake
	running bool       // the second goroutine exists
	gone    bool       // nothing will be delivered any more
}

const (
	// readerBatches is how often the reader takes messages before it reads on.
	readerBatches = 2
	// restAfter is how many heartbeats without a delivery end the second goroutine.
	restAfter = 2
)

// Wake has messages delivered. Several calls may be one.
func (c *conn) Wake() {
	if c.attending.Load() {
		c.owed.Store(true)
		if c.attending.Load() || !c.owed.Swap(false) {
			return // the reader is there to see it, or saw it
		}
	}
	c.signal()
}

// signal wakes the second goroutine, or starts it.
func (c *conn) signal() {
	c.waking.Lock()
	defer c.waking.Unlock()
	select {
	case c.wake <- struct{}{}:
	default:
	}
	if !c.running && !c.gone {
		c.running = true
		c.beats.Store(0)
		c.server.runs.Go(c.deliver)
	}
}

// deliver is the second goroutine.
func (c *conn) deliver() {
	for range c.wake {
		c.deliverSome(math.MaxInt)
		if c.mayRest() {
			return
		}
	}
}

// mayRest ends the second goroutine if nobody misses it.
func (c *conn) mayRest() bool {
	c.waking.Lock()
	defer c.waking.Unlock()
	rest := c.gone || c.beats.Load() >= restAfter && len(c.wake) == 0
	c.running = !rest
	return rest
}

// countBeat has the second goroutine see whether it may rest.
func (c *conn) countBeat() {
	if c.beats.Add(1) != restAfter {
		return
	}
	c.waking.Lock()
	defer c.waking.Unlock()
	if c.running {
		select {
		case c.wake <- struct{}{}:
		default:
		}
	}
}

// attend finishes, requeues or touches messages, and delivers if that made room. Answers come first.
func (c *conn) attend() error {
	c.attending.Store(true)
	switch c.pending.kind {
	case finishing:
		c.sub.Finish(c.s.ids, c.failed)
	case requeueing:
		c.sub.Requeue(c.s.ids, c.s.delays, c.failed)
	case touching:
		c.sub.Touch(c.s.ids, c.failed)
	}
	c.attending.Store(false)
	if !c.owed.Swap(false) {
		return nil
	}
	if err := c.answer(); err != nil {
		return err
	}
	if c.deliverSome(readerBatches) {
		c.signal()
	}
	return nil
}

// endDelivery lets nothing more be delivered.
func (c *conn) endDelivery() {
	c.waking.Lock()
	c.gone = true
	c.waking.Unlock()
	c.signal()
	c.sub.Close()
}
