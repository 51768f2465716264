package queue

import (
	"errors"

	"github.com/nsqmesh/nsqmesh/node/names"
)

// A hand-over gives what waits here to another node, batch by batch: it looks at the oldest messages, gives them, and only
// when the other node has them are they removed. Whatever ends in between, a message is in at least one place; if the answer
// is lost it is in both.
//
// Nothing else may take messages meanwhile, or they would be handed over and delivered. So a topic or channel that is
// withheld gives nothing to its channels or consumers; FIN, REQ and TOUCH go on.

const (
	handOverBatch = 1000
	handOverBytes = 512 << 10 // of bodies in a batch, except for one that is larger alone
)

// Refuse has every topic refuse to be published to, for that reason, or take messages again if it is nil. When it returns, no
// publish is under way that is not refused.
func (b *Broker) Refuse(reason error) {
	b.mu.Lock()
	b.refusal = reason
	b.mu.Unlock()
	for _, t := range b.Topics() {
		t.turnAway(reason)
	}
}

// Refusal is why publishes are refused, or nil.
func (b *Broker) Refusal() error {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.refusal
}

func (t *Topic) turnAway(reason error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.refusal = reason
}

// Withhold keeps every topic and channel from handing anything on, or lets them. Ephemeral ones go on: they are not handed over.
func (b *Broker) Withhold(on bool) {
	b.mu.Lock()
	b.withheld = on
	b.mu.Unlock()
	for _, t := range b.Topics() {
		t.suspend(on)
	}
}

func (t *Topic) suspend(on bool) {
	if names.Ephemeral(t.name) {
		return
	}
	t.mu.Lock()
	t.withheld = on
	list := t.list
	t.route()
	t.mu.Unlock()
	for _, c := range list {
		c.suspend(on)
	}
}

func (c *Channel) suspend(on bool) {
	if c.disk == nil {
		return
	}
	c.mu.Lock()
	c.withheld = on
	c.unlock()
}

// InHand is how many messages consumers have that are there to finish them, without those of ephemeral channels.
func (b *Broker) InHand() (n int) {
	for _, t := range b.Topics() {
		for _, c := range t.listed() {
			if c.disk != nil && !names.Ephemeral(t.name) {
				n += c.inHand()
			}
		}
	}
	return n
}

func (c *Channel) inHand() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.consumers {
		n += s.deadlines.count
	}
	return n
}

// HandOver gives away what waits in the topic itself, until nothing is left or give fails. The topic is withheld.
func (t *Topic) HandOver(give func([]Message) error) (given int, err error) {
	t.settleHalf()
	return handOver(give, t.oldest)
}

// HandOver gives away what waits in the channel or is deferred, and then, if flying says so, what is in flight. The channel
// is withheld.
func (c *Channel) HandOver(give func([]Message) error, flying bool) (given int, err error) {
	return handOver(give, func() (parcel, error) { return c.oldest(flying) })
}

// parcel is a batch that is still where it was, and how it is removed from there.
type parcel struct {
	batch  []Message
	remove func([]Message) error
}

func handOver(give func([]Message) error, next func() (parcel, error)) (given int, err error) {
	for {
		p, err := next()
		if err != nil || len(p.batch) == 0 {
			return given, err
		}
		if err := give(p.batch); err != nil {
			return given, err
		}
		given += len(p.batch)
		if err := p.remove(p.batch); err != nil {
			return given, err
		}
	}
}

// oldest is what waits in memory, then on disk, then what is deferred, then in flight: the order in which they would come.
func (c *Channel) oldest(flying bool) (parcel, error) {
	if p := c.waiting(); len(p.batch) > 0 {
		return p, nil
	}
	if c.disk != nil && c.disk.depth() > 0 {
		if p, err := c.disk.oldest(); err != nil || len(p.batch) > 0 {
			return p, err
		}
		c.disk.deliverSome(handOverBatch) // damage, which reading sets aside
		if p := c.waiting(); len(p.batch) > 0 {
			return p, nil
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.exiting:
		return parcel{}, ErrExiting
	case c.deferred.len() > 0:
		return parcel{c.deferred.some(handOverBatch, handOverBytes), c.removeDeferred}, nil
	case flying:
		return parcel{c.inFlight.some(handOverBatch, handOverBytes), c.removeInFlight}, nil
	}
	return parcel{}, nil
}

func (c *Channel) waiting() parcel {
	c.mu.Lock()
	defer c.mu.Unlock()
	return parcel{c.memory.some(handOverBatch, handOverBytes), c.removeWaiting}
}

func (c *Channel) removeWaiting(batch []Message) error {
	c.mu.Lock()
	defer c.unlock()
	c.memory.dropFront(batch)
	return nil
}

func (c *Channel) removeDeferred(batch []Message) error {
	c.mu.Lock()
	defer c.unlock()
	c.deferred.remove(batch)
	return nil
}

func (c *Channel) removeInFlight(batch []Message) error {
	ids := make([]ID, len(batch))
	for i := range batch {
		ids[i] = batch[i].ID
	}
	c.mu.Lock()
	defer c.unlock()
	c.land(c.wanted(Reclaim{IDs: ids}))
	return nil
}

// settleHalf finishes a batch that some channels have and a full disk kept from others. They take it into memory.
func (t *Topic) settleHalf() {
	b := &t.backlog
	b.mu.Lock()
	defer b.unlock()
	if len(b.batch) == 0 || !b.reached {
		return
	}
	for _, c := range b.to {
		c.deliver(b.batch)
	}
	b.batch, b.to, b.reached = nil, nil, false
}

func (t *Topic) oldest() (parcel, error) {
	b := &t.backlog
	b.mu.Lock()
	defer b.unlock()
	switch {
	case len(b.batch) > 0:
		return parcel{append([]Message(nil), b.batch...), t.removeBatch}, nil
	case b.memory.len() > 0:
		return parcel{b.memory.some(handOverBatch, handOverBytes), t.removeWaiting}, nil
	case b.diskDepth() == 0:
		return parcel{}, nil
	}
	p, err := b.disk.oldest()
	if err == nil && len(p.batch) == 0 { // damage, which reading sets aside
		b.batch, err = b.disk.take(nil, handOverBatch)
		p = parcel{append([]Message(nil), b.batch...), t.removeBatch}
	}
	return p, err
}

func (t *Topic) removeBatch(batch []Message) error {
	b := &t.backlog
	b.mu.Lock()
	defer b.unlock()
	if len(b.batch) == len(batch) && b.batch[0].ID == batch[0].ID {
		b.batch, b.to = nil, nil
	}
	return nil
}

func (t *Topic) removeWaiting(batch []Message) error {
	b := &t.backlog
	b.mu.Lock()
	defer b.unlock()
	b.memory.dropFront(batch)
	return nil
}

// Accept takes over messages that another node hands over, with their ids, attempts and due times, and otherwise is like Put.
func (t *Topic) Accept(batch []Message) error {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if t.exiting {
		return ErrExiting
	}
	if err := t.store(batch); err != nil {
		return err
	}
	t.messages.Add(uint64(len(batch)))
	for i := range batch {
		t.bytes.Add(uint64(len(batch[i].Body)))
	}
	return nil
}

// Accept takes over messages of another node's channel of the same name; the topic's other channels have their own.
func (c *Channel) Accept(batch []Message) error { return c.put(batch) }

// errMoved means that something else read a disk queue while its messages were handed over, so they will come twice.
var errMoved = errors.New("disk queue was read meanwhile")
