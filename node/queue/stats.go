package queue

// TopicStats are a topic's counters at one moment. Depths are in messages, sizes in bytes.
type TopicStats struct {
	Name          string
	Depth         int64 // waiting in the topic itself: memory and disk
	BackendDepth  int64 // the disk's part
	MessageCount  uint64
	MessageBytes  uint64
	RefusalCount  uint64 // publishes that a full topic refused
	OverflowCount uint64 // messages that a full topic without channels dropped
	Paused        bool
	Channels      []ChannelStats // sorted by name
	Latency       Latency
}

// ChannelStats are a channel's counters at one moment.
type ChannelStats struct {
	Name             string
	Depth            int64 // memory and disk, without in flight and deferred
	BackendDepth     int64
	InFlight         int
	Deferred         int
	MessageCount     uint64
	ZoneLocalCount   uint64
	RegionLocalCount uint64
	GlobalCount      uint64
	RequeueCount     uint64
	TimeoutCount     uint64
	ExpiredCount     uint64 // dropped by policy, as older than message-ttl
	OverflowCount    uint64 // dropped by policy, as the oldest of a full queue
	DeadLetterCount  uint64 // moved to the dead-letter topic
	DiscardCount     uint64 // dropped after max-attempts without a dead-letter topic
	ConsumerCount    int
	Paused           bool
	Latency          Latency
}

// SubscriptionStats are a consumer's counters at one moment.
type SubscriptionStats struct {
	Ready        int
	InFlight     int
	MessageCount uint64
	FinishCount  uint64
	RequeueCount uint64
}

// Latency is the time from publish to FIN over the window. Percentiles is nil when none are configured.
type Latency struct {
	Count       int
	Percentiles []Percentile
}

// Percentile is one of the configured quantiles with its value in nanoseconds.
type Percentile struct {
	Quantile float64
	Value    float64
}

// Stats returns the counters of one topic (all for ""), with only the channels of one name (all for ""); with such a name,
// topics without that channel are left out. It is nil if the topic is unknown.
func (b *Broker) Stats(topic, channel string) []TopicStats {
	topics := b.Topics()
	if topic != "" {
		t := b.FindTopic(topic)
		if t == nil {
			return nil
		}
		topics = []*Topic{t}
	}
	all := make([]TopicStats, 0, len(topics))
	for _, t := range topics {
		s := t.stats(channel)
		if channel == "" || len(s.Channels) > 0 {
			all = append(all, s)
		}
	}
	return all
}

func (t *Topic) stats(only string) TopicStats {
	s := TopicStats{
		Name:          t.name,
		MessageCount:  t.messages.Load(),
		MessageBytes:  t.bytes.Load(),
		RefusalCount:  t.refusals.Load(),
		OverflowCount: t.overflows.Load(),
		Paused:        t.Paused(),
	}
	s.Depth, s.BackendDepth = t.backlog.depths()
	channels := t.listed()
	s.Channels = make([]ChannelStats, 0, len(channels))
	latencies := make([]*latency, len(channels))
	for i, c := range channels {
		latencies[i] = c.latency
		if only == "" || only == c.Name() {
			one := c.stats()
			one.Latency = mergeLatency(latencies[i : i+1])
			s.Channels = append(s.Channels, one)
		}
	}
	s.Latency = mergeLatency(latencies) // of all channels, whichever are shown
	return s
}
