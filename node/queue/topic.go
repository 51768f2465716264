package queue

// Topic is a named stream of messages, copied to each of its channels.
type Topic struct{}

// Name returns the topic's name.
func (t *Topic) Name() string { panic("unwritten") }

// Put publishes a batch: every message is in every channel, in memory or handed to the operating system, when it
// returns nil. It sets ID in each message, and Timestamp where that is 0; the slice may be reused afterwards. On an error some messages may be
// stored. ErrExiting when the topic is being deleted or closed.
func (t *Topic) Put(batch []Message) error { panic("unwritten") }

// Channel returns the channel of that (valid) name, made if it is missing.
func (t *Topic) Channel(name string) (*Channel, error) { panic("unwritten") }

// FindChannel returns the channel or nil.
func (t *Topic) FindChannel(name string) *Channel { panic("unwritten") }

// Channels returns all channels, sorted by name.
func (t *Topic) Channels() []*Channel { panic("unwritten") }

// DeleteChannel removes a channel with its messages and files and closes its consumers. ErrChannelNotFound if there is none.
func (t *Topic) DeleteChannel(name string) error { panic("unwritten") }

// Empty drops what waits in the topic itself, not in its channels.
func (t *Topic) Empty() error { panic("unwritten") }

// Pause stops or resumes the hand-over to channels. It is in nsqd.dat after Broker.Persist.
func (t *Topic) Pause(paused bool) { panic("unwritten") }

// Paused tells whether the topic is paused.
func (t *Topic) Paused() bool { panic("unwritten") }
