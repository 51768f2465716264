package nsqd

import (
	"crypto/tls"
	"log/slog"
	"time"
)

// Options are the limits and defaults that connections are held to. Most are a stock nsqd's flags of the same name.
type Options struct {
	Version string // as told to clients

	MaxMsgSize  int64 // largest message, in bytes
	MaxBodySize int64 // largest body of MPUB, IDENTIFY and AUTH, in bytes

	MsgTimeout    time.Duration // where a client asks for none
	MaxMsgTimeout time.Duration // most that a client may ask for
	MaxReqTimeout time.Duration // longest delay of REQ and DPUB

	ClientTimeout        time.Duration // a client is gone after this much silence; heartbeats come twice as often
	MaxHeartbeatInterval time.Duration

	MaxRdyCount         int64
	MaxChannelConsumers int // only for the text of the refusal; the queue keeps the limit

	// How long and how much output may be held back is agreed with clients, because they ask, but nothing ever is: what
	// has been encoded is on the wire.
	OutputBufferTimeout    time.Duration
	MinOutputBufferTimeout time.Duration
	MaxOutputBufferTimeout time.Duration
	MaxOutputBufferSize    int64

	Deflate         bool // offered to clients
	MaxDeflateLevel int
	Snappy          bool // offered to clients

	TLS         *tls.Config // nil is not offered
	TLSRequired bool        // nothing but IDENTIFY without it

	Auth Authorizer // nil is off

	TopologyRegion string
	TopologyZone   string
	TopologyAware  bool // consumers of our own zone, then region, are preferred

	Log *slog.Logger
}

// Defaults are the options of a stock nsqd without flags.
func Defaults() Options {
	return Options{
		MaxMsgSize:             1 << 20,
		MaxBodySize:            5 << 20,
		MsgTimeout:             time.Minute,
		MaxMsgTimeout:          15 * time.Minute,
		MaxReqTimeout:          time.Hour,
		ClientTimeout:          time.Minute,
		MaxHeartbeatInterval:   time.Minute,
		MaxRdyCount:            2500,
		OutputBufferTimeout:    250 * time.Millisecond,
		MinOutputBufferTimeout: 25 * time.Millisecond,
		MaxOutputBufferTimeout: 30 * time.Second,
		MaxOutputBufferSize:    64 << 10,
		Deflate:                true,
		MaxDeflateLevel:        6,
		Snappy:                 true,
		Log:                    slog.New(slog.DiscardHandler),
	}
}
