package admin

import (
	"slices"
	"strings"
	"sync"
	"time"
)

// What GET /stats of an nsqd tells, ours or a stock one.

type statsAnswer struct {
	Version   string       `json:"version"`
	Health    string       `json:"health"`
	StartTime int64        `json:"start_time"`
	Topics    []topicStats `json:"topics"`
	Memory    *Memory      `json:"memory"`
	Producers []clientStat `json:"producers"`

	AgeMs int64 `json:"age_ms"` // of a node's memory of its counters; /stats is of now

	read sync.Once // by whoever sees it first
	at   time.Time // when that was
}

type topicStats struct {
	Name         string         `json:"topic_name"`
	Channels     []channelStats `json:"channels"`
	Depth        int64          `json:"depth"`
	BackendDepth int64          `json:"backend_depth"`
	MessageCount int64          `json:"message_count"`
	MessageBytes int64          `json:"message_bytes"`
	Paused       bool           `json:"paused"`
	Latency      latencyStats   `json:"e2e_processing_latency"`
}

type channelStats struct {
	Name         string       `json:"channel_name"`
	Depth        int64        `json:"depth"`
	BackendDepth int64        `json:"backend_depth"`
	InFlight     int64        `json:"in_flight_count"`
	Deferred     int64        `json:"deferred_count"`
	MessageCount int64        `json:"message_count"`
	ZoneLocal    int64        `json:"zone_local_msg_count"`
	RegionLocal  int64        `json:"region_local_msg_count"`
	Global       int64        `json:"global_msg_count"`
	RequeueCount int64        `json:"requeue_count"`
	TimeoutCount int64        `json:"timeout_count"`
	ClientCount  int64        `json:"client_count"`
	Clients      []clientStat `json:"clients"`
	Paused       bool         `json:"paused"`
	Latency      latencyStats `json:"e2e_processing_latency"`
}

type clientStat struct {
	Client
	PubCounts []struct {
		Topic string `json:"topic"`
		Count int64  `json:"count"`
	} `json:"pub_counts"`
}

type latencyStats struct {
	Count       int64 `json:"count"`
	Percentiles []struct {
		Quantile float64 `json:"quantile"`
		Value    float64 `json:"value"`
	} `json:"percentiles"`
}

// sort gets an answer into the order that looking for changes needs.
func (s *statsAnswer) sort() {
	s.at = time.Now()
	byName := func(a, b topicStats) int { return strings.Compare(a.Name, b.Name) }
	if !slices.IsSortedFunc(s.Topics, byName) {
		slices.SortFunc(s.Topics, byName)
	}
	for i := range s.Topics {
		channels := s.Topics[i].Channels
		byName := func(a, b channelStats) int { return strings.Compare(a.Name, b.Name) }
		if !slices.IsSortedFunc(channels, byName) {
			slices.SortFunc(channels, byName)
		}
	}
}

// counts are a topic's own and those of its channels.
func (t *topicStats) counts() Counts {
	c := Counts{Depth: t.Depth, OnDisk: t.BackendDepth, Messages: t.MessageCount, Bytes: t.MessageBytes}
	for i := range t.Channels {
		d := t.Channels[i].counts()
		c.Depth += d.Depth
		c.OnDisk += d.OnDisk
		c.InFlight += d.InFlight
		c.Deferred += d.Deferred
		c.Requeues += d.Requeues
		c.Timeouts += d.Timeouts
		c.Clients += d.Clients
	}
	return c
}

func (c *channelStats) counts() Counts {
	return Counts{
		Depth: c.Depth, OnDisk: c.BackendDepth, InFlight: c.InFlight, Deferred: c.Deferred, Messages: c.MessageCount,
		Requeues: c.RequeueCount, Timeouts: c.TimeoutCount, Clients: c.ClientCount,
	}
}

// finished is how many messages consumers are done with, give or take what was emptied.
func (c *channelStats) finished() int64 { return c.MessageCount - c.Depth - c.InFlight - c.Deferred }

func (c *channelStats) zones() Zones { return Zones{c.ZoneLocal, c.RegionLocal, c.Global} }

// add sums up, rates as well: what is not known of one node does not hide what is known of others.
func (c *Counts) add(d Counts) {
	c.Depth += d.Depth
	c.OnDisk += d.OnDisk
	c.InFlight += d.InFlight
	c.Deferred += d.Deferred
	c.Messages += d.Messages
	c.Bytes += d.Bytes
	c.Requeues += d.Requeues
	c.Timeouts += d.Timeouts
	c.Clients += d.Clients
	c.Rates.add(d.Rates)
}

func (z *Zones) add(y Zones) {
	z.Zone += y.Zone
	z.Region += y.Region
	z.Global += y.Global
}

// add joins what another node measured.
func (l *Latency) add(s latencyStats) {
	l.Count += s.Count
	for _, p := range s.Percentiles {
		i := slices.IndexFunc(l.Percentiles, func(q Percentile) bool { return q.Quantile == p.Quantile })
		if i < 0 {
			l.Percentiles = append(l.Percentiles, Percentile{Quantile: p.Quantile})
			i = len(l.Percentiles) - 1
		}
		if s.Count > 0 {
			l.Percentiles[i].add(p.Value, s.Count)
		}
	}
}

func (p *Percentile) add(value float64, count int64) {
	if p.Count == 0 {
		p.Min, p.Max = value, value
	}
	p.Min, p.Max = min(p.Min, value), max(p.Max, value)
	p.Value = (p.Value*float64(p.Count) + value*float64(count)) / float64(p.Count+count)
	p.Count += count
}
