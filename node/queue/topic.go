package queue

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nsqmesh/nsqmesh/node/names"
	"github.com/nsqmesh/nsqmesh/node/seeded"
)

// Topic is a named stream of messages, copied to each of its channels.
//
// A publisher puts its batch into the channels itself; there is no goroutine between them. Only while that cannot be (no
// channel, paused, not started) or must not be (older messages have not been handed on yet) do messages wait in the
// topic's backlog.
type Topic struct {
	name    string
	o       *Options
	ids     *idSource
	health  *health
	changed func(durable bool) // the topic or a channel came, went or was paused
	retire  func(*Topic)       // the last channel of an ephemeral topic went

	messages, bytes     atomic.Uint64
	refusals, overflows atomic.Uint64 // publishes that were refused, messages that were dropped, because it was full

	mu       sync.RWMutex
	channels map[string]*Channel
	list     []*Channel               // the same, sorted by name; replaced and never altered
	leaving  map[string]chan struct{} // channels whose files are being removed; closed afterwards
	started  bool                     // Options.Channels has answered
	paused   bool
	policy   *Policy // nil is none
	exiting  bool
	refusal  error // of publishes; nil takes them
	withheld bool  // hands nothing on, for now
	open     bool  // messages may go to channels
	direct   bool  // and they may go past the backlog, which is empty
	flowing  bool  // a goroutine hands on the backlog

	backlog backlog
	flows   sync.WaitGroup
}

func newTopic(name string, o *Options, ids *idSource, h *health, changed func(durable bool), retire func(*Topic)) *Topic {
	t := &Topic{
		name: name, o: o, ids: ids, health: h, changed: changed, retire: retire,
		channels: map[string]*Channel{},
		leaving:  map[string]chan struct{}{},
		policy:   o.policy(name),
	}
	t.backlog.init(name, o, h)
	return t
}

// Name returns the topic's name.
func (t *Topic) Name() string { return t.name }

// Put publishes a batch: every message is in every channel, in memory or handed to the operating system, when it
// returns nil. It sets ID in each message, and Timestamp where that is 0; the slice may be reused afterwards. On an error
// some messages may be stored, but none with ErrFull and ErrTooLate. ErrExiting when the topic is being deleted or closed.
func (t *Topic) Put(batch []Message) error {
	if len(batch) == 0 {
		return nil
	}
	if seeded.Sometimes(seeded.AckBeforeAppend, 5) {
		batch = slices.Clone(batch)
		time.AfterFunc(300*time.Millisecond, func() { _ = t.put(batch, false) })
		return nil
	}
	return t.put(batch, false)
}

// put is Put; own is for what the node itself publishes, which it does not refuse while it drains.
func (t *Topic) put(batch []Message, own bool) error {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if t.exiting {
		return ErrExiting
	}
	if t.refusal != nil && !own {
		return t.refusal
	}
	if t.policy != nil {
		if err := t.allows(batch); err != nil {
			return err
		}
	}
	size := t.stamp(batch)
	if err := t.store(batch); err != nil {
		return err
	}
	t.messages.Add(uint64(len(batch)))
	t.bytes.Add(size)
	return nil
}

// stamp gives the batch its ids and time, and returns the size of its bodies.
func (t *Topic) stamp(batch []Message) (size uint64) {
	now := time.Now().UnixNano()
	t.ids.number(batch, now)
	for i := range batch {
		m := &batch[i]
		m.Attempts = 0
		if m.Timestamp == 0 {
			m.Timestamp = now
		}
		size += uint64(len(m.Body))
	}
	return size
}

func (t *Topic) store(batch []Message) error {
	if t.direct {
		return putAll(t.list, batch)
	}
	if err := t.backlog.put(batch, t.list, t.open); err != nil || !t.policy.drops() {
		return err
	}
	t.overflows.Add(t.backlog.keep(t.policy.MaxDepth))
	return nil
}

// putAll puts the batch in every channel, also after one of them failed. A channel that is going away needs it no more.
func putAll(channels []*Channel, batch []Message) error {
	var failed error
	shared := share(batch, len(channels))
	for _, c := range channels {
		if err := c.putShared(batch, shared); err != nil && !errors.Is(err, ErrExiting) {
			failed = errors.Join(failed, err)
		}
	}
	return failed
}

// Channel returns the channel of that (valid) name, made if it is missing. It waits while one of that name is being deleted.
func (t *Topic) Channel(name string) (*Channel, error) {
	for {
		if c := t.FindChannel(name); c != nil {
			return c, nil
		}
		c, gone, err := t.addChannel(name)
		if gone == nil {
			return c, err
		}
		<-gone
	}
}

