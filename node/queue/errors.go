package queue

import "errors"

// What a client sees of these is their text, so they are worded as a stock nsqd words them.
var (
	ErrExiting          = errors.New("exiting")
	ErrDraining         = errors.New("draining")
	ErrNotInFlight      = errors.New("ID not in flight")
	ErrNotOwner         = errors.New("client does not own message")
	ErrTooManyConsumers = errors.New("too many consumers")
	ErrTopicNotFound    = errors.New("topic not found")
	ErrNoAutoCreate     = errors.New("unknown topic")
	ErrChannelNotFound  = errors.New("channel not found")
)
