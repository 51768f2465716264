package queue

// TopicStats are a topic's counters at one moment. Depths are in messages, sizes in bytes.
type TopicStats struct {
	Name         string
	Depth        int64 // waiting in the topic itself: memory and disk
	BackendDepth int64 // the disk's part
	MessageCount uint64
	MessageBytes uint64
	Paused       bool
	Channels     []ChannelStats // sorted by name
	Latency      Latency
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

// Stats returns the counters of one topic (all for ""), with only the channels of one name (all for "").
func (b *Broker) Stats(topic, channel string) []TopicStats { panic("unwritten") }
