package queue

import (
	"math/rand/v2"
	"slices"
	"time"
)

// Consumer is what a channel tells its consumers, all of it rare. Neither method may block or call back.
type Consumer interface {
	Wake()  // there is something to take now
	Close() // the channel is gone; so should the connection be
}

// Terms are what a consumer agreed on.
type Terms struct {
	MsgTimeout  time.Duration // 0 is Options.MsgTimeout
	SampleRate  int           // 0 is all; otherwise a message is kept with (SampleRate+1) percent
	ZoneLocal   bool
	RegionLocal bool
}

// Subscription is one consumer's place in a channel. Its methods may be called from several goroutines.
type Subscription struct {
	channel    *Channel
	consumer   Consumer
	timeout    int64 // ns
	sampleRate int
	zone       zone

	// Guarded by Channel.mu.
	level         int // the RDY count
	deadlines     deadlines
	attention     attention
	inLine        bool
	gone          bool
	ahead, behind *Subscription // in line

	messages, finishes, requeues uint64
}

// Subscribe adds a consumer. ErrTooManyConsumers, ErrExiting.
func (c *Channel) Subscribe(consumer Consumer, terms Terms) (*Subscription, error) {
	s := &Subscription{channel: c, consumer: consumer, timeout: int64(terms.MsgTimeout), sampleRate: terms.SampleRate, zone: terms.zone()}
	if s.timeout == 0 {
		s.timeout = int64(c.options.MsgTimeout)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.exiting {
		return nil, ErrExiting
	}
	if limit := c.options.MaxChannelConsumers; limit > 0 && len(c.consumers) >= limit {
		return nil, ErrTooManyConsumers
	}
	c.consumers = append(c.consumers, s)
	return s, nil
}

func (t Terms) zone() zone {
	switch {
	case t.ZoneLocal:
		return zoneLocal
	case t.RegionLocal:
		return regionLocal
	}
	return global
}

// room is how many more messages may be in flight to the consumer.
func (s *Subscription) room() int {
	if s.gone {
		return 0
	}
	return max(s.level-s.deadlines.count, 0)
}

// SetReady sets how many messages may be in flight to the consumer, a level and not a credit.
func (s *Subscription) SetReady(n int) {
	s.channel.mu.Lock()
	s.level = n
	if s.room() == 0 {
		s.become(asleep) // whoever has no room is not relied upon
	} else {
		s.lineUp()
	}
	s.channel.unlock()
}

// takeBytes bounds the bodies of one Take: enough to fill a socket's buffer, too little to hold a consumer up for long.
const takeBytes = 128 << 10

// Take appends to into what the consumer may have now: at most its room, its fair share, cap(into)-len(into) messages and
// a bounded number of bytes. What it returns is in flight to this consumer, with Attempts counted. If it returns nothing, or
// the consumer has no room left, Consumer.Wake follows once there is something again; otherwise the consumer must come
// again by itself.
func (s *Subscription) Take(into []Message) []Message {
	c := s.channel
	c.mu.Lock()
	s.become(awake)
	before := len(into)
	if !c.stands() {
		into = s.take(into)
	}
	again := s.room()
	if len(into) == before || again == 0 {
		again = 0
		s.become(asleep)
	}
	c.unlockWanting(again)
	return into
}

// take repeats until it has something to show: sampling may discard all of what one turn took.
func (s *Subscription) take(into []Message) []Message {
	c := s.channel
	before := len(into)
	for len(into) == before && c.memory.len() > 0 {
		n := min(s.room(), cap(into)-before, c.ready.share(c.memory.len(), s.zone))
		if n <= 0 {
			break
		}
		into = c.memory.takeWithin(into, n, takeBytes)
		into = s.depart(into, before)
	}
	return into
}

// depart puts the messages from index from on in flight, less those that sampling discards.
func (s *Subscription) depart(into []Message, from int) []Message {
	c := s.channel
	wall, now := c.clock()
	deadline := now + s.timeout
	kept := from
	for i := from; i < len(into); i++ {
		m := &into[i]
		if !m.fromDisk {
			c.counts.deliveries[s.zone]++
		}
		m.fromDisk = false
		if s.discards() || c.policy != nil && c.withhold(m, wall) {
			continue
		}
		m.Attempts++
		if !c.inFlight.add(m, s, now, deadline) {
			c.wait(*m)
			continue
		}
		if kept != i {
			into[kept] = *m
		}
		kept++
	}
	s.messages += uint64(kept - from)
	c.arm(now, deadline)
	clear(into[kept:])
	return into[:kept]
}

// discards draws lots for one message. It is gone for good, not in flight and not counted.
func (s *Subscription) discards() bool { return s.sampleRate > 0 && rand.IntN(100) > s.sampleRate }

// wait holds back a copy of a message in flight until the first one has had its time.
func (c *Channel) wait(m Message) {
	wall, steady := c.clock()
	first, _ := c.inFlight.get(m.ID)
	m.Attempts--
	m.Due = wall + max(first.deadline-steady, 0)
	c.deferred.push(m)
	c.armDeferred(wall, steady)
}

// Close leaves the channel. What is in flight stays so until its timeout, as with a stock nsqd.
func (s *Subscription) Close() {
	c := s.channel
	c.mu.Lock()
	if s.gone {
		c.mu.Unlock()
		return
	}
	s.gone = true
	s.become(asleep)
	c.consumers = slices.DeleteFunc(c.consumers, func(other *Subscription) bool { return other == s })
	if s.deadlines.count > 0 {
		c.departed = append(c.departed, s)
	}
	idle := c.disk == nil && len(c.consumers) == 0 && !c.exiting
	c.exiting = c.exiting || idle
	c.unlock()
	if idle && c.onIdle != nil {
		c.onIdle(c)
	}
}

// Stats returns the consumer's counters.
func (s *Subscription) Stats() SubscriptionStats {
	s.channel.mu.Lock()
	defer s.channel.mu.Unlock()
	return SubscriptionStats{
		Ready:        s.level,
		InFlight:     s.deadlines.count,
		MessageCount: s.messages,
		FinishCount:  s.finishes,
		RequeueCount: s.requeues,
	}
}
