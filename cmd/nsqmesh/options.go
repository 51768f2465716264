package main

import (
	"time"

	"github.com/nsqmesh/nsqmesh/node/policy"
)

// Options are all settings of a node, plain and resolved. Which flag, key and default stand behind a field is said in
// the table (options_*.go).
type Options struct {
	ShowVersion bool
	ConfigFile  string

	// The end
	StopGrace    time.Duration
	DrainWait    time.Duration
	DrainTimeout time.Duration

	// Logs
	LogLevel  LogLevel
	LogPrefix string
	LogFormat string
	Verbose   bool // no effect

	// Identity
	NodeID            int64
	NodeIDGiven       bool // not found out
	NodeName          string
	WorkerID          bool // no effect
	DataPath          string
	BroadcastAddress  string
	BroadcastTCPPort  int
	BroadcastHTTPPort int
	TopologyRegion    string
	TopologyZone      string
	Experiments       []string

	// Listeners; an empty address is off
	TCPAddress        string
	HTTPAddress       string
	HTTPSAddress      string
	LookupTCPAddress  string
	LookupHTTPAddress string
	AdminHTTPAddress  string

	// Admin pages
	AdminBasePath   string
	AdminReadOnly   bool
	AdminTLSCert    string
	AdminTLSKey     string
	AuthFile        string
	AuthGuardAPI    bool
	AuthProxyHeader string
	AuthProxyFrom   []string

	Policies []policy.Rule // of the config file

	// Mesh
	GossipAddress    string
	GossipAdvertise  string
	GossipSeeds      []string
	GossipKeyFile    string
	GossipProfile    string
	ClusterName      string
	ClusterAddress   string
	ClusterAdvertise string
	ClusterTLSCert   string
	ClusterTLSKey    string
	ClusterTLSCA     string

	// Raft
	RaftExpect  int
	RaftSpares  int
	RaftGrace   time.Duration
	RaftTimeout time.Duration

	// Lookup
	LookupdTCPAddresses     []string // stock nsqlookupds to register with as well
	InactiveProducerTimeout time.Duration
	TombstoneLifetime       time.Duration

	// Authorization, and requests to other servers
	AuthHTTPAddresses        []string
	AuthHTTPRequestMethod    string
	HTTPClientConnectTimeout time.Duration
	HTTPClientRequestTimeout time.Duration

	// Queues
	MemQueueSize            int64
	MemQueueBytes           int64
	MaxBytesPerFile         int64
	SyncEvery               int64
	SyncTimeout             time.Duration
	QueueScanWorkerPoolMax  int // no effect
	QueueScanSelectionCount int // no effect

	// Messages
	MsgTimeout    time.Duration
	MaxMsgTimeout time.Duration
	MaxReqTimeout time.Duration
	MaxMsgSize    int64
	MaxBodySize   int64

	// Clients
	MaxHeartbeatInterval   time.Duration
	MaxRdyCount            int64
	MaxOutputBufferSize    int64
	MaxOutputBufferTimeout time.Duration
	MinOutputBufferTimeout time.Duration
	OutputBufferTimeout    time.Duration
	MaxChannelConsumers    int
	Deflate                bool
	MaxDeflateLevel        int
	Snappy                 bool

	// TLS for clients and HTTPS
	TLSCert             string
	TLSKey              string
	TLSClientAuthPolicy string
	TLSRootCAFile       string
	TLSRequired         TLSRequired
	TLSMinVersion       TLSVersion

	// Measuring
	StatsdAddress           string
	StatsdPrefix            string
	StatsdInterval          time.Duration
	StatsdMemStats          bool
	StatsdUDPPacketSize     int
	StatsdExcludeEphemeral  bool
	MetricsMaxQueues        int64
	MetricsExcludeEphemeral bool
	E2EPercentiles          []float64
	E2EWindow               time.Duration
}
