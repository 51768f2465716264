package nsqd

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/nsqmesh/nsqmesh/node/names"
	"github.com/nsqmesh/nsqmesh/node/queue"
)

// destination is a topic that this connection publishes to.
type destination struct {
	name    string
	topic   *queue.Topic   // nil before the first publish
	allowed *Authorization // the last that allowed publishing here
	count   atomic.Uint64  // messages published
}

func (c *conn) pub(p params) error {
	topic, ok := p.next()
	if !ok {
		return fail(invalid, "PUB insufficient number of parameters")
	}
	to, err := c.destination("PUB", topic)
	if err != nil {
		return err
	}
	return c.publishOne("PUB", to, 0)
}

func (c *conn) dpub(p params) error {
	topic, _ := p.next()
	timeout, ok := p.next()
	if !ok {
		return fail(invalid, "DPUB insufficient number of parameters")
	}
	to, err := c.destination("DPUB", topic)
	if err != nil {
		return err
	}
	ms, ok := parseNumber(timeout)
	if !ok {
		return fail(invalid, "DPUB could not parse timeout %s", timeout)
	}
	if most := c.server.o.MaxReqTimeout.Milliseconds(); ms < 0 || ms > most {
		return fail(invalid, "DPUB timeout %d out of range 0-%d", ms, most)
	}
	return c.publishOne("DPUB", to, time.Duration(ms)*time.Millisecond)
}

// publishOne reads the message of a PUB or DPUB and makes it pending.
func (c *conn) publishOne(verb string, to *destination, delay time.Duration) error {
	n, err := c.size()
	if err != nil {
		return reading(err, badMessage, "%s failed to read message body size", verb)
	}
	if n <= 0 {
		return fail(badMessage, "%s invalid message body size %d", verb, n)
	}
	if most := c.server.o.MaxMsgSize; int64(n) > most {
		return fail(badMessage, "%s message too big %d > %d", verb, n, most)
	}
	body, own, err := c.body(int(n))
	if err != nil {
		return reading(err, badMessage, "%s failed to read message body", verb)
	}
	if err := c.mayPublish(verb, to); err != nil {
		return err
	}
	if err := c.gather(verb, to); err != nil {
		return err
	}
	c.append(body, own, delay)
	c.pending.commands++
	return nil
}

// destination returns what is known of a topic, whose name is checked when it is new.
func (c *conn) destination(verb string, topic []byte) (*destination, error) {
	if c.to != nil && c.to.name == string(topic) {
		return c.to, nil
	}
	if to := c.published[string(topic)]; to != nil {
		c.to = to
		return to, nil
	}
	name := string(topic)
	if !names.ValidTopic(name) {
		return nil, invalidTopic(verb, name)
	}
	return &destination{name: name}, nil
}

// gather prepares for a publish to a topic: it joins those that are pending if it can. A new topic is made.
func (c *conn) gather(verb string, to *destination) error {
	if c.pending.kind == publishing && c.pending.to == to {
		return nil
	}
	if err := c.act(); err != nil {
		return err
	}
	if err := c.find(verb, to); err != nil {
		return err
	}
	c.pending = pending{kind: publishing, to: to, verb: verb}
	return nil
}

// find looks a topic up once, which may take long where it has to be made, so all answers leave before.
func (c *conn) find(verb string, to *destination) error {
	if to.topic != nil {
		return nil
	}
	if err := c.settle(); err != nil {
		return err
	}
	topic, err := c.server.broker.Topic(to.name)
	if err != nil {
		if errors.Is(err, queue.ErrNoAutoCreate) {
			return fail(badTopic, "%s %v", verb, err)
		}
		return fail(publishFailed[verb], "%s failed %v", verb, err).because(err)
	}
	to.topic = topic
	c.to = to
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.published == nil {
		c.published = map[string]*destination{}
	}
	c.published[to.name] = to
	return nil
}

// append adds a message to the batch.
func (c *conn) append(body []byte, own bool, delay time.Duration) {
	var m queue.Message
	if delay > 0 {
		m.Due = time.Now().Add(delay).UnixNano()
	}
	if own {
		m.Body, body = immutable(body), nil
	}
	c.s.append(m, body)
}
