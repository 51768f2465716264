// Package metrics tells Prometheus how a node is.
//
// It owns which metrics there are, their names and what they mean (docs/metrics.md is written from the same tables). All
// figures are read when somebody asks for them; nothing is counted here, so nothing needs guarding and no message costs more.
// It never shows more topics and channels one by one than it was told to: labels are what hurts a Prometheus.
package metrics

import (
	"log/slog"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/nsqmesh/nsqmesh/gossip"
	"github.com/nsqmesh/nsqmesh/node/queue"
)

// Requests beyond these at the same time are refused: each walks over all topics.
const maxScrapes = 4

// Source is where the figures come from.
type Source struct {
	Queues   func() []queue.TopicStats // of all topics
	Node     func() Node
	Mesh     func() Mesh     // nil for a node without a mesh
	Registry func() Registry // what this node knows of all

	Build Build
	Log   *slog.Logger

	MaxQueues        int // topics and channels that are shown one by one
	ExcludeEphemeral bool
}

// Build says what runs here.
type Build struct{ Version, Nsqd, Name, Cluster, Zone, Region string }

// Node are figures of the process as a whole.
type Node struct {
	Healthy, Ready, Draining bool
	Connections              int
	DiskFree, DiskTotal      int64 // bytes; -1 if not known
}

// Mesh are figures of a node's part in the mesh.
type Mesh struct {
	gossip.Stats
	Members []gossip.Member
}

// Registry are figures of what is known of all nodes.
type Registry struct {
	Documents, Entries int
	Garbage, Foreign   uint64
}

// Handler answers in the format of Prometheus.
func Handler(s Source) http.Handler {
	r := prometheus.NewRegistry()
	r.MustRegister(&collector{s}, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return promhttp.HandlerFor(r, promhttp.HandlerOpts{
		ErrorLog:            slog.NewLogLogger(s.Log.Handler(), slog.LevelWarn),
		MaxRequestsInFlight: maxScrapes,
	})
}

// collector makes all metrics anew for each scrape.
type collector struct{ source Source }

// Describe names what there may be.
func (c *collector) Describe(out chan<- *prometheus.Desc) {
	for _, m := range All() {
		out <- m.desc()
	}
}

// Collect reads the figures of the moment.
func (c *collector) Collect(out chan<- prometheus.Metric) {
	s := c.source
	emit(out, buildMetrics, s.Build)
	emit(out, nodeMetrics, s.Node())
	if s.Registry != nil {
		emit(out, registryMetrics, s.Registry())
	}
	if s.Mesh != nil {
		emit(out, meshMetrics, s.Mesh())
	}
	q := newQueues(s.Queues(), s.MaxQueues, s.ExcludeEphemeral)
	emit(out, queuesMetrics, q)
	for _, t := range q.topics {
		emit(out, topicMetrics, t, t.Name)
	}
	for _, c := range q.channels {
		emit(out, channelMetrics, c, c.topic, c.Name)
	}
}
