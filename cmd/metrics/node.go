package metrics

import (
	"runtime"
	"strings"

	"github.com/nsqmesh/nsqmesh/gossip"
)

var buildMetrics = newTable(nil,
	vector("build_info", "Always 1: what runs here, and the nsqd that it is compatible with.", false,
		[]string{"version", "nsqd_version", "goversion"}, func(b Build) []sample {
			return []sample{{1, []string{b.Version, b.Nsqd, runtime.Version()}}}
		}),
	vector("node_info", "Always 1: which node this is.", false,
		[]string{"node", "cluster", "zone", "region"}, func(b Build) []sample {
			return []sample{{1, []string{b.Name, b.Cluster, readable(b.Zone), readable(b.Region)}}}
		}),
)

// readable is a label's value that Prometheus takes: zones and regions may be any bytes.
func readable(name string) string { return strings.ToValidUTF8(name, "?") }

var nodeMetrics = newTable(nil,
	gauge("healthy", "1 if the last write to the disk succeeded, as /ping has it.", func(n Node) float64 { return yes(n.Healthy) }),
	gauge("ready", "1 if the node takes messages, as /health/ready has it.", func(n Node) float64 { return yes(n.Ready) }),
	gauge("draining", "1 if the node takes no messages any more because it is to go.", func(n Node) float64 { return yes(n.Draining) }),
	gauge("connections", "Connections of the TCP protocol, of producers and consumers.", func(n Node) float64 { return float64(n.Connections) }),
	vector("disk_free_bytes", "Room on the disk of the data folder; not on Windows.", false, nil, func(n Node) []sample { return known(n.DiskFree) }),
	vector("disk_size_bytes", "Size of that disk; not on Windows.", false, nil, func(n Node) []sample { return known(n.DiskTotal) }),
)

func known(bytes int64) []sample {
	if bytes < 0 {
		return nil
	}
	return []sample{{value: float64(bytes)}}
}

var registryMetrics = newTable(nil,
	gauge("registry_documents", "Nodes of whose topics and channels this node knows, itself and dead ones included.",
		func(r Registry) float64 { return float64(r.Documents) }),
	gauge("registry_entries", "What their documents hold in all.", func(r Registry) float64 { return float64(r.Entries) }),
	vector("registry_rejected_total", "What came from other nodes and could not be read, or was of a kind that this version does not know.",
		true, []string{"reason"}, func(r Registry) []sample {
			return []sample{{float64(r.Garbage), []string{"garbage"}}, {float64(r.Foreign), []string{"unknown"}}}
		}),
)

var meshMetrics = newTable(nil,
	vector("mesh_members", "Members by status, this node included.", false, []string{"status"}, members),
	gauge("mesh_links", "Links to other nodes that are up.", func(m Mesh) float64 { return float64(m.Links) }),
	gauge("mesh_serving", "1 if this node takes part in gossip.", func(m Mesh) float64 { return yes(m.Serving) }),
	gauge("mesh_isolated", "1 if this node hears nobody and keeps silent members as they were.", func(m Mesh) float64 { return yes(m.Isolated) }),
	gauge("mesh_in_sync", "1 if this node lacked nothing when it last compared registries with another.", func(m Mesh) float64 { return yes(m.InSync) }),
	gauge("mesh_health_score", "How late this node's own answers to probes are: 0 is healthy, 8 is bad.",
		func(m Mesh) float64 { return float64(m.HealthScore) }),
	gauge("mesh_round_trip_seconds", "The longest round trip of all links.", func(m Mesh) float64 { return m.MaxRoundTrip.Seconds() }),
	vector("mesh_traffic_bytes_total", "Bytes between nodes: gossip by UDP (packet) and TCP (stream), links that carry the registry (link).",
		true, []string{"transport", "direction"}, traffic),
	counter("mesh_hints_total", "Changes of the registry heard of by UDP.", func(m Mesh) float64 { return float64(m.Hints) }),
	counter("mesh_pushes_total", "Changes of the registry sent over links.", func(m Mesh) float64 { return float64(m.Pushes) }),
	counter("mesh_merges_total", "Parts of other nodes' documents that were taken in.", func(m Mesh) float64 { return float64(m.Merges) }),
	counter("mesh_syncs_total", "Comparisons of registries.", func(m Mesh) float64 { return float64(m.Syncs) }),
	counter("mesh_pulls_total", "Requests for what was missing.", func(m Mesh) float64 { return float64(m.Pulls) }),
	vector("mesh_dropped_total", "What was dropped, to be repaired by the next comparison: changes not sent (push) or not merged (chunk) because they came too fast, what was unreadable (hint_garbage, chunk_garbage), calls beyond the limit (call).",
		true, []string{"what"}, dropped),
)

// members counts those of each status, none included, so that an alert finds a zero and not nothing.
func members(m Mesh) (all []sample) {
	for _, status := range []gossip.Status{gossip.Alive, gossip.Suspect, gossip.Dead, gossip.Left} {
		n := 0
		for _, one := range m.Members {
			if one.Status == status {
				n++
			}
		}
		all = append(all, sample{float64(n), []string{status.String()}})
	}
	return all
}

func traffic(m Mesh) []sample {
	return []sample{
		{float64(m.PacketBytesIn), []string{"packet", "in"}}, {float64(m.PacketBytesOut), []string{"packet", "out"}},
		{float64(m.StreamBytesIn), []string{"stream", "in"}}, {float64(m.StreamBytesOut), []string{"stream", "out"}},
		{float64(m.LinkBytesIn), []string{"link", "in"}}, {float64(m.LinkBytesOut), []string{"link", "out"}},
	}
}

func dropped(m Mesh) []sample {
	return []sample{
		{float64(m.DroppedPushes), []string{"push"}}, {float64(m.DroppedChunks), []string{"chunk"}},
		{float64(m.BadHints), []string{"hint_garbage"}}, {float64(m.BadChunks), []string{"chunk_garbage"}},
		{float64(m.RefusedCalls), []string{"call"}},
	}
}
