package queue

import "time"

// alarm is the one timer of a channel. It exists once something was in flight or deferred, and is set for the earliest of
// what may be due. What is finished in time does not move it: it goes off for nothing, once, and is set anew.
type alarm struct {
	timer *time.Timer
	at    int64 // on the steady clock; never when it is not set
}

// grain is the precision of the alarm: what is due within one is handled at once, at its end.
const grain = int64(time.Millisecond)

// arm sets the alarm unless it goes off earlier anyway.
func (c *Channel) arm(now, at int64) {
	at = (at + grain - 1) / grain * grain
	if at >= c.alarm.at {
		return
	}
	c.alarm.at = at
	after := time.Duration(max(at-now, 0))
	if c.alarm.timer == nil {
		c.alarm.timer = time.AfterFunc(after, c.expire)
	} else {
		c.alarm.timer.Reset(after)
	}
}

// armDeferred sets the alarm for the deferred message that is due first.
func (c *Channel) armDeferred(wall, steady int64) {
	if due := c.deferred.earliest(); due != never {
		c.arm(steady, steady+due-wall)
	}
}

// mostExpired bounds what one alarm handles under the lock; the next goes off at once.
const mostExpired = 1024

// expire is the alarm: what timed out or has become due goes back to the end of the queue.
func (c *Channel) expire() {
	c.mu.Lock()
	if c.exiting {
		c.mu.Unlock()
		return
	}
	c.alarm.at = never
	wall, steady := c.clock()
	c.recall()
	back := c.takeDue(nil, wall)
	back = c.takeTimedOut(back, steady)
	c.armDeferred(wall, steady)
	rest := c.admit(c.withholdAll(back, wall), nil)
	c.unlock()
	c.giveBack(rest)
}

// takeDue appends the deferred messages whose time has come.
func (c *Channel) takeDue(back []Message, wall int64) []Message {
	for len(back) < mostExpired && c.deferred.earliest() <= wall {
		m := c.deferred.pop()
		m.Due = 0
		back = append(back, m)
	}
	return back
}

// takeTimedOut appends the messages whose consumers have had their time, and sets the alarm for the next.
func (c *Channel) takeTimedOut(back []Message, now int64) []Message {
	next := int64(never)
	for _, owners := range [][]*Subscription{c.consumers, c.departed} {
		for _, s := range owners {
			n, deadline := c.inFlight.earliest(&s.deadlines)
			for ; deadline <= now && len(back) < mostExpired; n, deadline = c.inFlight.earliest(&s.deadlines) {
				m := c.inFlight.slots[n].message
				m.Due = 0
				back = append(back, m)
				c.inFlight.remove(n)
				c.counts.timeouts++
			}
			next = min(next, deadline)
			s.lineUp()
		}
	}
	c.forgetDeparted()
	if next != never {
		c.arm(now, next)
	}
	c.settle(now)
	return back
}

// quiet is how long a channel must have delivered nothing before it gives back the room for messages in flight.
const quiet = 10 * time.Second

// settle gives back the room of busier times, now or by the next alarm.
func (c *Channel) settle(now int64) {
	if !c.inFlight.idle() {
		return
	}
	if at := c.inFlight.used + int64(quiet); at > now {
		c.arm(now, at)
	} else {
		c.inFlight.drop()
	}
}

// forgetDeparted lets go of consumers that left and whose last message in flight has ended.
func (c *Channel) forgetDeparted() {
	kept := c.departed[:0]
	for _, s := range c.departed {
		if s.deadlines.count > 0 {
			kept = append(kept, s)
		}
	}
	clear(c.departed[len(kept):])
	c.departed = kept
}
