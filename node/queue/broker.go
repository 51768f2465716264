package queue

import "context"

// Broker owns the topics of a node.
type Broker struct{}

// New returns a Broker that has touched nothing yet.
func New(o Options) *Broker { panic("unwritten") }

// Load reads nsqd.dat and opens what it names. It is called once, before anything else.
func (b *Broker) Load() error { panic("unwritten") }

// Run writes nsqd.dat whenever topics, channels or pauses changed, until ctx ends.
func (b *Broker) Run(ctx context.Context) error { panic("unwritten") }

// Close stops every topic and writes what is in memory, in flight or deferred to disk. Load may follow in another Broker.
func (b *Broker) Close() error { panic("unwritten") }

// Persist returns when nsqd.dat on disk holds all changes made before the call.
func (b *Broker) Persist() error { panic("unwritten") }

// Topic returns the topic of that (valid) name, made if it is missing. Creating a topic first asks Options.Channels; other
// callers use the topic meanwhile.
func (b *Broker) Topic(name string) (*Topic, error) { panic("unwritten") }

// FindTopic returns the topic or nil.
func (b *Broker) FindTopic(name string) *Topic { panic("unwritten") }

// Topics returns all topics, sorted by name.
func (b *Broker) Topics() []*Topic { panic("unwritten") }

// DeleteTopic removes a topic with all channels and files. ErrTopicNotFound if there is none.
func (b *Broker) DeleteTopic(name string) error { panic("unwritten") }

// Health is nil, or the disk error of the last failed write that no successful one followed.
func (b *Broker) Health() error { panic("unwritten") }

// Watch returns a new watcher of the topics.
func (b *Broker) Watch() *Watch { panic("unwritten") }

// Watch tells one reader which topics changed: came, went, were paused, or had a channel come, go or be paused.
type Watch struct{}

// C receives after a change; several changes may be one receive.
func (w *Watch) C() <-chan struct{} { panic("unwritten") }

// Names returns the topics that changed since the last call.
func (w *Watch) Names() []string { panic("unwritten") }
