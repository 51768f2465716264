package queue

import "time"

// Channel is one queue of a topic's messages, shared by its consumers.
type Channel struct{}

// Name returns the channel's name.
func (c *Channel) Name() string { panic("unwritten") }

// Topic returns the name of the channel's topic.
func (c *Channel) Topic() string { panic("unwritten") }

// Subscribe adds a consumer. ErrTooManyConsumers, ErrExiting.
func (c *Channel) Subscribe(consumer Consumer, terms Terms) (*Subscription, error) { panic("unwritten") }

// Empty drops everything: waiting, in flight, deferred.
func (c *Channel) Empty() error { panic("unwritten") }

// Pause stops or resumes deliveries.
func (c *Channel) Pause(paused bool) { panic("unwritten") }

// Paused tells whether the channel is paused.
func (c *Channel) Paused() bool { panic("unwritten") }

// Consumer is what a channel tells its consumers, all of it rare. Neither method may block or call back.
type Consumer interface {
	Wake()  // there is something to take now
	Close() // the channel is gone; so should the connection be
}

// Terms are what a consumer agreed on.
type Terms struct {
	MsgTimeout  time.Duration // 0 is Options.MsgTimeout
	SampleRate  int           // 0 is all; otherwise a message is kept with (SampleRate+1) percent
	ZoneLocal   bool
	RegionLocal bool
}

// Subscription is one consumer's place in a channel. Its methods may be called from several goroutines.
type Subscription struct{}

// SetReady sets how many messages may be in flight to the consumer, a level and not a credit.
func (s *Subscription) SetReady(n int) { panic("unwritten") }

// Take appends to into what the consumer may have now: at most its room, its fair share, cap(into)-len(into) messages and
// a bounded number of bytes. What it returns is in flight to this consumer, with Attempts counted. If it returns nothing, or
// the consumer has no room left, Consumer.Wake follows once there is something again.
func (s *Subscription) Take(into []Message) []Message { panic("unwritten") }

// Finish ends messages in flight to this consumer. It calls failed, in order, with the index of each id that it could not.
func (s *Subscription) Finish(ids []ID, failed func(i int, err error)) { panic("unwritten") }

// Requeue puts messages in flight back, after delay (clamped to 0..MaxReqTimeout) where that is not 0.
func (s *Subscription) Requeue(ids []ID, delays []time.Duration, failed func(i int, err error)) {
	panic("unwritten")
}

// Touch starts the message timeout of messages in flight anew, up to MaxMsgTimeout after their delivery.
func (s *Subscription) Touch(ids []ID, failed func(i int, err error)) { panic("unwritten") }

// Close leaves the channel. What is in flight stays so until its timeout, as with a stock nsqd.
func (s *Subscription) Close() { panic("unwritten") }

// Stats returns the consumer's counters.
func (s *Subscription) Stats() SubscriptionStats { panic("unwritten") }