// addChannel makes a channel, or returns what is closed when one of that name has gone.
func (t *Topic) addChannel(name string) (*Channel, <-chan struct{}, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.exiting {
		return nil, nil, ErrExiting
	}
	if gone := t.leaving[name]; gone != nil {
		return nil, gone, nil
	}
	if c := t.channels[name]; c != nil {
		return c, nil, nil
	}
	durable := t.durable(name)
	c := newChannel(t.name, name, t.o, t.health, func() { t.changed(durable) }, t.dropIdle)
	c.policy = t.policy
	c.suspend(t.withheld)
	t.channels[name] = c
	t.relist()
	t.changed(durable)
	return c, nil, nil
}

// durable tells whether a channel is in nsqd.dat.
func (t *Topic) durable(channel string) bool {
	return !names.Ephemeral(t.name) && !names.Ephemeral(channel)
}

// relist follows a change of channels. t.mu is held for writing.
func (t *Topic) relist() {
	t.list = slices.SortedFunc(maps.Values(t.channels), func(a, b *Channel) int {
		return strings.Compare(a.Name(), b.Name())
	})
	t.route()
}

// FindChannel returns the channel or nil.
func (t *Topic) FindChannel(name string) *Channel {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.channels[name]
}

// Channels returns all channels, sorted by name.
func (t *Topic) Channels() []*Channel {
	return slices.Clone(t.listed())
}

func (t *Topic) listed() []*Channel {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.list
}

// DeleteChannel removes a channel with its messages and files and closes its consumers. ErrChannelNotFound if there is none.
func (t *Topic) DeleteChannel(name string) error {
	if c := t.FindChannel(name); c != nil {
		return t.drop(c)
	}
	return ErrChannelNotFound
}

// drop takes a channel out of the topic at once, so no message and no consumer comes to it any more, and only then removes
// its files, with no lock held.
func (t *Topic) drop(c *Channel) error {
	gone, err := t.dismiss(c)
	if err != nil {
		return err
	}
	t.changed(t.durable(c.Name()))
	err = c.remove()

	t.mu.Lock()
	delete(t.leaving, c.Name())
	close(gone)
	last := len(t.channels) == 0 && !t.exiting
	t.mu.Unlock()
	if last && names.Ephemeral(t.name) {
		go t.retire(t)
	}
	return err
}

func (t *Topic) dismiss(c *Channel) (gone chan struct{}, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.exiting {
		return nil, ErrExiting
	}
	if t.channels[c.Name()] != c {
		return nil, ErrChannelNotFound
	}
	delete(t.channels, c.Name())
	gone = make(chan struct{})
	t.leaving[c.Name()] = gone
	t.relist()
	return gone, nil
}

// dropIdle removes an ephemeral channel that its last consumer has left.
func (t *Topic) dropIdle(c *Channel) {
	err := t.drop(c)
	if err != nil && !errors.Is(err, ErrExiting) && !errors.Is(err, ErrChannelNotFound) {
		t.o.Log.Error("remove ephemeral channel", "topic", t.name, "channel", c.Name(), "err", err)
	}
}

// Pause stops or resumes the hand-over to channels. It is in nsqd.dat after Broker.Persist.
func (t *Topic) Pause(paused bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.paused == paused {
		return
	}
	t.paused = paused
	t.route()
	t.changed(!names.Ephemeral(t.name))
}

// Paused tells whether the topic is paused.
func (t *Topic) Paused() bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.paused
}

// start lets messages go to the channels that are there by now.
func (t *Topic) start() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.started = true
	t.route()
}

// meta is the topic's part of nsqd.dat.
func (t *Topic) meta() metaTopic {
	t.mu.RLock()
	defer t.mu.RUnlock()
	m := metaTopic{Name: t.name, Paused: t.paused}
	for _, c := range t.list {
		if t.durable(c.Name()) {
			m.Channels = append(m.Channels, metaChannel{Name: c.Name(), Paused: c.Paused()})
		}
	}
	return m
}

// stop refuses messages, channels and deletes from now on.
func (t *Topic) stop() { t.stopIf(func() bool { return true }) }

// stopIf does so if should says so while nothing can come or go.
func (t *Topic) stopIf(should func() bool) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !should() {
		return false
	}
	t.exiting = true
	t.route()
	return true
}

// close writes what waits in the topic and its channels to disk. It follows stop.
func (t *Topic) close() error {
	return t.end((*Channel).close, (*backlog).close)
}

// remove drops everything, with the files. It follows stop.
func (t *Topic) remove() error {
	return t.end((*Channel).remove, (*backlog).remove)
}

func (t *Topic) end(channel func(*Channel) error, own func(*backlog) error) error {
	t.flows.Wait()
	t.mu.RLock()
	channels, leaving := t.list, slices.Collect(maps.Values(t.leaving))
	t.mu.RUnlock()
	for _, gone := range leaving {
		<-gone
	}
	failed := inParallel(len(channels), func(i int) error { return channel(channels[i]) })
	return errors.Join(failed, own(&t.backlog))
}
