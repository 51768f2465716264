package tools

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/nsqmesh/nsqmesh/cmd/cli"
	"github.com/nsqmesh/nsqmesh/cmd/cluster"
)

// nodeStats is what a node's /stats tells, as far as tools want to know.
type nodeStats struct {
	Version   string      `json:"version"`
	Health    string      `json:"health"`
	StartTime int64       `json:"start_time"`
	Topics    []topicStat `json:"topics"`

	address string
	node    cluster.Producer // zero if the node was named
}

type topicStat struct {
	Name     string        `json:"topic_name"`
	Depth    int64         `json:"depth"`
	Backend  int64         `json:"backend_depth"`
	Messages int64         `json:"message_count"`
	Bytes    int64         `json:"message_bytes"`
	Paused   bool          `json:"paused"`
	Channels []channelStat `json:"channels"`
}

type channelStat struct {
	Name     string `json:"channel_name"`
	Depth    int64  `json:"depth"`
	Backend  int64  `json:"backend_depth"`
	InFlight int64  `json:"in_flight_count"`
	Deferred int64  `json:"deferred_count"`
	Messages int64  `json:"message_count"`
	Requeued int64  `json:"requeue_count"`
	TimedOut int64  `json:"timeout_count"`
	Clients  int64  `json:"client_count"`
	Paused   bool   `json:"paused"`
}

// statsFlags say which nodes to ask for their counters.
type statsFlags struct {
	nsqds   []string
	cluster cluster.Flags
}

func newStatsFlags() statsFlags { return statsFlags{cluster: cluster.NewFlags()} }

func (s *statsFlags) add(f *cli.Flags) {
	f.Add(&s.nsqds, "nsqd-http-address", "HTTP `address` of a node to ask, in place of all; repeat for more")
	s.cluster.Add(f)
}

func (s *statsFlags) open(std cli.Stdio) (*cluster.Cluster, error) {
	if len(s.nsqds) > 0 && len(s.cluster.Lookupds) > 0 {
		return nil, cli.WrongUsage("use --nsqd-http-address or --lookupd-http-address not both")
	}
	return s.cluster.Open(std)
}

// stats asks all nodes at the same time, in the order of their addresses. Those that do not answer are in failed.
func (s *statsFlags) stats(ctx context.Context, c *cluster.Cluster, query url.Values) (all []nodeStats, failed []error, err error) {
	for _, address := range unique(s.nsqds) {
		all = append(all, nodeStats{address: address})
	}
	if len(all) == 0 {
		nodes, err := c.Nodes(ctx)
		if err != nil {
			return nil, nil, err
		}
		for _, n := range nodes {
			all = append(all, nodeStats{address: n.Http(), node: n})
		}
	}
	errs := make([]error, len(all))
	var asks sync.WaitGroup
	for i := range all {
		asks.Go(func() { errs[i] = all[i].ask(ctx, c, query) })
	}
	asks.Wait()
	var answered []nodeStats
	for i, err := range errs {
		if err != nil {
			failed = append(failed, err)
		} else {
			answered = append(answered, all[i])
		}
	}
	return answered, failed, nil
}

func (n *nodeStats) ask(ctx context.Context, c *cluster.Cluster, query url.Values) error {
	if n.address == "" {
		return fmt.Errorf("node %s: it has no HTTP", n.node.Tcp())
	}
	all := url.Values{"format": {"json"}, "include_clients": {"false"}, "include_mem": {"false"}}
	for name, values := range query {
		all[name] = values
	}
	return c.Api.Get(ctx, n.address, "/stats", all, n)
}

// channelKey names a row of numbers: a channel, or a topic where channel is empty.
type channelKey struct{ topic, channel string }

func (k channelKey) compare(l channelKey) int {
	if by := strings.Compare(k.topic, l.topic); by != 0 {
		return by
	}
	return strings.Compare(k.channel, l.channel)
}

// counters are a channel's numbers, or a topic's, on one node or on all.
type counters struct {
	Depth    int64 `json:"depth"`
	Backend  int64 `json:"backend_depth"`
	InFlight int64 `json:"in_flight_count"`
	Deferred int64 `json:"deferred_count"`
	Messages int64 `json:"message_count"`
	Bytes    int64 `json:"message_bytes,omitempty"` // of a topic only
	Requeued int64 `json:"requeue_count"`
	TimedOut int64 `json:"timeout_count"`
	Clients  int64 `json:"client_count"`
	Nodes    int64 `json:"nodes"`
	Paused   int64 `json:"paused_nodes"`
}

func (c *counters) sum(d counters) {
	c.Depth += d.Depth
	c.Backend += d.Backend
	c.InFlight += d.InFlight
	c.Deferred += d.Deferred
	c.Messages += d.Messages
	c.Bytes += d.Bytes
	c.Requeued += d.Requeued
	c.TimedOut += d.TimedOut
	c.Clients += d.Clients
	c.Nodes += d.Nodes
	c.Paused += d.Paused
}

func (t *topicStat) counters() counters {
	return counters{Depth: t.Depth, Backend: t.Backend, Messages: t.Messages, Bytes: t.Bytes, Nodes: 1, Paused: oneIf(t.Paused)}
}

func (c *channelStat) counters() counters {
	return counters{
		Depth: c.Depth, Backend: c.Backend, InFlight: c.InFlight, Deferred: c.Deferred, Messages: c.Messages,
		Requeued: c.Requeued, TimedOut: c.TimedOut, Clients: c.Clients, Nodes: 1, Paused: oneIf(c.Paused),
	}
}

func oneIf(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// byKey takes the numbers of one node apart.
func (n *nodeStats) byKey() map[channelKey]counters {
	all := map[channelKey]counters{}
	for _, t := range n.Topics {
		all[channelKey{t.Name, ""}] = t.counters()
		for _, c := range t.Channels {
			all[channelKey{t.Name, c.Name}] = c.counters()
		}
	}
	return all
}

// sumByKey adds up the numbers of all nodes.
func sumByKey(nodes []nodeStats) map[channelKey]counters {
	all := map[channelKey]counters{}
	for _, n := range nodes {
		for key, c := range n.byKey() {
			sum := all[key]
			sum.sum(c)
			all[key] = sum
		}
	}
	return all
}

func sortedChannelKeys[V any](m map[channelKey]V) []channelKey {
	keys := make([]channelKey, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, channelKey.compare)
	return keys
}

// state says whether it is paused, and where.
func (c *counters) state(p cli.Paint) cli.CellText {
	switch {
	case c.Paused == 0:
		return cli.Plain("")
	case c.Paused == c.Nodes:
		return cli.Painted("paused", p.Warn)
	}
	return cli.Painted(fmt.Sprintf("paused on %d of %d", c.Paused, c.Nodes), p.Warn)
}
