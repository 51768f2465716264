package nsqd

import (
	"errors"
	"fmt"
	"strings"

	"github.com/nsqmesh/nsqmesh/node/queue"
)

// pending is what has been read and not been done: either publishes to one topic, or FINs, REQs or TOUCHes. The messages
// and ids themselves are in the scratch. There are never more than fit in the read buffer, since nothing stays pending
// over a read; an MPUB bigger than that stands alone.
type pending struct {
	kind     kind
	to       *destination
	verb     string // of the first publish
	commands int    // publishes, each to be answered
}

type kind byte

const (
	nothing kind = iota
	publishing
	finishing
	requeueing
	touching
)

// settle does what is pending and sends all answers.
func (c *conn) settle() error {
	if c.s == nil {
		return nil
	}
	if err := c.act(); err != nil {
		return err
	}
	return c.answer()
}

// answer sends all answers.
func (c *conn) answer() error {
	if len(c.s.answers) == 0 {
		return nil
	}
	err := c.send(c.s.answers)
	c.s.answers = c.s.answers[:0]
	return err
}

// act does what is pending and keeps the answers.
func (c *conn) act() error {
	p := c.pending
	if p.kind == nothing {
		return nil
	}
	var err error
	switch p.kind {
	case publishing:
		err = c.publish(p)
	default:
		err = c.attend()
	}
	c.pending = pending{}
	c.s.ids, c.s.delays = c.s.ids[:0], c.s.delays[:0]
	return err
}

// publish puts the batch on its topic.
func (c *conn) publish(p pending) error {
	defer c.s.emptyBatch()
	c.s.ownBodies()
	err := c.put(p.to, c.s.batch)
	if errors.Is(err, queue.ErrFull) || errors.Is(err, queue.ErrTooLate) {
		c.publishSingly(p, err)
		return nil
	}
	if err != nil {
		return fail(publishFailed[p.verb], "%s failed %v", p.verb, err).because(err)
	}
	p.to.count.Add(uint64(len(c.s.batch)))
	for range p.commands {
		c.s.answers = append(c.s.answers, okFrame...)
	}
	return nil
}

// publishSingly follows a batch that policy refused: each message that was a command of its own has its own answer. The
// connection goes on, for the client has done nothing wrong.
func (c *conn) publishSingly(p pending, err error) {
	batch := c.s.batch
	if p.commands != len(batch) || len(batch) == 1 {
		for range p.commands {
			c.refusePublish(p.verb, err)
		}
		return
	}
	for i := range batch {
		if err := c.put(p.to, batch[i:i+1]); err != nil {
			c.refusePublish(p.verb, err)
			continue
		}
		p.to.count.Add(1)
		c.s.answers = append(c.s.answers, okFrame...)
	}
}

func (c *conn) refusePublish(verb string, err error) {
	c.s.answers = appendFrame(c.s.answers, frameError, fail(publishFailed[verb], "%s failed %v", verb, err).Error())
}

var publishFailed = map[string]code{"PUB": pubFailed, "MPUB": mpubFailed, "DPUB": dpubFailed}

// put finds the topic anew if the one that this connection knows is no more.
func (c *conn) put(to *destination, batch []queue.Message) error {
	err := to.topic.Put(batch)
	if !errors.Is(err, queue.ErrExiting) {
		return err
	}
	now, again := c.server.broker.Topic(to.name)
	if again != nil {
		return fmt.Errorf("find topic: %w", again)
	}
	if now == to.topic {
		return err
	}
	to.topic = now
	return now.Put(batch)
}

// ownBodies copies the bodies out of the read buffer, all into one allocation.
func (s *scratch) ownBodies() {
	total := 0
	for _, b := range s.bodies {
		total += len(b)
	}
	var slab strings.Builder
	slab.Grow(total)
	for i, b := range s.bodies {
		if b == nil {
			continue
		}
		start := slab.Len()
		slab.Write(b)
		s.batch[i].Body = slab.String()[start:]
	}
}

// refuse tells the client that it cannot have what it wanted with the ith id.
func (c *conn) refuse(i int, err error) {
	var id [16]byte
	k := messageKinds[c.pending.kind]
	c.s.answers = appendFailed(c.s.answers, k.failed, k.verb, c.s.ids[i].AppendHex(id[:0]), err)
}

// messageKinds are the commands on messages in flight.
var messageKinds = [...]struct {
	verb   string
	failed code
}{
	finishing:  {"FIN", finFailed},
	requeueing: {"REQ", reqFailed},
	touching:   {"TOUCH", touchFailed},
}
