package httpapi

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/julienschmidt/httprouter"

	"github.com/nsqmesh/nsqmesh/node/nsqd"
	"github.com/nsqmesh/nsqmesh/node/queue"
)

// Queues are the topics and channels of this node.
type Queues interface {
	FindTopic(name string) *queue.Topic             // nil if there is none
	Topic(name string) (*queue.Topic, error)        // made if it is missing
	Stats(topic, channel string) []queue.TopicStats // of one or, for "", all
	Health() error
}

// Metadata changes which topics and channels there are and which are paused. A change may reach further than this node. A
// pause is on disk when nil is returned, the rest soon after, as with a stock nsqd. Names that are missing are queue.ErrTopicNotFound and queue.ErrChannelNotFound;
// creating what exists is no error, and a channel does not create its topic.
type Metadata interface {
	CreateTopic(ctx context.Context, topic string) error
	DeleteTopic(ctx context.Context, topic string) error
	PauseTopic(ctx context.Context, topic string, paused bool) error
	CreateChannel(ctx context.Context, topic, channel string) error
	DeleteChannel(ctx context.Context, topic, channel string) error
	PauseChannel(ctx context.Context, topic, channel string, paused bool) error
}

// Info are the facts that a node tells about itself.
type Info struct {
	Version          string
	BroadcastAddress string
	Hostname         string
	HTTPPort         int // as bound; 0 without HTTP, -1 on a Unix socket
	TCPPort          int
	StartTime        time.Time
	Zone             string
	Region           string

	MaxHeartbeatInterval   time.Duration
	MaxOutputBufferSize    int64
	MaxOutputBufferTimeout time.Duration
	MaxDeflateLevel        int
}

// Limits bound what a publisher may send.
type Limits struct {
	MaxMsgSize    int64
	MaxBodySize   int64
	MaxReqTimeout time.Duration // the longest defer
}

// NsqdOptions are what the nsqd API stands on.
type NsqdOptions struct {
	Queues   Queues
	Metadata Metadata
	Topic    func(name string) (*queue.Topic, error) // of a publish, where policy decides whether it is made; nil makes it
	Policies Policies                                // nil leaves out /policy
	Clients  func() []nsqd.ClientStats               // the connections of the TCP protocol
	Config   Config
	Info     Info
	Limits   Limits

	// Disconnect cuts the connections from a remote address and returns how many there were. Nil has none.
	Disconnect func(address string) int

	NotReady func() []string // why the node should get no messages; nil leaves out /health/ready
	Metrics  http.Handler    // of Prometheus; nil leaves out /metrics
	Draining Draining        // nil leaves out /drain

	Vitals  func() Vitals                   // nil leaves out /vitals, which a stock nsqd has not
	History History                         // nil leaves out /history
	Audit   func() (json.RawMessage, error) // the log of actions taken here; nil leaves out /audit
	Log     *slog.Logger
}

// nsqdAPI holds what its handlers need. Nothing in it changes but the batches that publishes share.
type nsqdAPI struct {
	NsqdOptions
	batches  sync.Pool // of *batch
	oddWords sync.Once // the warning about odd values of "binary" was logged
}

// NewNsqd returns the HTTP API of an nsqd.
func NewNsqd(o NsqdOptions) http.Handler {
	a := &nsqdAPI{NsqdOptions: o}
	a.batches.New = func() any { return new(batch) }
	r := newRouter(o.Log)
	r.plain("GET", "/ping", a.ping)
	r.api("GET", "/info", a.info)
	r.api("GET", "/stats", a.stats)
	if a.Draining != nil {
		a.addDrain(r)
	}
	if a.Vitals != nil {
		r.quiet("GET", "/vitals", a.vitals)
	}
	if a.History != nil {
		r.quiet("GET", "/history", a.history)
		r.quiet("GET", "/history/base", a.historyBase)
	}
	if a.Audit != nil {
		r.quiet("GET", "/audit", func(*http.Request, httprouter.Params) (any, error) { return a.Audit() })
	}
	a.addHealth(r)
	if a.Metrics != nil {
		r.Handler("GET", "/metrics", a.Metrics)
	}
	r.quiet("POST", "/pub", a.pub)
	r.quiet("POST", "/mpub", a.mpub)
	a.addTopics(r)
	addPolicies(r, a.Policies)
	a.addMessages(r)
	r.api("GET", "/config/:opt", a.getConfig)
	r.api("PUT", "/config/:opt", a.putConfig)
	addPprof(r, "/debug/pprof/")
	r.plain("PUT", "/debug/setblockrate", setBlockRate)
	r.plain("POST", "/debug/freememory", freeMemory)
	return r
}

func (a *nsqdAPI) ping(*http.Request, httprouter.Params) (any, error) {
	health := a.health()
	if health != healthy {
		return nil, &apiError{http.StatusInternalServerError, health}
	}
	return health, nil
}

const healthy = "OK"

// health is the node's health in the words of /ping and /stats.
func (a *nsqdAPI) health() string {
	if err := a.Queues.Health(); err != nil {
		return "NOK - " + err.Error()
	}
	return healthy
}

func (a *nsqdAPI) info(*http.Request, httprouter.Params) (any, error) {
	return struct {
		Version                string        `json:"version"`
		BroadcastAddress       string        `json:"broadcast_address"`
		Hostname               string        `json:"hostname"`
		HTTPPort               int           `json:"http_port"`
		TCPPort                int           `json:"tcp_port"`
		StartTime              int64         `json:"start_time"`
		MaxHeartbeatInterval   time.Duration `json:"max_heartbeat_interval"`
		MaxOutputBufferSize    int64         `json:"max_output_buffer_size"`
		MaxOutputBufferTimeout time.Duration `json:"max_output_buffer_timeout"`
		MaxDeflateLevel        int           `json:"max_deflate_level"`
		Zone                   string        `json:"topology_zone"`
		Region                 string        `json:"topology_region"`
		Draining               bool          `json:"draining,omitempty"` // so that it is as stock's while it is not
	}{
		a.Info.Version, a.Info.BroadcastAddress, a.Info.Hostname, a.Info.HTTPPort, a.Info.TCPPort, a.Info.StartTime.Unix(),
		a.Info.MaxHeartbeatInterval, a.Info.MaxOutputBufferSize, a.Info.MaxOutputBufferTimeout, a.Info.MaxDeflateLevel,
		a.Info.Zone, a.Info.Region,
		a.Draining != nil && a.Draining.Draining(),
	}, nil
}
