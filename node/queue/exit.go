package queue

import "github.com/nsqmesh/nsqmesh/node/seeded"

// close ends the channel and leaves on disk all it holds: what waits, what is in flight, what is deferred. A deferred
// message keeps its due time, as far as the disk can tell.
func (c *Channel) close() error {
	if !c.end() || c.disk == nil {
		return nil
	}
	c.disk.halt()
	return c.disk.close(c.remaining())
}

// remove ends the channel and all it holds, files included.
func (c *Channel) remove() error {
	if !c.end() {
		return nil
	}
	var err error
	if c.disk != nil {
		err = c.disk.remove()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forget()
	return err
}

// end stops everything and closes the consumers. It returns false if that was done before. When it returns nothing is on
// its way to disk.
func (c *Channel) end() bool {
	c.mu.Lock()
	if c.ended {
		c.mu.Unlock()
		return false
	}
	c.exiting, c.ended = true, true
	if c.alarm.timer != nil {
		c.alarm.timer.Stop()
	}
	consumers := append([]*Subscription(nil), c.consumers...)
	c.mu.Unlock()
	for _, s := range consumers {
		s.consumer.Close()
	}
	c.writing.Wait()
	if c.disk != nil {
		c.disk.halt() // what it has read is in memory when this returns
	}
	return true
}

// remaining removes all messages from memory.
func (c *Channel) remaining() []Message {
	c.mu.Lock()
	defer c.mu.Unlock()
	rest := make([]Message, 0, c.memory.len()+c.inFlight.len()+c.deferred.len())
	rest = c.memory.take(rest, c.memory.len())
	for i := range c.inFlight.slots {
		if s := &c.inFlight.slots[i]; s.owner != nil {
			rest = append(rest, s.message)
		}
	}
	if !seeded.Sometimes(seeded.DropDeferred, 1) {
		rest = append(rest, c.deferred.heap...)
	}
	c.forget()
	if seeded.Sometimes(seeded.SkipFlush, 1) {
		return nil
	}
	return rest
}
