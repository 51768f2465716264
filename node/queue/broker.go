package queue

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"sync"

	"github.com/nsqmesh/nsqmesh/node/names"
)

// closeParallel bounds how many topics are written to disk at once.
const closeParallel = 16

// Broker owns the topics of a node.
type Broker struct {
	o        Options
	ids      *idSource
	health   health
	metadata *metadata
	watchers watchers
	lock     *os.File // of the data path

	mu      sync.RWMutex
	topics  map[string]*Topic
	leaving map[string]chan struct{} // topics whose files are being removed; closed afterwards
	closed  bool
}

// New returns a Broker that has touched nothing yet.
func New(o Options) *Broker {
	b := &Broker{
		o:       o.withDefaults(),
		ids:     newIDSource(o.NodeID),
		topics:  map[string]*Topic{},
		leaving: map[string]chan struct{}{},
	}
	b.metadata = newMetadata(b.o.DataPath, b.o.Version, b.snapshot)
	return b
}

// Load takes the lock of the data path, reads nsqd.dat, opens what it names and writes it back, which shows early
// whether it can be written. It is called once, before anything else.
func (b *Broker) Load() (err error) {
	if err := b.o.check(); err != nil {
		return err
	}
	if b.lock, err = lockDir(b.o.DataPath); err != nil {
		return fmt.Errorf("failed to lock data-path: %w", err)
	}
	defer func() {
		if err != nil {
			b.lock.Close()
		}
	}()
	topics, err := b.metadata.load()
	if err != nil {
		return fmt.Errorf("failed to load metadata - %w", err)
	}
	for _, m := range topics {
		b.loadTopic(m)
	}
	b.metadata.changed()
	if err := b.metadata.persist(); err != nil {
		return fmt.Errorf("failed to persist metadata - %w", err)
	}
	return nil
}

func (b *Broker) loadTopic(m metaTopic) {
	if !names.ValidTopic(m.Name) {
		b.o.Log.Warn("skip topic of invalid name", "topic", m.Name)
		return
	}
	t, _, _, err := b.addTopic(m.Name)
	if err != nil {
		return
	}
	t.Pause(m.Paused)
	for _, c := range m.Channels {
		if !names.ValidChannel(c.Name) {
			b.o.Log.Warn("skip channel of invalid name", "topic", m.Name, "channel", c.Name)
			continue
		}
		if channel, err := t.Channel(c.Name); err == nil {
			channel.Pause(c.Paused)
		}
	}
	t.start()
}

// Run writes nsqd.dat whenever topics, channels or pauses changed, until ctx ends.
func (b *Broker) Run(ctx context.Context) error {
	b.metadata.run(ctx, func(err error) { b.o.Log.Error("persist metadata", "err", err) })
	return nil
}

// Persist returns when nsqd.dat on disk holds all changes made before the call.
func (b *Broker) Persist() error { return b.metadata.persist() }

func (b *Broker) snapshot() []metaTopic {
	var all []metaTopic
	for _, t := range b.Topics() {
		if !names.Ephemeral(t.name) {
			all = append(all, t.meta())
		}
	}
	return all
}

func (b *Broker) changed(topic string, durable bool) {
	if durable {
		b.metadata.changed()
	}
	b.watchers.add(topic)
}

// Topic returns the topic of that (valid) name, made if it is missing. Creating a topic first asks Options.Channels; other
// callers use the topic meanwhile. It waits while a topic of that name is being deleted.
func (b *Broker) Topic(name string) (*Topic, error) {
	for {
		if t := b.FindTopic(name); t != nil {
			return t, nil
		}
		t, fresh, gone, err := b.addTopic(name)
		if gone != nil {
			<-gone
			continue
		}
		if fresh {
			b.introduce(t)
		}
		return t, err
	}
}

// addTopic makes a topic, or returns what is closed when one of that name has gone.
func (b *Broker) addTopic(name string) (t *Topic, fresh bool, gone <-chan struct{}, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, false, nil, ErrExiting
	}
	if gone := b.leaving[name]; gone != nil {
		return nil, false, gone, nil
	}
	if t := b.topics[name]; t != nil {
		return t, false, nil, nil
	}
	t = newTopic(name, &b.o, b.ids, &b.health, func(durable bool) { b.changed(name, durable) }, b.retire)
	b.topics[name] = t
	b.changed(name, !names.Ephemeral(name))
	return t, true, nil, nil
}

