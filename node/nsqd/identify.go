package nsqd

import (
	"encoding/json"
	"time"

	"github.com/nsqmesh/nsqmesh/node/queue"
)

// identity is the body of IDENTIFY. Intervals are in milliseconds.
type identity struct {
	ClientID            string `json:"client_id"`
	Hostname            string `json:"hostname"`
	UserAgent           string `json:"user_agent"`
	HeartbeatInterval   int64  `json:"heartbeat_interval"`
	OutputBufferTimeout int64  `json:"output_buffer_timeout"`
	OutputBufferSize    int64  `json:"output_buffer_size"`
	SampleRate          int32  `json:"sample_rate"`
	MsgTimeout          int64  `json:"msg_timeout"`
	FeatureNegotiation  bool   `json:"feature_negotiation"`
	TLS                 bool   `json:"tls_v1"`
	Deflate             bool   `json:"deflate"`
	DeflateLevel        int    `json:"deflate_level"`
	Snappy              bool   `json:"snappy"`
	TopologyRegion      string `json:"topology_region"`
	TopologyZone        string `json:"topology_zone"`
}

// agreement is what server and client agreed on.
type agreement struct {
	heartbeat           time.Duration // 0 is off
	outputBufferTimeout time.Duration
	outputBufferSize    int64
	sampleRate          int
	msgTimeout          time.Duration
	zoneLocal           bool
	regionLocal         bool
}

const (
	minInterval             = 1000 // of heartbeats and message timeouts, ms
	minOutputBufferSize     = 64
	defaultOutputBufferSize = 16 << 10
	maxSampleRate           = 99
)

// newAgreement is what holds without IDENTIFY.
func newAgreement(o *Options) agreement {
	return agreement{
		heartbeat:           o.ClientTimeout / 2,
		outputBufferTimeout: o.OutputBufferTimeout,
		outputBufferSize:    defaultOutputBufferSize,
		msgTimeout:          o.MsgTimeout,
	}
}

func (a *agreement) terms() queue.Terms {
	return queue.Terms{
		MsgTimeout: a.msgTimeout, SampleRate: a.sampleRate,
		ZoneLocal: a.zoneLocal, RegionLocal: a.regionLocal,
	}
}

// identify is IDENTIFY. It may be repeated until SUB, and the last one holds in everything (with a stock nsqd the first
// goes on to hold in some things, such as the times of heartbeats, so that a client could be cut off for missing
// heartbeats that nobody sent).
func (c *conn) identify() error {
	if c.state.Load() != stateInit {
		return fail(invalid, "cannot IDENTIFY in current state")
	}
	body, err := c.document("IDENTIFY")
	if err != nil {
		return err
	}
	var id identity
	if err := json.Unmarshal(body, &id); err != nil {
		return fail(badBody, "IDENTIFY failed to decode JSON body").because(err)
	}
	if err := c.agreed.take(&id, &c.server.o); err != nil {
		return err
	}
	c.introduce(&id)
	c.beatEvery(c.agreed.heartbeat)
	if !id.FeatureNegotiation {
		c.s.answers = append(c.s.answers, okFrame...)
		return nil
	}
	return c.negotiate(&id)
}

// document reads the body of IDENTIFY or AUTH. It is valid until more is read.
func (c *conn) document(verb string) ([]byte, error) {
	n, err := c.size()
	if err != nil {
		return nil, reading(err, badBody, "%s failed to read body size", verb)
	}
	if most := c.server.o.MaxBodySize; int64(n) > most {
		return nil, fail(badBody, "%s body too big %d > %d", verb, n, most)
	}
	if n <= 0 {
		return nil, fail(badBody, "%s invalid body size %d", verb, n)
	}
	b, _, err := c.body(int(n))
	if err != nil {
		return nil, reading(err, badBody, "%s failed to read body", verb)
	}
	return b, nil
}

// take takes over what a client asks for, in the order in which mistakes are told.
func (a *agreement) take(id *identity, o *Options) error {
	switch n := id.HeartbeatInterval; {
	case n == 0:
	case n == -1:
		a.heartbeat = 0
	case n >= minInterval && n <= o.MaxHeartbeatInterval.Milliseconds():
		a.heartbeat = time.Duration(n) * time.Millisecond
	default:
		return fail(badBody, "IDENTIFY heartbeat interval (%d) is invalid", n)
	}
	switch n := id.OutputBufferTimeout; {
	case n == 0:
	case n == -1:
		a.outputBufferTimeout = 0
	case n >= o.MinOutputBufferTimeout.Milliseconds() && n <= o.MaxOutputBufferTimeout.Milliseconds():
		a.outputBufferTimeout = time.Duration(n) * time.Millisecond
	default:
		return fail(badBody, "IDENTIFY output buffer timeout (%d) is invalid", n)
	}
	switch n := id.OutputBufferSize; {
	case n == 0:
	case n == -1:
		a.outputBufferSize, a.outputBufferTimeout = 1, 0
	case n >= minOutputBufferSize && n <= o.MaxOutputBufferSize:
		a.outputBufferSize = n
	default:
		return fail(badBody, "IDENTIFY output buffer size (%d) is invalid", n)
	}
	if n := id.SampleRate; n < 0 || n > maxSampleRate {
		return fail(badBody, "IDENTIFY sample rate (%d) is invalid", n)
	}
	a.sampleRate = int(id.SampleRate)
	switch n := id.MsgTimeout; {
	case n == 0:
	case n >= minInterval && n <= o.MaxMsgTimeout.Milliseconds():
		a.msgTimeout = time.Duration(n) * time.Millisecond
	default:
		return fail(badBody, "IDENTIFY msg timeout (%d) is invalid", n)
	}
	a.zoneLocal = o.TopologyAware && id.TopologyZone == o.TopologyZone
	a.regionLocal = o.TopologyAware && id.TopologyRegion == o.TopologyRegion
	return nil
}

// introduce takes over what a client says about itself.
func (c *conn) introduce(id *identity) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clientID, c.hostname, c.userAgent = id.ClientID, id.Hostname, id.UserAgent
	c.zone, c.region = id.TopologyZone, id.TopologyRegion
	c.sampleRate = c.agreed.sampleRate
}
