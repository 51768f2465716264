package queue

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"os"
	"slices"
	"sync"

	"github.com/nsqmesh/nsqmesh/node/names"
)

// Broker owns the topics of a node.
type Broker struct {
	o        Options
	ids      *idSource
	health   health
	metadata *metadata
	watchers watchers
	lock     *os.File // of the data path

	mu     sync.RWMutex // never held while waiting for the disk: every publish needs it
	topics map[string]*Topic
	busy   map[string]chan struct{} // names whose files are being opened or removed; closed afterwards
	closed bool

	refusal  error // see Refuse
	withheld bool
}

// New returns a Broker that has touched nothing yet.
func New(o Options) *Broker {
	b := &Broker{
		o:      o.withDefaults(),
		ids:    newIDSource(o.NodeID),
		topics: map[string]*Topic{},
		busy:   map[string]chan struct{}{},
	}
	b.o.deadLetter = b.deadLetter
	b.metadata = newMetadata(b.o.DataPath, b.o.Version, b.snapshot)
	return b
}

// SetNodeID changes what new message ids come from: 0 to 1023. Ids still rise.
func (b *Broker) SetNodeID(id int64) { b.ids.setNode(id) }

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
	t, fresh, err := b.findOrAdd(name)
	if fresh {
		b.introduce(t)
	}
	return t, err
}

func (b *Broker) findOrAdd(name string) (t *Topic, fresh bool, err error) {
	for {
		if t := b.FindTopic(name); t != nil {
			return t, false, nil
		}
		done, first, err := b.reserve(name)
		switch {
		case err != nil:
			return nil, false, err
		case first:
			t, err := b.addTopic(name, done)
			return t, err == nil, err
		case done != nil:
			<-done
		}
	}
}

// reserve makes a name without a topic busy, if it is the first to do so, or returns what is closed when the name is busy
// no more.
func (b *Broker) reserve(name string) (done chan struct{}, first bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, false, ErrExiting
	}
	if done := b.busy[name]; done != nil || b.topics[name] != nil {
		return done, false, nil
	}
	done = make(chan struct{})
	b.busy[name] = done
	return done, true, nil
}

// release ends what reserve or dismiss began. b.mu is held.
func (b *Broker) release(name string, done chan struct{}) {
	delete(b.busy, name)
	close(done)
}

// addTopic makes a topic of a reserved name.
func (b *Broker) addTopic(name string, done chan struct{}) (*Topic, error) {
	t := newTopic(name, &b.o, b.ids, &b.health, func(durable bool) { b.changed(name, durable) }, b.retire)
	b.mu.Lock()
	defer b.mu.Unlock()
	defer b.release(name, done)
	if b.closed {
		return nil, ErrExiting
	}
	t.refusal, t.withheld = b.refusal, b.withheld && !names.Ephemeral(name)
	b.topics[name] = t
	b.changed(name, !names.Ephemeral(name))
	return t, nil
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
	return b.drop(t)
}

// retire removes an ephemeral topic that has lost its last channel, unless it has got another since.
func (b *Broker) retire(t *Topic) {
	if !t.stopIf(func() bool { return len(t.channels) == 0 }) {
		return
	}
	err := b.drop(t)
	if err != nil && !errors.Is(err, ErrTopicNotFound) && !errors.Is(err, ErrExiting) {
		b.o.Log.Error("remove ephemeral topic", "topic", t.name, "err", err)
	}
}

// drop takes a topic out of the broker at once and only then removes its files, with no lock held.
func (b *Broker) drop(t *Topic) error {
	done, err := b.dismiss(t)
	if err != nil {
		return err
	}
	b.changed(t.name, !names.Ephemeral(t.name))
	t.stop()
	err = t.remove()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.release(t.name, done)
	return err
}

func (b *Broker) dismiss(t *Topic) (done chan struct{}, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, ErrExiting
	}
	if b.topics[t.name] != t {
		return nil, ErrTopicNotFound
	}
	delete(b.topics, t.name)
	done = make(chan struct{})
	b.busy[t.name] = done
	return done, nil
}

// Health is nil, or the disk error of the last failed write that no successful one followed.
func (b *Broker) Health() error { return b.health.err() }

// Watch returns a new watcher of the topics. It hears of changes from now on; Close it in the end.
func (b *Broker) Watch() *Watch { return b.watchers.join() }
