package queue

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"time"
)

// Options are what a Broker needs to know. Sizes are in messages or bytes as named.
type Options struct {
	DataPath string // folder of nsqd.dat and of the disk queues; must exist; "" is the current one
	NodeID   int64  // 0 to 1023, part of every message id
	Version  string // written to nsqd.dat

	MemQueueSize    int64 // messages that one topic or channel keeps in memory before the disk takes over
	MemQueueBytes   int64 // the same in bytes of bodies; whichever is reached first; 0 is no bound
	MaxBytesPerFile int64 // a disk queue file is closed before it grows beyond this
	MaxMsgSize      int64 // largest body that may be read back from disk

	// A disk queue is synced after SyncEvery reads and writes, SyncTimeout after the first unsynced one, when a file is
	// full and when it is closed. Neither 0 nor less is a sensible count or time, so it turns that one trigger off; a
	// stock nsqd panics or syncs at odd moments instead. SyncEvery 1 is a sync for each message.
	SyncEvery   int64
	SyncTimeout time.Duration

	MsgTimeout          time.Duration // in-flight time where a consumer asks for none
	MaxMsgTimeout       time.Duration // how long TOUCH may stretch one delivery
	MaxReqTimeout       time.Duration // longest delay of a requeue
	MaxChannelConsumers int           // 0 is no limit

	LatencyPercentiles []float64 // of the time from publish to FIN; empty is off
	LatencyWindow      time.Duration

	// Channels names the channels that the cluster knows for a topic. It is asked once, when a topic is created
	// here and not loaded, and may block; the topic hands nothing on until it has answered. Nil is none.
	Channels func(topic string) []string

	// Policy is what a topic is held to, nil for nothing. It is asked when a topic is made and by Enforce, and must not block.
	Policy func(topic string) *Policy

	Log *slog.Logger

	deadLetter func(topic string, batch []Message) error // the broker's own
}

const (
	recordHeader = 26 // bytes of a message record before its body: timestamp, attempts, id
	never        = math.MaxInt64
)

// withDefaults fills in what may be left out.
func (o Options) withDefaults() Options {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.DataPath == "" {
		o.DataPath = "."
	}
	if o.MaxBytesPerFile <= 0 {
		o.MaxBytesPerFile = never
	}
	if o.SyncEvery <= 0 {
		o.SyncEvery = never
	}
	if o.SyncTimeout <= 0 {
		o.SyncTimeout = never
	}
	o.MemQueueSize = max(o.MemQueueSize, 0)
	return o
}

// check refuses what would harm the files or the ids.
func (o Options) check() error {
	if strings.Contains(o.DataPath, "%") {
		return fmt.Errorf("data path %q contains a %%, which would garble the names of the disk queue files", o.DataPath)
	}
	if o.NodeID < 0 || o.NodeID > 1023 {
		return errors.New("node id must be [0,1024)")
	}
	if o.MaxMsgSize <= 0 || o.MaxMsgSize > math.MaxInt32-recordHeader {
		return fmt.Errorf("max message size must be [1,%d]", math.MaxInt32-recordHeader)
	}
	for _, q := range o.LatencyPercentiles {
		if q <= 0 || q > 1 {
			return fmt.Errorf("invalid E2E processing latency percentile: %v", q)
		}
	}
	return nil
}
