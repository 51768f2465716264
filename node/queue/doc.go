// Package queue is the data plane without sockets: topics, channels and the messages in them.
//
// A Broker owns the topics of a node, a Topic its channels. A batch of messages put on a topic is appended to every
// channel; consumers take batches from a channel through a Subscription. A message waits in memory, and beyond the
// bounds of memory on disk in go-diskqueue's files, in the record format of a stock nsqd.
//
// Locks, in the only order in which they may be taken together:
//
//	Broker.mu > Topic.mu > backlog.mu > disk.handing > Channel.mu > disk.mu
//
// A disk hands messages to a channel under disk.handing, and a channel asks its disk for more under Channel.mu, which
// takes no lock.
//
// No lock is held while waiting for the network. While waiting for the disk a publisher holds Topic.mu for reading, and
// backlog.mu where its messages go there; otherwise only a disk's own locks are held. So a slow disk holds up those who
// publish to it, and changes of their topic, but no other topic, no consumer that takes from memory and no counters.
//
// The package never logs a message, never starts a goroutine that ticks, and never assumes how messages wait
// outside the small types memory and disk.
package queue
