package queue

import "time"

// zone says how near a consumer is; nearer ones are served first.
type zone int

const (
	zoneLocal zone = iota
	regionLocal
	global
	zones
)

// attention is what a consumer is doing as far as its channel knows.
type attention int

const (
	asleep attention = iota // needs a Wake; waits in line if it has room
	called                  // was woken and will take
	awake                   // will take again of its own accord, or was called long ago
)

// ready are the consumers that wait, a line for each zone, and how many were called.
//
// The rule that no wake-up is lost: whenever messages wait in memory, the channel is not paused or withheld and somebody is in line,
// somebody is called or awake. Such a one takes, and every way out of the critical section, be it after a put, a
// take, a finish or a leave, goes through Channel.unlock, which calls the next in line while there are more messages
// than consumers called. So one put wakes one consumer, and a take that leaves something behind wakes one more.
//
// A consumer that was called may be stuck in a write to a dead peer. So while others wait in line an alarm is set, and
// who has not taken by then no longer counts as called.
type ready struct {
	lines   [zones]line
	called  [zones]int
	watched bool // the alarm is set for patience
}

const patience = 10 * time.Millisecond

// line is a queue of consumers, linked through them.
type line struct {
	first, last *Subscription
	count       int
}

func (l *line) join(s *Subscription) {
	s.ahead = l.last
	if l.last != nil {
		l.last.behind = s
	} else {
		l.first = s
	}
	l.last = s
	l.count++
}

func (l *line) leave(s *Subscription) {
	if s.ahead != nil {
		s.ahead.behind = s.behind
	} else {
		l.first = s.behind
	}
	if s.behind != nil {
		s.behind.ahead = s.ahead
	} else {
		l.last = s.ahead
	}
	s.ahead, s.behind = nil, nil
	l.count--
}

// first returns who is next, or nil.
func (r *ready) first() *Subscription {
	for z := range r.lines {
		if s := r.lines[z].first; s != nil {
			return s
		}
	}
	return nil
}

// pending is how many consumers were called and have not taken yet.
func (r *ready) pending() int { return r.called[zoneLocal] + r.called[regionLocal] + r.called[global] }

// share is how much of depth a consumer may take now: what is left for it when those at least as near, in line or
// called, get as much each.
func (r *ready) share(depth int, z zone) int {
	takers := 1
	for n := range z + 1 {
		takers += r.lines[n].count + r.called[n]
	}
	return (depth + takers - 1) / takers
}

// room is how many messages the consumers in line would take, up to a maximum.
func (r *ready) room(maximum int) int {
	sum := 0
	for z := range r.lines {
		for s := r.lines[z].first; s != nil && sum < maximum; s = s.behind {
			sum += s.room()
		}
	}
	return min(sum, maximum)
}

// lineUp keeps a consumer in line exactly while it sleeps and has room. It follows every change of either.
func (s *Subscription) lineUp() {
	should := s.attention == asleep && s.room() > 0
	if should == s.inLine {
		return
	}
	s.inLine = should
	l := &s.channel.ready.lines[s.zone]
	if should {
		l.join(s)
	} else {
		l.leave(s)
	}
}

// become changes a consumer's attention.
func (s *Subscription) become(a attention) {
	if s.attention == called {
		s.channel.ready.called[s.zone]--
	}
	if a == called {
		s.channel.ready.called[s.zone]++
	}
	s.attention = a
	s.lineUp()
}

// unlock ends every critical section after which something may be there to take or somebody may want it: it calls the
// next consumer and asks the disk for more.
func (c *Channel) unlock() { c.unlockWanting(0) }

// unlockWanting is unlock by a consumer that will come again for so many messages.
func (c *Channel) unlockWanting(room int) {
	next := c.call()
	c.ask(room)
	c.mu.Unlock()
	if next != nil {
		next.consumer.Wake()
	}
}

// stands tells whether nothing may be taken.
func (c *Channel) stands() bool { return c.paused || c.withheld }

// call picks the consumer to wake, or nil.
func (c *Channel) call() *Subscription {
	if c.stands() || c.memory.len() == 0 {
		return nil
	}
	next := c.ready.first()
	if next == nil {
		return nil
	}
	if c.ready.pending() < c.memory.len() {
		next.become(called)
	} else {
		next = nil
	}
	if !c.ready.watched && c.ready.first() != nil {
		c.ready.watched = true
		_, steady := c.clock()
		c.arm(steady, steady+int64(patience))
	}
	return next
}

// recall stops counting on those who were called and have not come.
func (c *Channel) recall() {
	c.ready.watched = false
	if c.ready.pending() == 0 {
		return
	}
	for _, s := range c.consumers {
		if s.attention == called {
			s.become(awake)
		}
	}
}

// mostWanted bounds how many messages leave the disk ahead of their delivery.
const mostWanted = 256

// ask keeps the disk informed of how many messages it should hand over: what consumers have room for once memory is
// empty, and otherwise nothing, lest messages leave the disk with nobody there to have them.
func (c *Channel) ask(room int) {
	if c.disk == nil {
		return
	}
	want := 0
	if c.memory.len() == 0 && !c.stands() && !c.exiting && c.disk.depth() > 0 {
		room = min(room, mostWanted)
		want = room + c.ready.room(mostWanted-room)
	}
	if want > 0 || c.asked > 0 {
		c.asked = want
		c.disk.want(want)
	}
}
