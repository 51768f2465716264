package nsqd

import (
	"time"

	"github.com/nsqmesh/nsqmesh/node/queue"
)

const idLength = 16

func (c *conn) fin(p params) error   { return c.onMessage(finishing, p) }
func (c *conn) touch(p params) error { return c.onMessage(touching, p) }
func (c *conn) req(p params) error   { return c.onMessage(requeueing, p) }

// onMessage checks a FIN, REQ or TOUCH and adds it to those that are pending.
func (c *conn) onMessage(k kind, p params) error {
	verb := messageKinds[k].verb
	if c.state.Load() == stateInit {
		return fail(invalid, "cannot %s in current state", verb)
	}
	id, ok := p.next()
	var timeout []byte
	if ok && k == requeueing {
		timeout, ok = p.next()
	}
	if !ok {
		return fail(invalid, "%s insufficient number of params", verb)
	}
	if len(id) != idLength {
		return fail(invalid, "invalid message ID")
	}
	ms, ok := parseNumber(timeout)
	if !ok {
		return fail(invalid, "REQ could not parse timeout %s", timeout)
	}
	return c.add(k, id, ms)
}

// add makes a command on a message pending.
func (c *conn) add(k kind, text []byte, ms int64) error {
	if c.pending.kind != k {
		if err := c.act(); err != nil {
			return err
		}
	}
	id, ok := queue.ParseID(text)
	if !ok { // nobody ever got such an id
		if err := c.act(); err != nil {
			return err
		}
		f := messageKinds[k]
		return fail(f.failed, "%s %s failed %v", f.verb, text, queue.ErrNotInFlight)
	}
	c.pending.kind = k
	c.s.ids = append(c.s.ids, id)
	if k == requeueing {
		c.s.delays = append(c.s.delays, c.delay(ms))
	}
	return nil
}

// delay is cut to what is allowed, in milliseconds, since a big number of them is no time.Duration.
func (c *conn) delay(ms int64) time.Duration {
	return time.Duration(min(max(ms, 0), c.server.o.MaxReqTimeout.Milliseconds())) * time.Millisecond
}
