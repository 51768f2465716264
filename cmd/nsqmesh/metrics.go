package main

import (
	"net/http"

	"github.com/nsqmesh/nsqmesh/cmd/cli"
	"github.com/nsqmesh/nsqmesh/cmd/metrics"
	"github.com/nsqmesh/nsqmesh/node/queue"
)

// metrics is what GET /metrics of the nsqd API answers with.
func (s *server) metrics() http.Handler {
	o := s.opts
	source := metrics.Source{
		Queues:   func() []queue.TopicStats { return s.parts.broker.Stats("", "") },
		Node:     s.nodeMetrics,
		Registry: s.registryMetrics,
		Build: metrics.Build{
			Version: cli.ProductVersion(), Nsqd: cli.StockVersion,
			Name: s.name(), Cluster: o.ClusterName, Zone: o.TopologyZone, Region: o.TopologyRegion,
		},
		MaxQueues: int(o.MetricsMaxQueues), ExcludeEphemeral: o.MetricsExcludeEphemeral, Log: s.log,
	}
	if mesh := s.parts.mesh; mesh != nil {
		source.Mesh = func() metrics.Mesh { return metrics.Mesh{Stats: mesh.Stats(), Members: mesh.Members()} }
	}
	return metrics.Handler(source)
}

func (s *server) nodeMetrics() metrics.Node {
	free, total := diskSpace(s.opts.DataPath)
	return metrics.Node{
		Healthy: s.parts.broker.Health() == nil, Ready: len(s.ready.reasons()) == 0,
		Draining:    s.ready.draining != nil && s.ready.draining(),
		Connections: s.parts.tcp.Connections(), DiskFree: free, DiskTotal: total,
	}
}

func (s *server) registryMetrics() (r metrics.Registry) {
	for _, d := range s.parts.registry.Documents() {
		r.Documents++
		r.Entries += d.Entries
	}
	r.Garbage, r.Foreign = s.parts.registry.Rejected()
	return r
}
