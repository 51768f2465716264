package metrics

import (
	"bytes"
	"flag"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/nsqmesh/nsqmesh/gossip"
	"github.com/nsqmesh/nsqmesh/node/queue"
)

var write = flag.Bool("write", false, "write docs/metrics.md")

// busy is a node that has something of everything.
func busy() Source {
	return Source{
		Queues: func() []queue.TopicStats {
			return []queue.TopicStats{
				{Name: "orders", Depth: 3, BackendDepth: 1, MessageCount: 10, MessageBytes: 200, Paused: true, Channels: []queue.ChannelStats{
					{Name: "billing", Depth: 7, BackendDepth: 2, InFlight: 4, Deferred: 5, MessageCount: 9, RequeueCount: 6, TimeoutCount: 8,
						ZoneLocalCount: 1, RegionLocalCount: 2, GlobalCount: 6, ConsumerCount: 3,
						Latency: queue.Latency{Count: 1, Percentiles: []queue.Percentile{{Quantile: 0.999, Value: 25e6}}}},
					{Name: "tail#ephemeral", Depth: 1, Paused: true},
				}},
				{Name: "refunds", MessageCount: 1},
			}
		},
		Node: func() Node { return Node{Healthy: true, Ready: true, Connections: 2, DiskFree: 5, DiskTotal: 10} },
		Mesh: func() Mesh {
			return Mesh{
				Stats:   gossip.Stats{Links: 2, InSync: true, LinkBytesIn: 70, DroppedPushes: 3},
				Members: []gossip.Member{{Status: gossip.Alive}, {Status: gossip.Alive}, {Status: gossip.Dead}},
			}
		},
		Registry:  func() Registry { return Registry{Documents: 3, Entries: 12, Garbage: 1} },
		Build:     Build{"1.2.3", "1.3.0", "node1", "shop", "a", "eu"},
		Log:       slog.New(slog.DiscardHandler),
		MaxQueues: 100,
	}
}

func scrape(t *testing.T, s Source) string {
	t.Helper()
	w := httptest.NewRecorder()
	Handler(s).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != 200 {
		t.Fatalf("got %d %s", w.Code, w.Body)
	}
	return w.Body.String()
}

