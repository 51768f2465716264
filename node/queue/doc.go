// Package queue is the data plane without sockets: topics, channels and the messages in them.
//
// A Broker owns the topics of a node, a Topic its channels. A batch of messages put on a topic is appended to every
// channel; consumers take batches from a channel through a Subscription. A message waits in memory, and beyond the
// bounds of memory on disk in go-diskqueue's files, in the record format of a stock nsqd.
//
// Locks, in the only order in which they may be taken together:
//
//	Broker.mu > Topic.mu > Channel.mu > disk.mu
//
// No lock is held while waiting for the network, and none but disk.mu while waiting for the disk.
//
// The package never logs a message, never starts a goroutine that ticks, and never assumes how messages wait
// outside the small types memory and disk.
package queue
