package httpapi

import "github.com/nsqmesh/nsqmesh/node/nsqd"

// clientStats is what /stats shows of a connection, consumer or producer.
type clientStats struct {
	ClientID        string     `json:"client_id"`
	Hostname        string     `json:"hostname"`
	Version         string     `json:"version"`
	RemoteAddress   string     `json:"remote_address"`
	State           int        `json:"state"`
	Ready           int        `json:"ready_count"`
	InFlight        int        `json:"in_flight_count"`
	MessageCount    uint64     `json:"message_count"`
	FinishCount     uint64     `json:"finish_count"`
	RequeueCount    uint64     `json:"requeue_count"`
	Connected       int64      `json:"connect_ts"`
	SampleRate      int        `json:"sample_rate"`
	Deflate         bool       `json:"deflate"`
	Snappy          bool       `json:"snappy"`
	UserAgent       string     `json:"user_agent"`
	Authed          bool       `json:"authed,omitempty"`
	AuthIdentity    string     `json:"auth_identity,omitempty"`
	AuthIdentityURL string     `json:"auth_identity_url,omitempty"`
	Zone            string     `json:"topology_zone"`
	Region          string     `json:"topology_region"`
	PubCounts       []pubCount `json:"pub_counts,omitempty"` // at most one, as stock has it
	TLS             bool       `json:"tls"`
	CipherSuite     string     `json:"tls_cipher_suite"`
	TLSVersion      string     `json:"tls_version"`
	ALPN            string     `json:"tls_negotiated_protocol"`
	ALPNIsMutual    bool       `json:"tls_negotiated_protocol_is_mutual"`
}

type pubCount struct {
	Topic string `json:"topic"`
	Count uint64 `json:"count"`
}

// consumers are the subscribed connections by channel. Nil is that nobody asked for them.
type consumers map[channelKey][]clientStats

type channelKey struct{ topic, channel string }

func (c consumers) of(topic, channel string) []clientStats {
	if c == nil {
		return nil
	}
	if clients := c[channelKey{topic, channel}]; clients != nil {
		return clients
	}
	return []clientStats{}
}

// clientStats returns the consumers, of one topic or of all, and everybody who has published anything. A connection may
// be both.
func (a *nsqdAPI) clientStats(topic string) (consumers, []clientStats) {
	subscribed, producers := consumers{}, []clientStats(nil)
	for _, c := range a.Clients() {
		consumes := c.Channel != "" && (topic == "" || topic == c.Topic)
		if !consumes && len(c.PubCounts) == 0 {
			continue
		}
		stats := newClientStats(&c, topic)
		if consumes {
			key := channelKey{c.Topic, c.Channel}
			subscribed[key] = append(subscribed[key], stats)
		}
		if len(c.PubCounts) > 0 {
			producers = append(producers, stats)
		}
	}
	return subscribed, producers
}

func newClientStats(c *nsqd.ClientStats, topic string) clientStats {
	return clientStats{
		ClientID:        c.ClientID,
		Hostname:        c.Hostname,
		Version:         "V2",
		RemoteAddress:   c.RemoteAddress,
		State:           c.State,
		Ready:           c.Ready,
		InFlight:        c.InFlight,
		MessageCount:    c.MessageCount,
		FinishCount:     c.FinishCount,
		RequeueCount:    c.RequeueCount,
		Connected:       c.Connected.Unix(),
		SampleRate:      c.SampleRate,
		Deflate:         c.Deflate,
		Snappy:          c.Snappy,
		UserAgent:       c.UserAgent,
		Authed:          c.Authed,
		AuthIdentity:    c.AuthIdentity,
		AuthIdentityURL: c.AuthIdentityURL,
		Zone:            c.TopologyZone,
		Region:          c.TopologyRegion,
		PubCounts:       shownPubCount(c.PubCounts, topic),
		TLS:             c.TLS,
		CipherSuite:     c.TLSCipherSuite,
		TLSVersion:      c.TLSVersion,
		ALPN:            c.TLSNegotiatedProtocol,
		ALPNIsMutual:    c.TLSNegotiatedProtocolIsMutual,
	}
}

// shownPubCount is the count of the topic asked for, or the first of all.
func shownPubCount(counts []nsqd.PubCount, topic string) []pubCount {
	for _, c := range counts {
		if topic == "" || topic == c.Topic {
			return []pubCount{pubCount(c)}
		}
	}
	return nil
}
