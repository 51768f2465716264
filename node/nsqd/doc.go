// Package nsqd speaks the TCP protocol V2 of NSQ: it serves the connections of producers and consumers.
//
// # What a connection is
//
// One goroutine reads commands (read.go) and does them. After SUB a second one delivers messages (deliver.go). Heartbeats
// are a timer (heartbeat.go). Everything that leaves goes through one lock, conn.out (output.go), so frames never mix.
//
// The reader takes every complete command out of its buffer before it acts: consecutive publishes to one topic become one
// Topic.Put, consecutive FINs one Subscription.Finish (pending.go), and their answers leave in one write, in order.
// What is pending is always settled before the reader waits for input and before anything that depends on it.
//
// Memory that a quiet connection does not need is not its own: read buffer and batches (scratch.go) and the buffer
// of messages on their way out (deliver.go) are borrowed from pools.
//
// # What guards what
//
// The reader alone touches the input and what is pending. conn.out guards the way out and the heartbeat. conn.mu guards
// what /stats shows of a connection; only the reader changes it. Server.mu guards the set of connections. conn.out may be
// held while a channel is asked for messages; nothing else is locked under or around these.
//
// # What it never does
//
// It stores nothing, retries nothing, and knows neither HTTP nor other nodes. It never logs a message.
package nsqd