// introduce gives a new topic the channels that the cluster knows, so that they miss no message.
func (b *Broker) introduce(t *Topic) {
	if b.o.Channels != nil {
		for _, name := range b.o.Channels(t.name) {
			if names.ValidChannel(name) && !names.Ephemeral(name) {
				_, _ = t.Channel(name) // fails only when the topic is going again
			}
		}
	}
	t.start()
}

// FindTopic returns the topic or nil.
func (b *Broker) FindTopic(name string) *Topic {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.topics[name]
}

// Topics returns all topics, sorted by name.
func (b *Broker) Topics() []*Topic {
	b.mu.RLock()
	all := slices.Collect(maps.Values(b.topics))
	b.mu.RUnlock()
	slices.SortFunc(all, func(a, b *Topic) int { return cmp.Compare(a.name, b.name) })
	return all
}

// DeleteTopic removes a topic with all channels and files. ErrTopicNotFound if there is none.
func (b *Broker) DeleteTopic(name string) error {
	t := b.FindTopic(name)
	if t == nil {
		return ErrTopicNotFound
	}
	return b.drop(t, func() bool { return true })
}

// retire removes an ephemeral topic that has lost its last channel, unless it has got another since.
func (b *Broker) retire(t *Topic) {
	err := b.drop(t, func() bool { return len(t.channels) == 0 })
	if err != nil && !errors.Is(err, ErrTopicNotFound) && !errors.Is(err, ErrExiting) {
		b.o.Log.Error("remove ephemeral topic", "topic", t.name, "err", err)
	}
}

// drop takes a topic out of the broker at once and only then removes its files, with no lock held. It asks whether it
// should while no channel can be added.
func (b *Broker) drop(t *Topic, should func() bool) error {
	gone, err := b.dismiss(t, should)
	if gone == nil {
		return err
	}
	b.changed(t.name, !names.Ephemeral(t.name))
	err = t.remove()
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.leaving, t.name)
	close(gone)
	return err
}

func (b *Broker) dismiss(t *Topic, should func() bool) (gone chan struct{}, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, ErrExiting
	}
	if b.topics[t.name] != t {
		return nil, ErrTopicNotFound
	}
	if !t.stopIf(should) {
		return nil, nil
	}
	delete(b.topics, t.name)
	gone = make(chan struct{})
	b.leaving[t.name] = gone
	return gone, nil
}

// Health is nil, or the disk error of the last failed write that no successful one followed.
func (b *Broker) Health() error { return b.health.err() }

// Watch returns a new watcher of the topics. It hears of changes from now on; Close it in the end.
func (b *Broker) Watch() *Watch { return b.watchers.join() }

// Close stops every topic and writes what is in memory, in flight or deferred to disk. Load may follow in another Broker.
func (b *Broker) Close() error {
	topics, leaving, first := b.shut()
	if !first {
		return nil
	}
	for _, t := range topics {
		t.stop() // so that nothing comes or goes that nsqd.dat would lack
	}
	failed := b.metadata.seal()
	failed = errors.Join(failed, closeAll(topics))
	for _, gone := range leaving {
		<-gone
	}
	if b.lock != nil {
		failed = errors.Join(failed, b.lock.Close())
	}
	return failed
}

func (b *Broker) shut() (topics []*Topic, leaving []chan struct{}, first bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	first, b.closed = !b.closed, true
	return slices.Collect(maps.Values(b.topics)), slices.Collect(maps.Values(b.leaving)), first
}

// closeAll closes topics in parallel, because each waits for its own fsyncs. An ephemeral topic ends with the process, and
// so do the files that its ordinary channels may have.
func closeAll(topics []*Topic) error {
	var group sync.WaitGroup
	slots := make(chan struct{}, closeParallel)
	failed := make([]error, len(topics))
	for i, t := range topics {
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			end := t.close
			if names.Ephemeral(t.name) {
				end = t.remove
			}
			if err := end(); err != nil {
				failed[i] = fmt.Errorf("close topic %s: %w", t.name, err)
			}
		})
	}
	group.Wait()
	return errors.Join(failed...)
}
