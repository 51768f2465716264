package nsqd

import (
	"errors"
	"time"

	"github.com/nsqmesh/nsqmesh/node/names"
	"github.com/nsqmesh/nsqmesh/node/queue"
)

// subscribe is SUB, once for the life of a connection.
func (c *conn) subscribe(p params) error {
	if c.state.Load() != stateInit {
		return fail(invalid, "cannot SUB in current state")
	}
	if c.agreed.heartbeat == 0 {
		return fail(invalid, "cannot SUB with heartbeats disabled")
	}
	first, _ := p.next()
	second, ok := p.next()
	if !ok {
		return fail(invalid, "SUB insufficient number of parameters")
	}
	topic, channel := string(first), string(second)
	if !names.ValidTopic(topic) {
		return invalidTopic("SUB", topic)
	}
	if !names.ValidChannel(channel) {
		return fail(badChannel, "SUB channel name %q is not valid", channel)
	}
	if err := c.maySubscribe(topic, channel); err != nil {
		return err
	}
	if err := c.settle(); err != nil { // making a topic may take long
		return err
	}
	return c.join(topic, channel)
}

// join makes the connection a consumer of the channel.
func (c *conn) join(topic, channel string) error {
	c.wake = make(chan struct{}, 1)
	c.failed = c.refuse
	sub, err := c.seat(topic, channel)
	if err != nil {
		return err
	}
	c.mu.Lock()
	c.topic, c.channel, c.sub = topic, channel, sub
	c.mu.Unlock()
	c.state.Store(stateSubscribed)
	c.s.answers = append(c.s.answers, okFrame...)
	return nil
}

// An ephemeral topic or channel may be on its way out, because its last consumer has just left. SUB waits that long for
// a new one to take its place.
const (
	seatTries = 10
	seatPause = 10 * time.Millisecond
)

// seat finds the connection's place in the channel.
func (c *conn) seat(topic, channel string) (*queue.Subscription, error) {
	ephemeral := names.Ephemeral(topic) || names.Ephemeral(channel)
	for range seatTries {
		sub, err := c.tryToSeat(topic, channel)
		if err == nil {
			return sub, nil
		}
		if !ephemeral || !errors.Is(err, queue.ErrExiting) {
			return nil, subscribing(err, topic, channel, c.server.o.MaxChannelConsumers)
		}
		c.server.sleep(seatPause)
	}
	return nil, fail(subFailed, "SUB failed to deleted topic/channel")
}

func (c *conn) tryToSeat(topic, channel string) (*queue.Subscription, error) {
	ch, err := c.server.broker.Channel(topic, channel)
	if err != nil {
		return nil, err
	}
	return ch.Subscribe(c, c.agreed.terms())
}

// rdy sets how many messages may be in flight. All answers leave before, so that the one to SUB comes before any message.
func (c *conn) rdy(p params) error {
	switch c.state.Load() {
	case stateInit:
		return fail(invalid, "cannot RDY in current state")
	case stateClosing:
		return nil
	}
	count := int64(1)
	if text, ok := p.next(); ok {
		if count, ok = parseNumber(text); !ok {
			return fail(invalid, "RDY could not parse count %s", text)
		}
	}
	if most := c.server.o.MaxRdyCount; count < 0 || count > most {
		return fail(invalid, "RDY count %d out of range 0-%d", count, most)
	}
	if err := c.settle(); err != nil {
		return err
	}
	c.sub.SetReady(int(count))
	return nil
}

// cls ends deliveries; what is in flight may still be finished. Since messages are taken and written under conn.out, as
// answers are, none can come after CLOSE_WAIT.
func (c *conn) cls() error {
	if c.state.Load() != stateSubscribed {
		return fail(invalid, "cannot CLS in current state")
	}
	c.sub.SetReady(0)
	c.state.Store(stateClosing)
	c.s.answers = append(c.s.answers, closeWaitFrame...)
	return nil
}
