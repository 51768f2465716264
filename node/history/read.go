package history

import (
	"slices"
	"strings"
	"time"
)

// Past is how one thing was, the oldest first; -1 is not known. In, Out, Requeues and Timeouts are how many in a step.
type Past struct {
	Depth    []int64
	InFlight []int64
	In       []int64
	Out      []int64
	Requeues []int64
	Timeouts []int64
	Latency  [][]int64 // in microseconds, for each of Quantiles
}

// Quantiles are those of Past.Latency.
func (k *Keeper) Quantiles() []float64 { return k.o.Quantiles }

// Read returns how things were in the last hour or day, in so many points at most (0 is all), with the step from one to
// the next, and how long ago the last one was. Depth, in flight and latency of several steps in one are the highest; the others sum up.
func (k *Keeper) Read(names []Name, day bool, points int) (list []Past, pace, age time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	w := window{now: k.now, steps: hourSteps, pace: step}
	age = time.Since(k.sampled)
	if day {
		w = window{now: k.now/dayFactor - 1, steps: daySteps, pace: dayStep}
		age += time.Duration(k.now%dayFactor) * step
	}
	w.merge = 1
	if points > 0 {
		w.merge = (w.steps + int64(points) - 1) / int64(points)
	}
	for _, name := range names {
		var t *track
		if s := k.series[name]; s != nil && day {
			t = &s.day
		} else if s != nil {
			t = &s.hour
		}
		list = append(list, w.past(t, len(k.o.Quantiles)))
	}
	return list, w.pace * time.Duration(w.merge), age
}

// window is the part of the past that is asked for.
type window struct {
	now, steps, merge int64
	pace              time.Duration
}

func (w window) past(t *track, quantiles int) Past {
	n := (w.steps + w.merge - 1) / w.merge
	columns := make([][]int64, firstLatency+quantiles)
	for i := range columns {
		columns[i] = slices.Repeat([]int64{-1}, int(n))
	}
	if t != nil {
		t.each(w.now+1-w.steps, func(moment int64, v *values) {
			at := n - 1 - (w.now-moment)/w.merge
			if at < 0 || at >= n {
				return
			}
			for i := range columns {
				merge(&columns[i][at], v[i], i >= in && i <= timeouts)
			}
		})
	}
	return Past{columns[depth], columns[inFlight], columns[in], columns[out], columns[requeues], columns[timeouts], columns[firstLatency:]}
}

func merge(into *int64, v int64, sum bool) {
	switch {
	case *into < 0:
		*into = v
	case sum:
		*into += v
	default:
		*into = max(*into, v)
	}
}

// Base are a topic's counters at the last look, and those of its channels, sorted by name. Finished messages are those that came and are gone.
type Base struct {
	Topic    string
	Messages int64
	Channels []ChannelBase
}

// ChannelBase are a channel's counters at the last look.
type ChannelBase struct {
	Channel                                string
	Messages, Finished, Requeues, Timeouts int64
}

// Base returns all counters as they were at the last look, and how long ago that was, so that who looks for the first time can
// tell how fast they move.
func (k *Keeper) Base() (list []Base, age time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	channels := map[string][]ChannelBase{}
	for name, s := range k.series {
		b := s.before
		switch {
		case name.Channel != "":
			channels[name.Topic] = append(channels[name.Topic], ChannelBase{name.Channel, b.in, b.out, b.requeues, b.timeouts})
		case name.Topic != "":
			list = append(list, Base{Topic: name.Topic, Messages: b.in})
		}
	}
	for i := range list {
		list[i].Channels = channels[list[i].Topic]
		slices.SortFunc(list[i].Channels, func(a, b ChannelBase) int { return strings.Compare(a.Channel, b.Channel) })
	}
	slices.SortFunc(list, func(a, b Base) int { return strings.Compare(a.Topic, b.Topic) })
	return list, time.Since(k.sampled)
}
