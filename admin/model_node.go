package admin

import "time"

// NodeRow is a node in a list: a member of the mesh, or a stock nsqd that registered with one.
type NodeRow struct {
	Name       string `json:"name"`    // what its page is called: unique, its address where it has no name
	ID         string `json:"id"`      // empty for a stock nsqd
	Address    string `json:"address"` // of its HTTP API, host:port
	TCPAddress string `json:"tcp_address"`
	Hostname   string `json:"hostname"`
	Version    string `json:"version"` // of nsqd that it is compatible with
	Zone       string `json:"zone"`
	Region     string `json:"region"`
	Self       bool   `json:"self"`  // the node that answers
	Stock      bool   `json:"stock"` // an nsqd that is no member
	Status     string `json:"status"`
	StatusFor  int64  `json:"status_for_ms"`
	Draining   bool   `json:"draining"`
	Answers    bool   `json:"answers"`    // it did just now
	Why        string `json:"why"`        // it does not
	Health     string `json:"health"`     // "OK", or what is wrong with its disk
	OutOfDate  bool   `json:"outofdate"`  // another node has a later version
	StartTime  int64  `json:"start_time"` // Unix seconds; 0 if not known
	Counts
	Topics     int      `json:"topics"`
	Channels   int      `json:"channels"`
	Tombstoned []string `json:"tombstoned"` // topics whose lookups leave it out
	Vitals     *Vitals  `json:"vitals"`     // nil of a stock nsqd, or if it did not answer
}

// Vitals is how a node's process and disk are, as GET /vitals tells.
type Vitals struct {
	Product     string `json:"product"` // nsqmesh's own version
	StartTime   int64  `json:"start_time"`
	UptimeMs    int64  `json:"uptime_ms"`
	HeapBytes   int64  `json:"heap_bytes"`
	SystemBytes int64  `json:"system_bytes"` // that Go took from the system
	Goroutines  int    `json:"goroutines"`
	Connections int    `json:"connections"` // of the TCP protocol
	DiskFree    int64  `json:"disk_free"`   // bytes, where the data folder is; -1 if not known
	DiskTotal   int64  `json:"disk_total"`
	History     int64  `json:"history_bytes"` // memory of its history; 0 when it keeps none
}

// NodeList is all nodes, sorted by name.
type NodeList struct {
	Coverage
	Nodes []NodeRow `json:"nodes"`
}

// NodeDetail is one node with all it has. Known is false if there is no such node.
type NodeDetail struct {
	Coverage
	Known bool `json:"known"`
	NodeRow
	TopicRows   []TopicRow   `json:"topic_rows"`
	ChannelRows []ChannelRow `json:"channel_rows"`
	ClientRows  []ClientRow  `json:"client_rows"` // consumers, then producers
	Memory      *Memory      `json:"memory"`
}

// Memory is what /stats tells of a node's memory.
type Memory struct {
	HeapObjects       uint64 `json:"heap_objects"`
	HeapIdleBytes     uint64 `json:"heap_idle_bytes"`
	HeapInUseBytes    uint64 `json:"heap_in_use_bytes"`
	HeapReleasedBytes uint64 `json:"heap_released_bytes"`
	GCPauseUsec100    uint64 `json:"gc_pause_usec_100"`
	GCPauseUsec99     uint64 `json:"gc_pause_usec_99"`
	GCPauseUsec95     uint64 `json:"gc_pause_usec_95"`
	NextGCBytes       uint64 `json:"next_gc_bytes"`
	GCTotalRuns       uint32 `json:"gc_total_runs"`
}

// ClientRow is a connection, of a consumer or of a producer.
type ClientRow struct {
	Node        string `json:"node"`
	NodeAddress string `json:"node_address"` // of its HTTP API
	NodeZone    string `json:"node_zone"`
	NodeRegion  string `json:"node_region"`
	Topic       string `json:"topic"`   // what it consumes, or where a producer published last
	Channel     string `json:"channel"` // empty for a producer
	Client
	Published int64         `json:"published"` // by a producer
	Connected time.Duration `json:"connected"` // for how long, by the clocks of both nodes
}

