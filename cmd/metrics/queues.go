package metrics

import (
	"strconv"

	"github.com/nsqmesh/nsqmesh/node/names"
	"github.com/nsqmesh/nsqmesh/node/queue"
)

// queues are the topics and channels that are shown one by one, and what there is beyond them.
type queues struct {
	topics   []*queue.TopicStats
	channels []channel

	allTopics, allChannels int
	depth, backendDepth    int64 // of all
	inFlight, deferred     int
}

type channel struct {
	topic string
	*queue.ChannelStats
}

// newQueues keeps the first ones, as many as are allowed, and adds up all.
func newQueues(all []queue.TopicStats, limit int, excludeEphemeral bool) *queues {
	q := &queues{}
	hidden := func(name string) bool { return excludeEphemeral && names.Ephemeral(name) }
	for i := range all {
		t := &all[i]
		q.allTopics++
		q.depth += t.Depth
		q.backendDepth += t.BackendDepth
		if !hidden(t.Name) && q.shown() < limit {
			q.topics = append(q.topics, t)
		}
		for j := range t.Channels {
			c := &t.Channels[j]
			q.add(c)
			if !hidden(t.Name) && !hidden(c.Name) && q.shown() < limit {
				q.channels = append(q.channels, channel{t.Name, c})
			}
		}
	}
	return q
}

func (q *queues) add(c *queue.ChannelStats) {
	q.allChannels++
	q.depth += c.Depth
	q.backendDepth += c.BackendDepth
	q.inFlight += c.InFlight
	q.deferred += c.Deferred
}

func (q *queues) shown() int { return len(q.topics) + len(q.channels) }

var queuesMetrics = newTable(nil,
	gauge("topics", "Topics of this node.", func(q *queues) float64 { return float64(q.allTopics) }),
	gauge("channels", "Channels of this node.", func(q *queues) float64 { return float64(q.allChannels) }),
	gauge("depth_messages", "Messages that wait on this node, in topics and in channels, in memory and on disk.",
		func(q *queues) float64 { return float64(q.depth) }),
	gauge("backend_depth_messages", "The part of them that waits on disk.", func(q *queues) float64 { return float64(q.backendDepth) }),
	gauge("in_flight_messages", "Messages of all channels that consumers have and have not yet answered.",
		func(q *queues) float64 { return float64(q.inFlight) }),
	gauge("deferred_messages", "Messages of all channels that wait for their time.", func(q *queues) float64 { return float64(q.deferred) }),
	vector("metrics_left_out", "Topics and channels that have no metrics of their own, because there are more than --metrics-max-queues or for --metrics-exclude-ephemeral.",
		false, []string{"kind"}, func(q *queues) []sample {
			return []sample{
				{float64(q.allTopics - len(q.topics)), []string{"topic"}},
				{float64(q.allChannels - len(q.channels)), []string{"channel"}},
			}
		}),
)

var topicMetrics = newTable([]string{"topic"},
	gauge("topic_depth_messages", "Messages that wait in the topic itself: it has no channel, or is paused.",
		func(t *queue.TopicStats) float64 { return float64(t.Depth) }),
	gauge("topic_backend_depth_messages", "The part of them that waits on disk.",
		func(t *queue.TopicStats) float64 { return float64(t.BackendDepth) }),
	counter("topic_messages_total", "Messages published to the topic on this node.",
		func(t *queue.TopicStats) float64 { return float64(t.MessageCount) }),
	counter("topic_message_bytes_total", "Bytes of their bodies.", func(t *queue.TopicStats) float64 { return float64(t.MessageBytes) }),
	gauge("topic_channels", "Channels of the topic on this node.", func(t *queue.TopicStats) float64 { return float64(len(t.Channels)) }),
	gauge("topic_paused", "1 if the topic is paused.", func(t *queue.TopicStats) float64 { return yes(t.Paused) }),
)

var channelMetrics = newTable([]string{"topic", "channel"},
	gauge("channel_depth_messages", "Messages that wait for a consumer, without those in flight and deferred.",
		func(c channel) float64 { return float64(c.Depth) }),
	gauge("channel_backend_depth_messages", "The part of them that waits on disk.", func(c channel) float64 { return float64(c.BackendDepth) }),
	gauge("channel_in_flight_messages", "Messages that consumers have and have not yet answered.",
		func(c channel) float64 { return float64(c.InFlight) }),
	gauge("channel_deferred_messages", "Messages that wait for their time.", func(c channel) float64 { return float64(c.Deferred) }),
	counter("channel_messages_total", "Messages that came into the channel.", func(c channel) float64 { return float64(c.MessageCount) }),
	counter("channel_requeues_total", "Messages that consumers gave back.", func(c channel) float64 { return float64(c.RequeueCount) }),
	counter("channel_timeouts_total", "Messages that consumers kept too long.", func(c channel) float64 { return float64(c.TimeoutCount) }),
	gauge("channel_consumers", "Connections that consume the channel.", func(c channel) float64 { return float64(c.ConsumerCount) }),
	gauge("channel_paused", "1 if the channel is paused.", func(c channel) float64 { return yes(c.Paused) }),
	vector("channel_deliveries_total", "Messages by how near the consumer was that got them; with topology-aware-consumption only.",
		true, []string{"locality"}, localities),
	vector("channel_processing_latency_seconds", "Time from publish to FIN at the percentiles of --e2e-processing-latency-percentile, over its window.",
		false, []string{"percentile"}, latencies),
)

func localities(c channel) []sample {
	if c.ZoneLocalCount+c.RegionLocalCount+c.GlobalCount == 0 {
		return nil
	}
	return []sample{
		{float64(c.ZoneLocalCount), []string{"zone"}},
		{float64(c.RegionLocalCount), []string{"region"}},
		{float64(c.GlobalCount), []string{"global"}},
	}
}

func latencies(c channel) (all []sample) {
	for _, p := range c.Latency.Percentiles {
		percent := strconv.FormatFloat(p.Quantile*100, 'g', 6, 64)
		all = append(all, sample{p.Value / 1e9, []string{percent}})
	}
	return all
}
