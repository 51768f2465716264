package httpapi

import (
	"net/http"
	"time"

	"github.com/julienschmidt/httprouter"

	"github.com/nsqmesh/nsqmesh/node/queue"
	"github.com/nsqmesh/nsqmesh/node/statsd"
)

// statsDocument is what /stats shows, as JSON or as text. Fields stand in stock's order.
type statsDocument struct {
	Version   string         `json:"version"`
	Health    string         `json:"health"`
	StartTime int64          `json:"start_time"`
	Topics    []topicStats   `json:"topics"` // null if one was asked for that does not exist
	Memory    *statsd.Memory `json:"memory,omitempty"`
	Producers []clientStats  `json:"producers"` // null if there are none
}

type topicStats struct {
	Name         string         `json:"topic_name"`
	Channels     []channelStats `json:"channels"`
	Depth        int64          `json:"depth"`
	BackendDepth int64          `json:"backend_depth"`
	MessageCount uint64         `json:"message_count"`
	MessageBytes uint64         `json:"message_bytes"`
	Paused       bool           `json:"paused"`
	Latency      latencyStats   `json:"e2e_processing_latency"`
}

type channelStats struct {
	Name             string        `json:"channel_name"`
	Depth            int64         `json:"depth"`
	BackendDepth     int64         `json:"backend_depth"`
	InFlight         int           `json:"in_flight_count"`
	Deferred         int           `json:"deferred_count"`
	MessageCount     uint64        `json:"message_count"`
	ZoneLocalCount   uint64        `json:"zone_local_msg_count,omitempty"`
	RegionLocalCount uint64        `json:"region_local_msg_count,omitempty"`
	GlobalCount      uint64        `json:"global_msg_count,omitempty"`
	RequeueCount     uint64        `json:"requeue_count"`
	TimeoutCount     uint64        `json:"timeout_count"`
	ClientCount      int           `json:"client_count"`
	Clients          []clientStats `json:"clients"` // null if they were not asked for
	Paused           bool          `json:"paused"`
	Latency          latencyStats  `json:"e2e_processing_latency"`
}

type latencyStats struct {
	Count       int               `json:"count"`
	Percentiles []percentileStats `json:"percentiles"` // null if none are configured
}

type percentileStats struct {
	Quantile float64 `json:"quantile"`
	Value    float64 `json:"value"` // ns
}

// statsFilter is what a client wants to see. Empty names are all.
type statsFilter struct {
	topic, channel  string
	clients, memory bool
}

func (a *nsqdAPI) stats(req *http.Request, _ httprouter.Params) (any, error) {
	q, err := query(req)
	if err != nil {
		return nil, err
	}
	doc := a.statsDocument(statsFilter{
		topic:   q.Get("topic"),
		channel: q.Get("channel"),
		clients: q.flag("include_clients"),
		memory:  q.flag("include_mem"),
	})
	if q.Get("format") == "json" {
		return doc, nil
	}
	return doc.text(time.Now()), nil
}

func (a *nsqdAPI) statsDocument(f statsFilter) *statsDocument {
	doc := &statsDocument{Version: a.Info.Version, Health: a.health(), StartTime: a.Info.StartTime.Unix()}
	if f.memory {
		memory := statsd.ReadMemory()
		doc.Memory = &memory
	}
	topics := a.Queues.Stats(f.topic, f.channel)
	if f.topic != "" && len(topics) == 0 && a.Queues.FindTopic(f.topic) == nil {
		return doc
	}
	var consumers consumers
	if f.clients {
		consumers, doc.Producers = a.clientStats(f.topic)
	}
	doc.Topics = []topicStats{}
	for i := range topics {
		if f.channel == "" || len(topics[i].Channels) > 0 {
			doc.Topics = append(doc.Topics, newTopicStats(&topics[i], consumers))
		}
	}
	return doc
}

func newTopicStats(t *queue.TopicStats, consumers consumers) topicStats {
	stats := topicStats{
		Name:         t.Name,
		Channels:     make([]channelStats, 0, len(t.Channels)),
		Depth:        t.Depth,
		BackendDepth: t.BackendDepth,
		MessageCount: t.MessageCount,
		MessageBytes: t.MessageBytes,
		Paused:       t.Paused,
		Latency:      newLatencyStats(t.Latency),
	}
	for i := range t.Channels {
		c := &t.Channels[i]
		stats.Channels = append(stats.Channels, newChannelStats(c, consumers.of(t.Name, c.Name)))
	}
	return stats
}

func newChannelStats(c *queue.ChannelStats, clients []clientStats) channelStats {
	return channelStats{
		Name:             c.Name,
		Depth:            c.Depth,
		BackendDepth:     c.BackendDepth,
		InFlight:         c.InFlight,
		Deferred:         c.Deferred,
		MessageCount:     c.MessageCount,
		ZoneLocalCount:   c.ZoneLocalCount,
		RegionLocalCount: c.RegionLocalCount,
		GlobalCount:      c.GlobalCount,
		RequeueCount:     c.RequeueCount,
		TimeoutCount:     c.TimeoutCount,
		ClientCount:      c.ConsumerCount,
		Clients:          clients,
		Paused:           c.Paused,
		Latency:          newLatencyStats(c.Latency),
	}
}

func newLatencyStats(l queue.Latency) latencyStats {
	stats := latencyStats{Count: l.Count}
	for _, p := range l.Percentiles {
		stats.Percentiles = append(stats.Percentiles, percentileStats(p))
	}
	return stats
}