// Client is what /stats tells of a connection.
type Client struct {
	ClientID        string `json:"client_id"`
	Hostname        string `json:"hostname"`
	Version         string `json:"version"`
	RemoteAddress   string `json:"remote_address"`
	State           int    `json:"state"`
	Ready           int64  `json:"ready_count"`
	InFlight        int64  `json:"in_flight_count"`
	Messages        int64  `json:"message_count"`
	Finished        int64  `json:"finish_count"`
	Requeued        int64  `json:"requeue_count"`
	ConnectedAt     int64  `json:"connect_ts"`
	SampleRate      int    `json:"sample_rate"`
	Deflate         bool   `json:"deflate"`
	Snappy          bool   `json:"snappy"`
	UserAgent       string `json:"user_agent"`
	Authed          bool   `json:"authed"`
	AuthIdentity    string `json:"auth_identity"`
	AuthIdentityURL string `json:"auth_identity_url"`
	Zone            string `json:"topology_zone"`
	Region          string `json:"topology_region"`
	TLS             bool   `json:"tls"`
	CipherSuite     string `json:"tls_cipher_suite"`
	TLSVersion      string `json:"tls_version"`
	ALPN            string `json:"tls_negotiated_protocol"`
}

// ClientList is all consumers, sorted by topic, channel and node.
type ClientList struct {
	Coverage
	Clients []ClientRow `json:"clients"`
}

// MeshView is how the members are and whether they know the same, as GET /mesh of the node that answers tells.
type MeshView struct {
	Self         string       `json:"self"`
	Isolated     bool         `json:"isolated"` // this node hears nobody
	RegistryHash string       `json:"registry_hash"`
	Agree        bool         `json:"agree"`
	Members      []MeshMember `json:"members"`
	Stock        []NodeRow    `json:"stock"` // nsqds that registered with a member
}

// MeshMember is a member as gossip and the registry see it.
type MeshMember struct {
	ID               string  `json:"id"`
	Name             string  `json:"name"`
	Address          string  `json:"address"` // where it gossips
	Status           string  `json:"status"`  // alive, suspect, dead, left or unknown
	StatusForMs      int64   `json:"status_for_ms"`
	Self             bool    `json:"self"`
	Linked           bool    `json:"linked"`
	RoundTripMs      float64 `json:"round_trip_ms"`
	Hostname         string  `json:"hostname"`
	BroadcastAddress string  `json:"broadcast_address"`
	TCPPort          int     `json:"tcp_port"`
	HTTPPort         int     `json:"http_port"`
	LookupTCPPort    int     `json:"lookup_tcp_port"`
	LookupHTTPPort   int     `json:"lookup_http_port"`
	Version          string  `json:"version"`
	Zone             string  `json:"topology_zone"`
	Region           string  `json:"topology_region"`
	Draining         bool    `json:"draining"`
	Generation       uint64  `json:"generation"`
	RegistryVersion  uint64  `json:"registry_version"`
	RegistryEntries  int     `json:"registry_entries"`
	RegistryHash     string  `json:"registry_hash"`
	Agrees           *bool   `json:"agrees"` // nil if it was not asked or did not answer
	Error            string  `json:"error"`
}

// Present reports whether the member takes part.
func (m *MeshMember) Present() bool { return m.Status == "alive" || m.Status == "suspect" }

// LookupView is what lookups answer: topics that nobody has, and where lookups are served.
type LookupView struct {
	Coverage
	Lookupds []string      `json:"lookupds"` // HTTP addresses
	Inactive []InactiveRow `json:"inactive"` // known by name, on no node that is up and not tombstoned
}

// InactiveRow is a topic that consumers find no producer of.
type InactiveRow struct {
	Topic      string   `json:"topic"`
	Channels   []string `json:"channels"`
	Tombstoned []string `json:"tombstoned"` // nodes that have it and are hidden
}