func TestMetrics(t *testing.T) {
	tests := map[string]struct {
		change       func(*Source)
		shows, hides []string
	}{
		"a topic": {nil, []string{
			`nsqmesh_topic_depth_messages{topic="orders"} 3`, `nsqmesh_topic_backend_depth_messages{topic="orders"} 1`,
			`nsqmesh_topic_messages_total{topic="orders"} 10`, `nsqmesh_topic_message_bytes_total{topic="orders"} 200`,
			`nsqmesh_topic_channels{topic="orders"} 2`, `nsqmesh_topic_paused{topic="orders"} 1`, `nsqmesh_topic_paused{topic="refunds"} 0`}, nil},
		"a channel": {nil, []string{
			`nsqmesh_channel_depth_messages{channel="billing",topic="orders"} 7`, `nsqmesh_channel_backend_depth_messages{channel="billing",topic="orders"} 2`,
			`nsqmesh_channel_in_flight_messages{channel="billing",topic="orders"} 4`, `nsqmesh_channel_deferred_messages{channel="billing",topic="orders"} 5`,
			`nsqmesh_channel_messages_total{channel="billing",topic="orders"} 9`, `nsqmesh_channel_requeues_total{channel="billing",topic="orders"} 6`,
			`nsqmesh_channel_timeouts_total{channel="billing",topic="orders"} 8`, `nsqmesh_channel_consumers{channel="billing",topic="orders"} 3`,
			`nsqmesh_channel_paused{channel="billing",topic="orders"} 0`, `nsqmesh_channel_paused{channel="tail#ephemeral",topic="orders"} 1`}, nil},
		"latency is in seconds, by percentile": {nil, []string{
			`nsqmesh_channel_processing_latency_seconds{channel="billing",percentile="99.9",topic="orders"} 0.025`}, nil},
		"deliveries by locality only where they are counted": {nil,
			[]string{`nsqmesh_channel_deliveries_total{channel="billing",locality="region",topic="orders"} 2`},
			[]string{`nsqmesh_channel_deliveries_total{channel="tail`}},
		"sums of the node": {nil, []string{
			"nsqmesh_topics 2", "nsqmesh_channels 2", "nsqmesh_depth_messages 11", "nsqmesh_backend_depth_messages 3",
			"nsqmesh_in_flight_messages 4", "nsqmesh_deferred_messages 5", `nsqmesh_metrics_left_out{kind="channel"} 0`}, nil},
		"beyond the limit topics and channels are counted, and still in the sums": {func(s *Source) { s.MaxQueues = 2 },
			[]string{`nsqmesh_metrics_left_out{kind="topic"} 1`, `nsqmesh_metrics_left_out{kind="channel"} 1`, "nsqmesh_topics 2",
				"nsqmesh_depth_messages 11", `channel="billing"`},
			[]string{"refunds", "tail#"}},
		"no limit is reached by nothing": {func(s *Source) { s.MaxQueues = 0 },
			[]string{`nsqmesh_metrics_left_out{kind="topic"} 2`, "nsqmesh_topics 2"}, []string{"orders"}},
		"without ephemeral ones": {func(s *Source) { s.ExcludeEphemeral = true },
			[]string{`nsqmesh_metrics_left_out{kind="channel"} 1`, "nsqmesh_channels 2", "nsqmesh_depth_messages 11"}, []string{"tail"}},
		"the node": {nil, []string{"nsqmesh_healthy 1", "nsqmesh_ready 1", "nsqmesh_draining 0", "nsqmesh_connections 2",
			"nsqmesh_disk_free_bytes 5", "nsqmesh_disk_size_bytes 10",
			`nsqmesh_node_info{cluster="shop",node="node1",region="eu",zone="a"} 1`, `nsqd_version="1.3.0",version="1.2.3"`}, nil},
		"a disk of unknown size is not shown": {func(s *Source) { s.Node = func() Node { return Node{DiskFree: -1, DiskTotal: -1} } },
			[]string{"nsqmesh_healthy 0"}, []string{"nsqmesh_disk"}},
		"a zone that is no text": {func(s *Source) { s.Build.Zone = "a\xff" }, []string{`zone="a?"`}, nil},
		"the mesh": {nil, []string{"nsqmesh_mesh_links 2", "nsqmesh_mesh_in_sync 1", "nsqmesh_mesh_isolated 0",
			`nsqmesh_mesh_members{status="alive"} 2`, `nsqmesh_mesh_members{status="dead"} 1`, `nsqmesh_mesh_members{status="suspect"} 0`,
			`nsqmesh_mesh_traffic_bytes_total{direction="in",transport="link"} 70`, `nsqmesh_mesh_dropped_total{what="push"} 3`}, nil},
		"a node without a mesh": {func(s *Source) { s.Mesh = nil }, []string{"nsqmesh_topics 2"}, []string{"nsqmesh_mesh"}},
		"the registry": {nil, []string{"nsqmesh_registry_documents 3", "nsqmesh_registry_entries 12",
			`nsqmesh_registry_rejected_total{reason="garbage"} 1`}, nil},
		"Go and the process": {nil, []string{"go_goroutines ", "go_memstats_heap_alloc_bytes ", "go_info{"}, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := busy()
			if test.change != nil {
				test.change(&s)
			}
			got := scrape(t, s)
			for _, want := range test.shows {
				if !strings.Contains(got, want) {
					t.Errorf("lacks %s", want)
				}
			}
			for _, not := range test.hides {
				if strings.Contains(got, not) {
					t.Errorf("shows %s", not)
				}
			}
		})
	}
}

// TestNames: Prometheus has conventions for names, units and help, and a linter for them.
func TestNames(t *testing.T) {
	problems, err := testutil.CollectAndLint(&collector{busy()})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	seen := map[string]bool{}
	for _, m := range All() {
		if seen[m.Name] {
			t.Errorf("%s is there twice", m.Name)
		}
		seen[m.Name] = true
		if !strings.HasSuffix(m.Help, ".") || len(m.Help) < 10 {
			t.Errorf("%s: help %q is no sentence", m.Name, m.Help)
		}
	}
	for _, line := range strings.Split(scrape(t, busy()), "\n") {
		if name, _, _ := strings.Cut(strings.TrimPrefix(line, "# HELP "), " "); strings.HasPrefix(line, "# HELP nsqmesh") {
			delete(seen, name)
		}
	}
	if len(seen) > 0 {
		t.Errorf("never shown: %v", seen)
	}
}

// TestManyTopics: what a scrape of many topics sends is bounded by the limit.
func TestManyTopics(t *testing.T) {
	s := busy()
	s.Queues = func() (all []queue.TopicStats) {
		for i := range 5000 {
			all = append(all, queue.TopicStats{Name: fmt.Sprintf("t%04d", i), Channels: []queue.ChannelStats{{Name: "c"}}})
		}
		return all
	}
	got := scrape(t, s)
	if n := strings.Count(got, "\nnsqmesh_topic_depth_messages{"); n != 50 || !strings.Contains(got, `left_out{kind="topic"} 4950`) {
		t.Errorf("%d topics are shown", n)
	}
}

func TestDocs(t *testing.T) {
	const page = "../../docs/metrics.md"
	var b bytes.Buffer
	Docs(&b)
	if *write {
		if err := os.WriteFile(page, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	written, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(written, b.Bytes()) {
		t.Error("docs/metrics.md differs from the tables: run go test ./cmd/metrics -write")
	}
}
