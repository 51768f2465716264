package history

import (
	"context"
	"sync"
	"time"

	"github.com/nsqmesh/nsqmesh/node/queue"
)

// The fields of a moment. Those that only rise are kept as what was added since the moment before.
const (
	depth = iota
	inFlight
	in
	out
	requeues
	timeouts
	firstLatency // in microseconds, one for each quantile that is measured

	maxQuantiles = 4
	maxFields    = firstLatency + maxQuantiles
)

const (
	step       = 10 * time.Second
	hourSteps  = 360
	dayFactor  = 30 // steps of an hour's track in one of a day's
	daySteps   = 288
	dayStep    = dayFactor * step
	chunkSize  = 48  // of a chunk struct
	seriesSize = 640 // of a series without its chunks, with its place in the map

	// A series with one full chunk at each pace: as short as the past can get.
	shortest = seriesSize + 2*(chunkSize+256+16)

	// DefaultMaxBytes holds 5,000 topics of two channels each whose every number changes all the time, nearly.
	DefaultMaxBytes = 64 << 20
)

// Queues are what is looked at.
type Queues interface {
	Stats(topic, channel string) []queue.TopicStats
}

// Options are what a Keeper stands on.
type Options struct {
	Queues    Queues
	Quantiles []float64 // that the queues measure; the first four are kept
	MaxBytes  int64     // 0 is DefaultMaxBytes
}

// Name says of what a series is: a channel, a topic or, without either, the node.
type Name struct{ Topic, Channel string }

// Keeper remembers.
type Keeper struct {
	o     Options
	start time.Time

	mu      sync.Mutex
	series  map[Name]*series
	now     int64     // the newest moment; -1 before the first
	sampled time.Time // when that was
	noted   int       // series that have the newest moment
	share   float64   // of the full time that is kept, less than 1 while memory is short
	bytes   int64
}

// series is the past of one thing.
type series struct {
	hour, day track
	peak      values // what the day's next moment has so far
	before    counters
	seen      int64 // the newest moment
}

// counters are those that only rise, as they were last.
type counters struct{ in, out, requeues, timeouts int64 }

// New returns a Keeper that knows nothing yet.
func New(o Options) *Keeper {
	if o.MaxBytes <= 0 {
		o.MaxBytes = DefaultMaxBytes
	}
	o.Quantiles = o.Quantiles[:min(len(o.Quantiles), maxQuantiles)]
	return &Keeper{o: o, start: time.Now(), series: map[Name]*series{}, now: -1, share: 1}
}

// Run looks at the queues until ctx ends.
func (k *Keeper) Run(ctx context.Context) error {
	tick := time.NewTicker(step)
	defer tick.Stop()
	k.sample()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
			k.sample()
		}
	}
}

// Bytes is the memory that the past takes.
func (k *Keeper) Bytes() int64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.bytes
}

// sample looks once.
func (k *Keeper) sample() {
	topics := k.o.Queues.Stats("", "")
	k.mu.Lock()
	defer k.mu.Unlock()
	at := time.Now()
	moment := int64(at.Sub(k.start)+step/2) / int64(step)
	if moment <= k.now {
		return // the clock of a machine that slept
	}
	newDay := k.now >= 0 && moment/dayFactor != k.now/dayFactor
	k.now, k.sampled = moment, at
	var all gauge
	for i := range topics {
		all.add(k.topic(&topics[i], newDay))
	}
	k.note(Name{}, all, newDay)
	k.forget()
	if newDay || moment%6 == 0 || k.bytes > k.o.MaxBytes/2 { // counting is most of the work at rest
		k.fit()
	}
}

// gauge is a thing at one moment.
type gauge struct {
	values
	counters
}

func (g *gauge) add(h gauge) {
	g.values[depth] += h.values[depth]
	g.values[inFlight] += h.values[inFlight]
	g.in += h.in
	g.counters.out += h.counters.out
	g.counters.requeues += h.counters.requeues
	g.counters.timeouts += h.counters.timeouts
}

// topic notes a topic and its channels. What its channels have counts for it, but for what came in: that came once.
func (k *Keeper) topic(t *queue.TopicStats, newDay bool) gauge {
	sum := gauge{counters: counters{in: int64(t.MessageCount)}}
	sum.values[depth] = t.Depth
	for i := range t.Channels {
		c := &t.Channels[i]
		g := gauge{counters: counters{
			in: int64(c.MessageCount), out: int64(c.MessageCount) - c.Depth - int64(c.InFlight) - int64(c.Deferred),
			requeues: int64(c.RequeueCount), timeouts: int64(c.TimeoutCount),
		}}
		g.values[depth], g.values[inFlight] = c.Depth, int64(c.InFlight)
		k.latency(&g, c.Latency)
		k.note(Name{t.Name, c.Name}, g, newDay)
		g.in = 0
		sum.add(g)
	}
	k.latency(&sum, t.Latency)
	k.note(Name{Topic: t.Name}, sum, newDay)
	return sum
}

func (k *Keeper) latency(g *gauge, l queue.Latency) {
	for i, p := range l.Percentiles {
		if i < len(k.o.Quantiles) {
			g.values[firstLatency+i] = int64(p.Value) / 1000
		}
	}
}

// note appends a moment to a series, which is made if there is memory for it.
func (k *Keeper) note(name Name, g gauge, newDay bool) {
	s := k.series[name]
	if s == nil {
		if int64(len(k.series)+1)*shortest > k.o.MaxBytes && name != (Name{}) {
			return
		}
		s = &series{}
		if g.counters.out < 0 {
			s.before.out = g.counters.out // what was there before the node started
		}
		k.series[name] = s
	}
	v, b := g.values, s.before
	v[in], v[out] = max(g.in-b.in, 0), max(g.counters.out-b.out, 0)
	v[requeues], v[timeouts] = max(g.counters.requeues-b.requeues, 0), max(g.counters.timeouts-b.timeouts, 0)
	s.before, s.seen = g.counters, k.now
	k.noted++
	if newDay {
		s.day.add(k.now/dayFactor-1, s.peak)
		s.peak = values{}
	}
	s.hour.add(k.now, v)
	for i := range v {
		if i >= in && i <= timeouts {
			s.peak[i] += v[i]
		} else {
			s.peak[i] = max(s.peak[i], v[i])
		}
	}
}

// steps is how many of the full number are kept now.
func (k *Keeper) steps(full int64) int64 { return max(int64(float64(full)*k.share), 1) }

// forget drops what is no more.
func (k *Keeper) forget() {
	if k.noted == len(k.series) {
		k.noted = 0
		return
	}
	k.noted = 0
	for name, s := range k.series {
		if s.seen != k.now {
			delete(k.series, name)
		}
	}
}

// fit keeps within the bound on memory: it shortens the past until it fits, and lengthens it again as memory gets free.
func (k *Keeper) fit() {
	k.trim()
	if k.bytes < k.o.MaxBytes*3/4 {
		k.share = min(k.share*1.02, 1)
	}
	for k.bytes > k.o.MaxBytes && k.share > 0.01 {
		k.share *= 0.9
		k.trim()
	}
}

// trim drops what is too old, and counts the memory of the rest.
func (k *Keeper) trim() {
	k.bytes = int64(len(k.series)) * seriesSize
	for _, s := range k.series {
		s.hour.trim(k.now + 1 - k.steps(hourSteps))
		s.day.trim(k.now/dayFactor - k.steps(daySteps))
		k.bytes += s.hour.size() + s.day.size()
	}
}
