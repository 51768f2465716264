package queue

import (
	"sync"
	"time"

	"github.com/nsqmesh/nsqmesh/node/names"
)

// Channel is one queue of a topic's messages, shared by its consumers.
//
// A message waits in memory, or on disk behind what is there: consumers take from memory alone, and the disk is asked
// for as many messages as waiting consumers have room for once memory is empty. So order is that of arrival, and what
// was safe on disk leaves it only when somebody is there to have it. What comes back (requeued, timed out, due) joins
// the end by the same road, but stays in memory beyond its bounds where the disk refuses it: nothing once accepted is lost.
type Channel struct {
	topic, name string
	options     *Options
	health      *health
	latency     *latency       // nil where none is measured
	disk        *disk          // nil for an ephemeral channel
	changed     func()         // the channel was paused or resumed
	onIdle      func(*Channel) // the last consumer left an ephemeral channel
	start       time.Time      // zero of the steady clock

	writing sync.WaitGroup // batches on their way to disk, neither in memory nor there yet; rises under mu

	mu        sync.Mutex // guards what follows, and all of each Subscription
	memory    memory
	inFlight  inFlight
	deferred  deferred
	consumers []*Subscription
	departed  []*Subscription // left while messages were in flight to them
	ready     ready
	alarm     alarm
	asked     int          // of the disk, last time
	policy    *Policy      // nil is none
	dead      Subscription // whose flights are dead messages
	burying   bool
	paused    bool
	withheld  bool // gives nothing to consumers, for now
	exiting   bool // takes nothing new
	ended     bool // closed or removed
	counts    counts
}

// counts only rise.
type counts struct {
	messages, requeues, timeouts uint64
	expired, overflows           uint64        // dropped by policy: too old, too many
	deadLetters, discards        uint64        // delivered too often: published on another topic, dropped
	deliveries                   [zones]uint64 // from memory, by zone of the consumer
}

// newChannel returns a channel that continues what its disk queue holds. For an ephemeral one onIdle is called, without
// locks, when the last consumer has left; the channel takes nothing more by then and waits to be removed.
func newChannel(topic, name string, o *Options, h *health, changed func(), onIdle func(*Channel)) *Channel {
	c := &Channel{topic: topic, name: name, options: o, health: h, latency: newLatency(o), changed: changed, onIdle: onIdle, start: time.Now()}
	c.latency = newLatency(o)
	c.memory.init(o)
	c.alarm.at = never
	c.dead.channel = c
	if !names.Ephemeral(name) {
		c.disk = newDisk(queueName(topic, name), o, h, c.deliver)
	}
	return c
}

// Name returns the channel's name.
func (c *Channel) Name() string { return c.name }

// Topic returns the name of the channel's topic.
func (c *Channel) Topic() string { return c.topic }

// clock reads the time once for a batch: on the wall, for what clients and the disk see; and steadily from the channel's
// start, for how long something lasts, so that a clock that is set does not end or stretch what is in flight.
func (c *Channel) clock() (wall, steady int64) {
	now := time.Now()
	return now.UnixNano(), int64(now.Sub(c.start))
}

// put appends a batch from the topic, which other channels get as well. It is not changed.
func (c *Channel) put(batch []Message) error { return c.putShared(batch, nil) }

// putShared is put of a batch that stands in shared blocks, too, which is better where there are any.
func (c *Channel) putShared(batch []Message, shared *block) error {
	c.mu.Lock()
	if c.exiting {
		c.mu.Unlock()
		shared.releaseAll()
		return ErrExiting
	}
	rest := c.admit(c.postpone(batch), shared)
	if c.disk == nil {
		c.drop(rest)
		rest = nil
	}
	c.counts.messages += uint64(len(batch) - len(rest))
	trims := c.policy.drops()
	c.unlock()
	var err error
	if len(rest) > 0 {
		err = c.spill(rest)
	}
	if trims {
		c.trim()
	}
	return err
}

// postpone moves what is not due into the deferred and returns the others.
func (c *Channel) postpone(batch []Message) []Message {
	if !anyDeferred(batch) {
		return batch
	}
	wall, steady := c.clock()
	var others []Message
	for _, m := range batch {
		if m.Due > wall {
			c.deferred.push(m)
		} else {
			m.Due = 0
			others = append(others, m)
		}
	}
	c.armDeferred(wall, steady)
	return others
}

func anyDeferred(batch []Message) bool {
	for i := range batch {
		if batch[i].Due != 0 {
			return true
		}
	}
	return false
}

