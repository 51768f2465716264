package queue

import "time"

// A message that was delivered as often as its policy allows is dead. It stays in flight, to nobody, until its dead-letter
// topic has a copy, and only then ends: a stop or a crash in between may leave both, but never neither. What the topic
// refuses is offered again for as long as it takes.

const (
	buryBatch = 256         // dead messages that are published together
	buryRetry = time.Second // pause after the dead-letter topic refused some
)

// withhold ends a message that is not to be delivered (any more) and reports whether it is. c.mu is held.
func (c *Channel) withhold(m *Message, wall int64) bool {
	p := c.policy
	switch {
	case p.MessageTTL > 0 && wall-m.Timestamp > int64(p.MessageTTL):
		c.counts.expired++
	case p.MaxAttempts == 0 || m.Attempts < p.MaxAttempts:
		return false
	case p.DeadLetter == "":
		c.counts.discards++
	default:
		c.die(m)
	}
	return true
}

// withholdAll is withhold for what comes back. It returns the others.
func (c *Channel) withholdAll(back []Message, wall int64) []Message {
	if c.policy == nil {
		return back
	}
	others := back[:0]
	for i := range back {
		if !c.withhold(&back[i], wall) {
			others = append(others, back[i])
		}
	}
	return others
}

// die keeps a dead message until it is buried. A copy of one that is in flight waits for that one's end.
func (c *Channel) die(m *Message) {
	_, now := c.clock()
	m.Due = 0
	if !c.inFlight.add(m, &c.dead, now, now+int64(buryRetry)) {
		m.Attempts++ // as by a delivery, which wait undoes
		c.wait(*m)
		return
	}
	c.mourn()
}

// mourn has dead messages be buried, unless that is under way.
func (c *Channel) mourn() {
	if c.burying || c.dead.deadlines.count == 0 || c.exiting {
		return
	}
	c.burying = true
	go c.bury()
}

// bury moves all dead messages to the topic that is theirs by now.
func (c *Channel) bury() {
	for {
		ids, copies, to := c.corpses()
		if len(ids) == 0 {
			return
		}
		if err := c.options.deadLetter(to, copies); err != nil {
			c.options.Log.Error("publish dead messages, will try again", "topic", c.topic, "channel", c.name, "to", to, "err", err)
			time.AfterFunc(buryRetry, c.bury)
			return
		}
		c.lower(ids)
	}
}

// corpses returns some dead messages. Where the policy has no dead-letter topic any more, they live again.
func (c *Channel) corpses() (ids []ID, copies []Message, to string) {
	c.mu.Lock()
	if c.exiting || c.dead.deadlines.count == 0 {
		c.burying = false
		c.mu.Unlock()
		return nil, nil, ""
	}
	if p := c.policy; p != nil {
		to = p.DeadLetter
	}
	var slots []uint32
	for n := c.dead.deadlines.first; n != 0 && len(slots) < buryBatch; n = c.inFlight.slots[n].after {
		m := &c.inFlight.slots[n].message
		slots, ids, copies = append(slots, n), append(ids, m.ID), append(copies, Message{Body: m.Body})
	}
	if to != "" {
		c.mu.Unlock()
		return ids, copies, to
	}
	rest := c.admit(c.land(slots), nil)
	c.burying = false
	c.unlock()
	c.giveBack(rest)
	return nil, nil, ""
}

// lower ends dead messages that were published.
func (c *Channel) lower(ids []ID) {
	c.mu.Lock()
	defer c.unlock()
	for _, id := range ids {
		if f, n := c.inFlight.get(id); f != nil && f.owner == &c.dead {
			c.inFlight.remove(n)
			c.counts.deadLetters++
		}
	}
}

// deadLetter publishes dead messages on a topic, which is made if it is missing.
func (b *Broker) deadLetter(topic string, batch []Message) error {
	t, err := b.Topic(topic)
	if err != nil {
		return err
	}
	return t.put(batch, true)
}
