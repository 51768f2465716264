package statsd

import (
	"strconv"

	"github.com/nsqmesh/nsqmesh/node/names"
	"github.com/nsqmesh/nsqmesh/node/queue"
)

// report is one push in the making: lines, packed into datagrams.
type report struct {
	prefix  string
	limit   int // of a datagram
	packets [][]byte
	line    []byte // the one being written, to be reused

	before, now counters
}

// counters are the values of counters by name. Those of topics and channels that are gone are not in the next report's,
// so a topic that is made again starts from zero.
type counters map[string]uint64

// report takes the figures of the moment.
func (p *Pusher) report() [][]byte {
	r := &report{prefix: p.o.Prefix, limit: p.o.PacketSize, before: p.before, now: counters{}}
	for _, t := range p.source.Stats("", "") {
		if p.o.ExcludeEphemeral && names.Ephemeral(t.Name) {
			continue
		}
		r.topic(&t)
		for i := range t.Channels {
			if c := &t.Channels[i]; !p.o.ExcludeEphemeral || !names.Ephemeral(c.Name) {
				r.channel(t.Name, c)
			}
		}
	}
	if p.o.MemStats {
		r.memory(ReadMemory())
	}
	p.before = r.now
	return r.packets
}

func (r *report) topic(t *queue.TopicStats) {
	scope := "topic." + t.Name + "."
	r.counter(scope+"message_count", t.MessageCount)
	r.counter(scope+"message_bytes", t.MessageBytes)
	r.gauge(scope+"depth", t.Depth)
	r.gauge(scope+"backend_depth", t.BackendDepth)
	r.latency(scope, t.Latency)
}

func (r *report) channel(topic string, c *queue.ChannelStats) {
	scope := "topic." + topic + ".channel." + c.Name + "."
	r.counter(scope+"message_count", c.MessageCount)
	r.gauge(scope+"depth", c.Depth)
	r.gauge(scope+"backend_depth", c.BackendDepth)
	r.gauge(scope+"in_flight_count", int64(c.InFlight))
	r.gauge(scope+"deferred_count", int64(c.Deferred))
	r.counter(scope+"requeue_count", c.RequeueCount)
	r.counter(scope+"timeout_count", c.TimeoutCount)
	r.gauge(scope+"clients", int64(c.ConsumerCount))
	r.latency(scope, c.Latency)
}

func (r *report) latency(scope string, l queue.Latency) {
	for _, p := range l.Percentiles {
		percent := strconv.FormatFloat(p.Quantile*100, 'f', 0, 64)
		r.gauge(scope+"e2e_processing_latency_"+percent, int64(p.Value))
	}
}

func (r *report) memory(m Memory) {
	r.gauge("mem.heap_objects", int64(m.HeapObjects))
	r.gauge("mem.heap_idle_bytes", int64(m.HeapIdleBytes))
	r.gauge("mem.heap_in_use_bytes", int64(m.HeapInUseBytes))
	r.gauge("mem.heap_released_bytes", int64(m.HeapReleasedBytes))
	r.gauge("mem.gc_pause_usec_100", int64(m.GCPauseUsec100))
	r.gauge("mem.gc_pause_usec_99", int64(m.GCPauseUsec99))
	r.gauge("mem.gc_pause_usec_95", int64(m.GCPauseUsec95))
	r.gauge("mem.next_gc_bytes", int64(m.NextGCBytes))
	r.counter("mem.gc_runs", uint64(m.GCTotalRuns))
}

// counter reports the difference since the last push. A value below the last one is a topic or channel that was made again
// in between, so all of it is new.
func (r *report) counter(name string, value uint64) {
	r.now[name] = value
	if last := r.before[name]; last <= value {
		value -= last
	}
	r.add(name, strconv.AppendUint(nil, value, 10), "|c\n")
}

func (r *report) gauge(name string, value int64) {
	r.add(name, strconv.AppendInt(nil, value, 10), "|g\n")
}

// add writes a line into the last datagram, or a new one if it does not fit.
func (r *report) add(name string, value []byte, kind string) {
	line := append(append(r.line[:0], r.prefix...), name...)
	line = append(append(append(line, ':'), value...), kind...)
	r.line = line
	last := len(r.packets) - 1
	if last < 0 || len(r.packets[last])+len(line) > r.limit {
		r.packets = append(r.packets, make([]byte, 0, max(r.limit, len(line))))
		last++
	}
	r.packets[last] = append(r.packets[last], line...)
}
