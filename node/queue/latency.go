package queue

import (
	"sync"
	"time"

	"github.com/beorn7/perks/quantile"
)

// latencyEpsilon is the error of the estimated quantiles.
const latencyEpsilon = 0.01

// latency estimates quantiles of the time from publish to FIN over a window. The window is two halves; the older is dropped
// when the newer is full, which is noticed when somebody adds or asks, not by a timer. A nil latency measures nothing.
type latency struct {
	quantiles []float64
	half      time.Duration

	mu      sync.Mutex
	newer   *quantile.Stream
	older   *quantile.Stream
	started time.Time // of the newer half
}

// newLatency returns nil unless there is something to measure.
func newLatency(o *Options) *latency {
	if len(o.LatencyPercentiles) == 0 {
		return nil
	}
	l := &latency{quantiles: o.LatencyPercentiles, half: o.LatencyWindow / 2, started: time.Now()}
	l.newer, l.older = l.stream(), l.stream()
	return l
}

func (l *latency) stream() *quantile.Stream {
	targets := make(map[float64]float64, len(l.quantiles))
	for _, q := range l.quantiles {
		targets[q] = latencyEpsilon
	}
	return quantile.NewTargeted(targets)
}

// add takes one sample, in nanoseconds.
func (l *latency) add(ns int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.turn()
	l.newer.Insert(float64(ns))
}

// turn drops what has left the window.
func (l *latency) turn() {
	if l.half <= 0 {
		return
	}
	for halves := time.Since(l.started) / l.half; halves > 0; halves-- {
		l.newer, l.older = l.older, l.newer
		l.newer.Reset()
		l.started = l.started.Add(l.half)
		if halves > 2 { // all is old; leap
			l.started = l.started.Add(l.half * (halves - 2))
			halves = 2
		}
	}
}

// mergeLatency returns the quantiles of several channels together, or nothing where nothing is measured.
func mergeLatency(all []*latency) Latency {
	var merged *latency
	for _, l := range all {
		if l == nil {
			continue
		}
		if merged == nil {
			merged = &latency{quantiles: l.quantiles}
			merged.newer = merged.stream()
		}
		l.pour(merged.newer)
	}
	if merged == nil {
		return Latency{}
	}
	return merged.read()
}

// pour adds what is in the window to a stream.
func (l *latency) pour(into *quantile.Stream) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.turn()
	for _, half := range []*quantile.Stream{l.newer, l.older} {
		samples := half.Samples()
		if len(samples) < half.Count() {
			into.Merge(samples)
			continue
		}
		for _, s := range samples { // few enough to be exact; merging would lose that
			into.Insert(s.Value)
		}
	}
}

func (l *latency) read() Latency {
	out := Latency{Count: l.newer.Count(), Percentiles: make([]Percentile, len(l.quantiles))}
	for i, q := range l.quantiles {
		out.Percentiles[i].Quantile = q
		if out.Count > 0 {
			out.Percentiles[i].Value = l.newer.Query(q)
		}
	}
	return out
}
