package queue

import (
	"log/slog"
	"time"
)

// Options are what a Broker needs to know. Sizes are in messages or bytes as named.
type Options struct {
	DataPath string // folder of nsqd.dat and of the disk queues; must exist
	NodeID   int64  // 0 to 1023, part of every message id
	Version  string // written to nsqd.dat

	MemQueueSize    int64 // messages that one topic or channel keeps in memory before the disk takes over
	MemQueueBytes   int64 // the same in bytes of bodies; whichever is reached first; 0 is no bound
	MaxBytesPerFile int64 // a disk queue file is closed beyond this
	SyncEvery       int64 // disk operations per fsync
	SyncTimeout     time.Duration
	MaxMsgSize      int64 // largest body that may be read back from disk

	MsgTimeout          time.Duration // in-flight time where a consumer asks for none
	MaxMsgTimeout       time.Duration // how long TOUCH may stretch one delivery
	MaxReqTimeout       time.Duration // longest delay of a requeue
	MaxChannelConsumers int           // 0 is no limit

	LatencyPercentiles []float64 // of the time from publish to FIN; empty is off
	LatencyWindow      time.Duration

	// Channels names the channels that the cluster knows for a topic. It is asked once, when a topic is created
	// here and not loaded, and may block; the topic hands nothing on until it has answered. Nil is none.
	Channels func(topic string) []string

	Log *slog.Logger
}
