package admin

import (
	"math"
	"strconv"
	"time"
)

// Rate is a number a second, NaN (null in JSON) while it is not known.
type Rate float64

// MarshalJSON writes null for what JSON has no number for.
func (r Rate) MarshalJSON() ([]byte, error) {
	if math.IsNaN(float64(r)) || math.IsInf(float64(r), 0) {
		return []byte("null"), nil
	}
	return strconv.AppendFloat(nil, float64(r), 'f', 2, 64), nil
}

// UnknownRate is the rate of what has not been looked at for long enough.
var UnknownRate = Rate(math.NaN())

// Coverage tells of whom an answer has something.
type Coverage struct {
	At      time.Time `json:"at"`      // by this node's clock
	TookMs  float64   `json:"took_ms"` // how long the nodes were waited for, when they were asked
	Asked   int       `json:"asked"`
	Missing []Missing `json:"missing"` // sorted by name; empty if all answered
}

// Missing is a node of which an answer has nothing.
type Missing struct {
	Node    string `json:"node"`
	Address string `json:"address"` // of its HTTP API; empty if not known
	Reason  string `json:"reason"`  // for people
}

// Counts are counters of a topic, a channel or a node, summed up over nodes. Counters that only rise start at 0 when a node
// starts.
type Counts struct {
	Depth    int64 `json:"depth"`      // messages that wait: of a topic those in it and in its channels
	OnDisk   int64 `json:"on_disk"`    // the part of Depth that is on disk
	InFlight int64 `json:"in_flight"`  // sent to consumers and not answered
	Deferred int64 `json:"deferred"`   // waiting for their time
	Messages int64 `json:"messages"`   // taken since the start; of a channel and its topic alike what came in
	Bytes    int64 `json:"bytes"`      // their bodies; 0 for channels
	Requeues int64 `json:"requeues"`   // since the start
	Timeouts int64 `json:"timeouts"`   // since the start
	Clients  int64 `json:"clients"`    // consumers
	Rates    Rates `json:"per_second"` // now
}

// Rates are what happens in a second. Out is finished messages, found from what came and what is still there.
type Rates struct {
	In       Rate `json:"in"`
	Out      Rate `json:"out"`
	Requeues Rate `json:"requeues"`
	Timeouts Rate `json:"timeouts"`
}

// Latency is the time from publish to finish of one topic or channel. Percentiles is empty unless nodes measure them.
type Latency struct {
	Count       int64        `json:"count"`
	Percentiles []Percentile `json:"percentiles"`
}

// Percentile joins that of several nodes: Value is their mean weighted by Count. All in nanoseconds.
type Percentile struct {
	Quantile float64 `json:"quantile"` // 0.99
	Value    float64 `json:"value"`
	Min      float64 `json:"min"`
	Max      float64 `json:"max"`
	Count    int64   `json:"count"`
}

// TopicRow is a topic in a list.
type TopicRow struct {
	Name string `json:"name"`
	Counts
	TopicDepth int64    `json:"topic_depth"` // the part of Depth that waits in the topic itself, not in a channel
	Channels   int      `json:"channels"`
	Nodes      []string `json:"nodes"`      // that have it, sorted; empty for one that is only known by name
	Paused     int      `json:"paused"`     // on how many nodes
	Tombstoned []string `json:"tombstoned"` // nodes that lookups of it leave out
	Latency    Latency  `json:"latency"`
}

// ChannelRow is a channel in a list.
type ChannelRow struct {
	Topic string `json:"topic"`
	Name  string `json:"name"`
	Counts
	Nodes   []string `json:"nodes"`
	Paused  int      `json:"paused"`
	Zones   Zones    `json:"zones"`
	Latency Latency  `json:"latency"`
}

// Zones count deliveries by how near the consumer was, on nodes that tell them apart.
type Zones struct {
	Zone   int64 `json:"zone"`
	Region int64 `json:"region"`
	Global int64 `json:"global"`
}

// OnNode is what one node has of a topic or a channel.
type OnNode struct {
	Node    string `json:"node"`
	Address string `json:"address"` // of its HTTP API: what nsqadmin calls the node
	Zone    string `json:"zone"`
	Region  string `json:"region"`
	Counts
	TopicDepth int64   `json:"topic_depth"` // topics only
	Channels   int     `json:"channels"`    // topics only
	Zones      Zones   `json:"zones"`       // channels only
	Paused     bool    `json:"paused"`
	Tombstoned bool    `json:"tombstoned"` // topics only
	Latency    Latency `json:"latency"`
}

// TopicList is all topics, sorted by name.
type TopicList struct {
	Coverage
	Topics []TopicRow `json:"topics"`
}

// ChannelList is all channels, sorted by topic and name.
type ChannelList struct {
	Coverage
	Channels []ChannelRow `json:"channels"`
}

// TopicDetail is one topic. Known is false if nobody has heard of it.
type TopicDetail struct {
	Coverage
	Known bool `json:"known"`
	TopicRow
	ChannelRows []ChannelRow `json:"channel_rows"`
	OnNodes     []OnNode     `json:"on_nodes"`
	KnownOnly   []string     `json:"known_only"` // channels that are known by name and on no node
}

// ChannelDetail is one channel with its consumers.
type ChannelDetail struct {
	Coverage
	Known bool `json:"known"`
	ChannelRow
	OnNodes    []OnNode    `json:"on_nodes"`
	ClientRows []ClientRow `json:"client_rows"`
}

// Totals are those of the whole mesh.
type Totals struct {
	Counts
	Topics    int `json:"topics"`
	Channels  int `json:"channels"`
	Nodes     int `json:"nodes"`     // that should be there: members that did not leave, and stock nsqds that are registered
	Answering int `json:"answering"` // those that did
	Paused    int `json:"paused"`    // topics and channels
}

// Overview is the state of the mesh, what needs attention first.
type Overview struct {
	Coverage
	Totals
	Alerts   []Alert      `json:"alerts"`  // the gravest first
	Deepest  []ChannelRow `json:"deepest"` // channels and at most ten
	Busiest  []TopicRow   `json:"busiest"` // topics and at most ten
	NodeRows []NodeRow    `json:"node_rows"`
}

// Alert is something that somebody should look at.
type Alert struct {
	Grave   bool   `json:"grave"`
	Kind    string `json:"kind"` // node, depth, consumers, timeouts, disk, registry, health
	Topic   string `json:"topic"`
	Channel string `json:"channel"`
	Node    string `json:"node"`
	Text    string `json:"text"` // for people
}

// Counter is the number of messages that channels took since their nodes started: one for each channel.
type Counter struct {
	Coverage
	Messages int64 `json:"messages"`
	Rate     Rate  `json:"per_second"`
}
