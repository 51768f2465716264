package queue

import "fmt"

// Reclaim says which messages in flight are taken away from their consumers. The zero value is all.
type Reclaim struct {
	IDs      []ID
	Consumer string // as Peeked has it
}

func (r *Reclaim) wants(f *flight) bool {
	if r.Consumer == "" {
		return true
	}
	named, ok := f.owner.consumer.(fmt.Stringer)
	return ok && named.String() == r.Consumer
}

// Reclaim puts messages in flight back into the channel, for whoever is ready, and returns how many. Their consumers are not
// told: what they answer later comes too late, as after a timeout.
func (c *Channel) Reclaim(r Reclaim) int {
	c.mu.Lock()
	if c.exiting {
		c.mu.Unlock()
		return 0
	}
	back := c.land(c.wanted(r))
	c.counts.requeues += uint64(len(back))
	rest := c.admit(back, nil)
	c.unlock()
	c.giveBack(rest)
	return len(back)
}

// Move puts messages in flight on another topic, where they are new ones, and returns how many. They leave the channel once
// the topic has them, so that none is lost; one that times out at that moment is in both.
func (c *Channel) Move(r Reclaim, to *Topic) (int, error) {
	c.mu.Lock()
	flights := c.wanted(r)
	moved := make([]Message, 0, len(flights))
	ids := make([]ID, 0, len(flights))
	for _, n := range flights {
		m := &c.inFlight.slots[n].message
		moved, ids = append(moved, Message{Body: m.Body}), append(ids, m.ID)
	}
	c.mu.Unlock()
	if len(moved) == 0 {
		return 0, nil
	}
	if err := to.Put(moved); err != nil {
		return 0, fmt.Errorf("move messages of %s:%s to %s: %w", c.topic, c.name, to.name, err)
	}
	c.mu.Lock()
	defer c.unlock()
	c.land(c.wanted(Reclaim{IDs: ids}))
	return len(moved), nil
}

// wanted are the slots of the flights that r means. c.mu is held.
func (c *Channel) wanted(r Reclaim) (slots []uint32) {
	if r.IDs == nil {
		for i := range c.inFlight.slots {
			if f := &c.inFlight.slots[i]; f.owner != nil && r.wants(f) {
				slots = append(slots, uint32(i))
			}
		}
		return slots
	}
	for _, id := range r.IDs {
		if f, n := c.inFlight.get(id); f != nil && r.wants(f) {
			slots = append(slots, n)
		}
	}
	return slots
}

// land ends flights and returns their messages. c.mu is held.
func (c *Channel) land(slots []uint32) []Message {
	back := make([]Message, 0, len(slots))
	for _, n := range slots {
		f := &c.inFlight.slots[n]
		if f.owner == nil {
			continue // its id was named twice
		}
		owner, m := f.owner, f.message
		m.Due = 0
		back = append(back, m)
		c.inFlight.remove(n)
		owner.lineUp()
	}
	return back
}
