package queue

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nsqmesh/nsqmesh/node/names"
)

const (
	handOnBatch = 256         // messages that go from a backlog to the channels under one lock
	handOnRetry = time.Second // pause after a channel's disk refused a batch
)

// backlog is what a topic keeps itself, oldest first: a batch that only some channels have got, then memory, then disk.
// As soon as something is on disk, what follows goes there, too, so that the order stands.
type backlog struct {
	disk *disk // nil for an ephemeral topic, which drops what memory does not hold

	held atomic.Int64 // messages in batch and memory, to be read without waiting for the disk

	mu      sync.Mutex // below Topic.mu, above the channels' locks
	memory  memory
	batch   []Message  // taken out, and given to all channels
	to      []*Channel // but these
	reached bool       // some channel has got it
	retry   *time.Timer
}

func (b *backlog) init(topic string, o *Options, h *health) {
	b.memory.init(o)
	if !names.Ephemeral(topic) {
		b.disk = newDisk(queueName(topic, ""), o, h, nil)
	}
}

// put appends a batch. If the way to the channels is open, it hands on twice as many messages: a backlog shrinks however
// fast its topic is published to, because publishers do the work that they would otherwise outrun.
func (b *backlog) put(batch []Message, to []*Channel, open bool) error {
	b.mu.Lock()
	defer b.unlock()
	if err := b.append(batch); err != nil {
		return err
	}
	if open && b.retry == nil {
		_, _ = b.handOn(to, 2*len(batch)) // what a disk refuses stays here and is tried again
	}
	return nil
}

// append writes to disk first: if that fails, the publisher tries again, and nothing should come twice.
func (b *backlog) append(batch []Message) error {
	n := 0
	if b.diskDepth() == 0 {
		n = b.memory.fit(batch)
	}
	if b.disk != nil && n < len(batch) {
		if err := b.disk.put(batch[n:]); err != nil {
			return err
		}
	}
	b.memory.push(batch[:n])
	return nil
}

// handOn gives up to n messages to the channels and reports whether it got on. An error means that a channel's disk is
// full or broken; what that channel missed stays here, so that nothing acknowledged is lost.
func (b *backlog) handOn(to []*Channel, n int) (done int, err error) {
	for done < n {
		if len(b.batch) == 0 {
			b.batch, err = b.next(b.batch, min(n-done, handOnBatch))
			if err != nil || len(b.batch) == 0 {
				return done, err
			}
			b.reached = false
			b.tell()
		}
		if !b.reached { // also on a second try: the channels may be others by now
			b.to = append(b.to[:0], to...)
		}
		if err := b.give(); err != nil {
			return done, err
		}
		done += len(b.batch)
		clear(b.batch)
		b.batch = b.batch[:0]
	}
	return done, nil
}

// give offers the batch to those who lack it.
func (b *backlog) give() error {
	for len(b.to) > 0 {
		last := len(b.to) - 1
		switch err := b.to[last].put(b.batch); {
		case err == nil:
			b.reached = true
		case !errors.Is(err, ErrExiting):
			return err
		}
		b.to[last] = nil
		b.to = b.to[:last]
	}
	return nil
}

func (b *backlog) next(into []Message, n int) ([]Message, error) {
	if b.memory.len() == 0 && b.diskDepth() > 0 {
		return b.disk.take(into, n)
	}
	return b.memory.take(into, n), nil
}

func (b *backlog) depth() int64 {
	total, _ := b.depths()
	return total
}

// depths are those of all and of the disk.
func (b *backlog) depths() (total, disk int64) {
	disk = b.diskDepth()
	return b.held.Load() + disk, disk
}

// unlock ends every critical section that may change what is held.
func (b *backlog) unlock() {
	b.tell()
	b.mu.Unlock()
}

func (b *backlog) tell() { b.held.Store(int64(len(b.batch)) + int64(b.memory.len())) }

func (b *backlog) diskDepth() int64 {
	if b.disk == nil {
		return 0
	}
	return b.disk.depth()
}

func (b *backlog) empty() error {
	b.mu.Lock()
	defer b.unlock()
	b.forget()
	if b.disk == nil {
		return nil
	}
	return b.disk.empty()
}

func (b *backlog) forget() {
	b.memory.drop()
	b.batch, b.to = nil, nil
}

func (b *backlog) close() error {
	b.mu.Lock()
	defer b.unlock()
	if b.retry != nil {
		b.retry.Stop()
	}
	rest := b.memory.take(b.batch, b.memory.len())
	b.forget()
	if b.disk == nil {
		return nil
	}
	return b.disk.close(rest)
}

func (b *backlog) remove() error {
	b.mu.Lock()
	defer b.unlock()
	b.forget()
	if b.disk == nil {
		return nil
	}
	return b.disk.remove()
}

// route decides which way messages take, after a change of anything that it depends on. t.mu is held for writing.
func (t *Topic) route() {
	t.open = t.started && !t.paused && !t.withheld && !t.exiting && len(t.list) > 0
	t.direct = t.open && t.backlog.depth() == 0
	if t.open && !t.direct && !t.flowing && !t.backlog.waiting() {
		t.flowing = true
		t.flows.Go(t.flow)
	}
}

// flow hands on the backlog until it is empty or the way is barred.
func (t *Topic) flow() {
	for t.flowSome() {
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.flowing = false
	t.route() // starts anew if a publisher was faster
}

func (t *Topic) flowSome() bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if !t.open {
		return false
	}
	b := &t.backlog
	b.mu.Lock()
	defer b.unlock()
	done, err := b.handOn(t.list, handOnBatch)
	if err != nil {
		t.o.Log.Error("hand on the backlog of a topic", "topic", t.name, "err", err)
		b.retry = time.AfterFunc(handOnRetry, t.flowAgain)
		return false
	}
	return done > 0
}

// waiting tells whether a retry is due later.
func (b *backlog) waiting() bool {
	b.mu.Lock()
	defer b.unlock()
	return b.retry != nil
}

func (t *Topic) flowAgain() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.backlog.mu.Lock()
	t.backlog.retry = nil
	t.backlog.mu.Unlock()
	t.route()
}

// Empty drops what waits in the topic itself, not in its channels.
func (t *Topic) Empty() error {
	err := t.emptyBacklog()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.route()
	return err
}

func (t *Topic) emptyBacklog() error {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if t.exiting {
		return ErrExiting
	}
	return t.backlog.empty()
}