// admit appends to memory what may wait there and returns the rest, which belongs on disk: behind what the disk holds
// already, or because memory is full. The batch may stand in shared blocks as well. A rest must go to spill or giveBack after unlocking.
func (c *Channel) admit(batch []Message, shared *block) []Message {
	n := 0
	if c.disk == nil || c.disk.depth() == 0 {
		n = c.memory.fit(batch)
	}
	if shared != nil {
		c.memory.join(batch[:n], shared)
	} else {
		c.memory.push(batch[:n])
	}
	if n < len(batch) && c.disk != nil {
		c.writing.Add(1)
	}
	return batch[n:]
}

// drop gives what an ephemeral channel's memory does not hold to the consumers that wait for it, and forgets the rest.
func (c *Channel) drop(rest []Message) {
	if len(rest) == 0 {
		return
	}
	n := min(len(rest), max(c.ready.room(len(rest)+c.memory.len())-c.memory.len(), 0))
	c.memory.push(rest[:n])
	if n < len(rest) {
		c.health.wrote()
	}
}

// spill writes to disk what admit left over of a published batch.
func (c *Channel) spill(rest []Message) error {
	err := c.disk.put(rest)
	c.mu.Lock()
	c.writing.Done()
	if err == nil {
		c.counts.messages += uint64(len(rest))
	}
	c.unlock() // consumers may have emptied memory meanwhile
	return err
}

// giveBack writes to disk what admit left over of messages that had been accepted before, or keeps them in memory.
func (c *Channel) giveBack(rest []Message) {
	if len(rest) == 0 {
		return
	}
	err := ErrExiting
	if c.disk != nil {
		err = c.disk.put(rest)
	}
	c.mu.Lock()
	if err != nil {
		c.memory.push(rest)
	}
	if c.disk != nil {
		c.writing.Done()
	}
	c.unlock()
}

// deliver takes what the disk was asked for.
func (c *Channel) deliver(batch []Message) {
	for i := range batch {
		batch[i].fromDisk = true
	}
	c.mu.Lock()
	c.memory.push(c.postpone(batch))
	c.unlock()
}

// Empty drops everything: waiting, in flight, deferred.
func (c *Channel) Empty() error {
	var err error
	if c.disk != nil {
		err = c.disk.empty()
	}
	c.mu.Lock()
	defer c.unlock()
	if c.exiting {
		return ErrExiting
	}
	c.forget()
	for _, s := range c.consumers {
		s.lineUp()
	}
	return err
}

// forget drops what is in memory, in flight or deferred.
func (c *Channel) forget() {
	c.memory.drop()
	c.deferred.drop()
	c.inFlight.drop()
	for _, s := range c.consumers {
		s.deadlines = deadlines{}
	}
	for _, s := range c.departed {
		s.deadlines = deadlines{}
	}
	c.departed = nil
	c.dead.deadlines = deadlines{}
}

// Pause stops or resumes deliveries.
func (c *Channel) Pause(paused bool) {
	c.mu.Lock()
	different := c.paused != paused
	c.paused = paused
	c.unlock()
	if different {
		c.changed()
	}
}

// Paused tells whether the channel is paused.
func (c *Channel) Paused() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.paused
}

// depth is how many messages wait.
func (c *Channel) depth() int64 {
	if c.disk == nil {
		return int64(c.memory.len())
	}
	return int64(c.memory.len()) + c.disk.depth()
}

// stats returns the counters, without latency.
func (c *Channel) stats() ChannelStats {
	c.mu.Lock()
	defer c.mu.Unlock()
	depth := c.depth()
	return ChannelStats{
		Name:             c.name,
		Depth:            depth,
		BackendDepth:     max(depth-int64(c.memory.len()), 0),
		InFlight:         c.inFlight.len(),
		Deferred:         c.deferred.len(),
		MessageCount:     c.counts.messages,
		ZoneLocalCount:   c.counts.deliveries[zoneLocal],
		RegionLocalCount: c.counts.deliveries[regionLocal],
		GlobalCount:      c.counts.deliveries[global],
		RequeueCount:     c.counts.requeues,
		TimeoutCount:     c.counts.timeouts,
		ExpiredCount:     c.counts.expired,
		OverflowCount:    c.counts.overflows,
		DeadLetterCount:  c.counts.deadLetters,
		DiscardCount:     c.counts.discards,
		ConsumerCount:    len(c.consumers),
		Paused:           c.paused,
	}
}
