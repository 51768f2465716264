package queue

import (
	"time"

	"github.com/nsqmesh/nsqmesh/node/seeded"
)

// refusals are the answers of a batch that failed. They are reported after unlocking, because whoever hears of them
// writes to a connection.
type refusals []refusal

type refusal struct {
	index int
	err   error
}

func (r refusals) report(failed func(i int, err error)) {
	for _, one := range r {
		failed(one.index, one.err)
	}
}

// own returns the flight of an id that is in flight to this consumer.
func (s *Subscription) own(id ID) (*flight, uint32, error) {
	f, n := s.channel.inFlight.get(id)
	switch {
	case f == nil:
		return nil, 0, ErrNotInFlight
	case f.owner != s:
		return nil, 0, ErrNotOwner
	}
	return f, n, nil
}

// Finish ends messages in flight to this consumer. It calls failed, in order, with the index of each id that it could not.
func (s *Subscription) Finish(ids []ID, failed func(i int, err error)) {
	c := s.channel
	var refused refusals
	var now int64
	c.mu.Lock()
	if c.latency != nil {
		now, _ = c.clock()
	}
	for i, id := range ids {
		f, n, err := s.own(id)
		if err != nil {
			refused = append(refused, refusal{i, err})
			continue
		}
		if c.latency != nil {
			c.latency.add(now - f.message.Timestamp)
		}
		if !seeded.Sometimes(seeded.ForgetFinish, 100) {
			c.inFlight.remove(n)
		}
	}
	s.finishes += uint64(len(ids) - len(refused))
	s.lineUp()
	c.unlock()
	refused.report(failed)
}

// Requeue puts messages in flight back, after delay (clamped to 0..MaxReqTimeout) where that is not 0.
func (s *Subscription) Requeue(ids []ID, delays []time.Duration, failed func(i int, err error)) {
	c := s.channel
	var refused refusals
	var back []Message
	c.mu.Lock()
	wall, steady := c.clock()
	for i, id := range ids {
		f, n, err := s.own(id)
		if err == nil && c.exiting {
			err = ErrExiting
		}
		if err != nil {
			refused = append(refused, refusal{i, err})
			continue
		}
		m := f.message
		c.inFlight.remove(n)
		m.Due = 0
		if c.policy != nil && c.withhold(&m, wall) {
			continue
		}
		if delay := c.delay(delays[i]); delay > 0 {
			m.Due = wall + int64(delay)
			c.deferred.push(m)
		} else {
			back = append(back, m)
		}
	}
	done := uint64(len(ids) - len(refused))
	s.requeues += done
	c.counts.requeues += done
	c.armDeferred(wall, steady)
	rest := c.admit(back, nil)
	s.lineUp()
	c.unlock()
	c.giveBack(rest)
	refused.report(failed)
}

// delay is how long a requeue may put off a message.
func (c *Channel) delay(asked time.Duration) time.Duration {
	most := c.options.MaxReqTimeout
	if p := c.policy; p != nil && p.MaxDefer > 0 {
		most = min(most, p.MaxDefer)
	}
	return min(asked, most)
}

// Touch starts the message timeout of messages in flight anew, up to MaxMsgTimeout after their delivery.
func (s *Subscription) Touch(ids []ID, failed func(i int, err error)) {
	c := s.channel
	var refused refusals
	c.mu.Lock()
	_, now := c.clock()
	for i, id := range ids {
		f, n, err := s.own(id)
		if err != nil {
			refused = append(refused, refusal{i, err})
			continue
		}
		deadline := min(now+s.timeout, f.delivered+int64(c.options.MaxMsgTimeout))
		if deadline > f.deadline {
			c.inFlight.move(n, deadline)
		}
	}
	c.mu.Unlock()
	refused.report(failed)
}
