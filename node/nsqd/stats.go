package nsqd

import (
	"crypto/tls"
	"time"
)

// ClientStats are the facts of one connection at one moment.
type ClientStats struct {
	ClientID      string // the remote IP until IDENTIFY, then as sent
	Hostname      string // likewise
	UserAgent     string
	RemoteAddress string // host:port, "@" on a Unix socket
	State         int    // 0 before SUB, 3 subscribed, 4 after CLS
	Connected     time.Time

	Topic   string // what it subscribed to, empty before SUB
	Channel string

	Ready        int
	InFlight     int
	MessageCount uint64 // deliveries
	FinishCount  uint64
	RequeueCount uint64
	PubCounts    []PubCount // one for each topic that it published to; empty for pure consumers

	SampleRate int
	Deflate    bool
	Snappy     bool
	Zone       string
	Region     string

	Authed          bool
	AuthIdentity    string
	AuthIdentityURL string

	TLS *tls.ConnectionState // nil without TLS
}

// PubCount is how many messages a connection published to a topic.
type PubCount struct {
	Topic string
	Count uint64
}
