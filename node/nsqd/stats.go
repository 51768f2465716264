package nsqd

import (
	"crypto/tls"
	"fmt"
	"time"

	"github.com/nsqmesh/nsqmesh/node/queue"
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

	SampleRate     int
	Deflate        bool
	Snappy         bool
	TopologyZone   string
	TopologyRegion string

	Authed          bool
	AuthIdentity    string
	AuthIdentityURL string

	TLS                           bool
	TLSCipherSuite                string
	TLSVersion                    string // TLS1.0 to TLS1.3
	TLSNegotiatedProtocol         string
	TLSNegotiatedProtocolIsMutual bool
}

// PubCount is how many messages a connection published to a topic.
type PubCount struct {
	Topic string
	Count uint64
}

// facts are what is shown of a connection, guarded by conn.mu. Only the reader changes them, so it reads them without.
type facts struct {
	clientID, hostname, userAgent string
	zone, region                  string
	sampleRate                    int
	deflate, snappy               bool
	tls                           *tls.Conn // nil without
	auth                          *Authorization
	topic, channel                string
	sub                           *queue.Subscription
	published                     map[string]*destination
}

func (c *conn) stats() ClientStats {
	c.mu.Lock()
	f := c.facts
	var counts []PubCount
	for _, to := range f.published {
		if n := to.count.Load(); n > 0 {
			counts = append(counts, PubCount{to.name, n})
		}
	}
	c.mu.Unlock()
	s := ClientStats{
		ClientID: f.clientID, Hostname: f.hostname, UserAgent: f.userAgent,
		RemoteAddress: c.String(),
		State:         int(c.state.Load()),
		Connected:     c.since,
		Topic:         f.topic, Channel: f.channel,
		PubCounts:  counts,
		SampleRate: f.sampleRate,
		Deflate:    f.deflate, Snappy: f.snappy,
		TopologyZone: f.zone, TopologyRegion: f.region,
	}
	if f.sub != nil {
		n := f.sub.Stats()
		s.Ready, s.InFlight = n.Ready, n.InFlight
		s.MessageCount, s.FinishCount, s.RequeueCount = n.MessageCount, n.FinishCount, n.RequeueCount
	}
	if f.auth != nil {
		s.Authed, s.AuthIdentity, s.AuthIdentityURL = true, f.auth.Identity, f.auth.IdentityURL
	}
	if f.tls != nil {
		s.secure(f.tls.ConnectionState())
	}
	return s
}

// secure tells what protects the connection. The cipher suites of TLS 1.3 have their names, where a stock nsqd shows
// "Unknown 4865".
func (s *ClientStats) secure(t tls.ConnectionState) {
	s.TLS = true
	s.TLSCipherSuite = tls.CipherSuiteName(t.CipherSuite)
	s.TLSVersion = tlsVersion(t.Version)
	s.TLSNegotiatedProtocol = t.NegotiatedProtocol
	s.TLSNegotiatedProtocolIsMutual = true
}

func tlsVersion(v uint16) string {
	if v < tls.VersionTLS10 || v > tls.VersionTLS13 {
		return fmt.Sprintf("Unknown %d", v)
	}
	return fmt.Sprintf("TLS1.%d", v-tls.VersionTLS10)
}
