package tools

import (
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/nsqmesh/nsqmesh/cmd/cli"
)

const (
	roundRobin    = "round-robin"
	hostPool      = "hostpool"
	epsilonGreedy = "epsilon-greedy"

	firstRest = 30 * time.Second // of a destination that failed; each further failure doubles it
	longRest  = 15 * time.Minute

	firstEpsilon   = 0.3 // share of messages that go to a destination at random, to learn how fast it is
	epsilonDecay   = 0.9
	leastEpsilon   = 0.01
	speedForgotten = 5 * time.Minute // how far back it counts how fast a destination was
)

func destinationMode() cli.Choice { return cli.OneOf(hostPool, roundRobin, epsilonGreedy) }

const destinationModeUsage = "spread messages over destinations by `mode`: hostpool (in turn, one that fails rests for a while), " +
	"round-robin (in turn) or epsilon-greedy (mostly to the fastest)"

// destinations are places of which any one may take a message.
type destinations struct {
	mode string

	mu      sync.Mutex
	all     []*destination
	turn    int
	epsilon float64
}

// destination is one of them. What it counts is guarded by the lock of destinations.
type destination struct {
	name   string
	rests  time.Duration // how long after its last failures in a row
	wakes  time.Time
	speed  speed
	told   time.Time
	done   int64
	failed int64
}

func newDestinations(mode string, names []string) *destinations {
	t := &destinations{mode: mode, epsilon: firstEpsilon}
	t.set(names)
	return t
}

// set replaces the destinations; one that stays keeps what is known of it.
func (t *destinations) set(names []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var all []*destination
	for _, name := range unique(names) {
		if i := slices.IndexFunc(t.all, func(x *destination) bool { return x.name == name }); i >= 0 {
			all = append(all, t.all[i])
		} else {
			all = append(all, &destination{name: name})
		}
	}
	t.all = all
}

// order is in which order to try the destinations for one message. Those that rest come last, so that a message is only sent
// back when every destination has refused it.
func (t *destinations) order(now time.Time) []*destination {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.all) == 0 {
		return nil
	}
	t.turn = (t.turn + 1) % len(t.all)
	order := slices.Concat(t.all[t.turn:], t.all[:t.turn])
	if t.mode != roundRobin {
		slices.SortStableFunc(order, func(a, b *destination) int { return a.resting(now) - b.resting(now) })
	}
	if t.mode == epsilonGreedy {
		t.preferFast(order, now)
	}
	return order
}

func (x *destination) resting(now time.Time) int {
	if now.Before(x.wakes) {
		return 1
	}
	return 0
}

// preferFast puts a destination in front that is drawn by its speed, or by chance alone now and then.
func (t *destinations) preferFast(order []*destination, now time.Time) {
	awake := order
	if i := slices.IndexFunc(order, func(x *destination) bool { return x.resting(now) == 1 }); i > 0 {
		awake = order[:i]
	}
	at := rand.IntN(len(awake))
	if rand.Float64() < t.epsilon {
		t.epsilon = max(leastEpsilon, t.epsilon*epsilonDecay)
	} else {
		at = drawFast(awake)
	}
	awake[0], awake[at] = awake[at], awake[0]
}

// drawFast draws by the inverse of the time that destinations take. One that has not been measured is as fast as the fastest.
func drawFast(awake []*destination) int {
	fastest := math.Inf(1)
	for _, x := range awake {
		if average, known := x.speed.average(); known {
			fastest = min(fastest, average)
		}
	}
	if math.IsInf(fastest, 1) {
		return rand.IntN(len(awake))
	}
	weights, total := make([]float64, len(awake)), 0.0
	for i, x := range awake {
		average, known := x.speed.average()
		if !known {
			average = fastest
		}
		weights[i] = 1 / average
		total += weights[i]
	}
	drawn := rand.Float64() * total
	for i, w := range weights {
		if drawn -= w; drawn < 0 {
			return i
		}
	}
	return len(awake) - 1
}

// ok notes that a destination took a message.
func (t *destinations) ok(x *destination, now time.Time, took time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	x.done++
	x.rests, x.wakes = 0, time.Time{}
	x.speed.add(now, took)
}

// failure notes that a destination did not, and tells whether to say so: once in a while is enough. A message that a destination
// refuses for what it is says nothing about the destination.
func (t *destinations) failure(x *destination, now time.Time, itsFault bool) (tell bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	x.failed++
	if itsFault {
		x.rests = min(max(firstRest, 2*x.rests), longRest)
		x.wakes = now.Add(x.rests)
	}
	if tell = now.Sub(x.told) > tellEvery; tell {
		x.told = now
	}
	return tell
}

// speed is an average in milliseconds that forgets.
type speed struct {
	sum, weight float64
	at          time.Time
}

func (s *speed) add(now time.Time, took time.Duration) {
	fade := math.Exp(-now.Sub(s.at).Seconds() / speedForgotten.Seconds())
	s.sum, s.weight = s.sum*fade+max(0.001, took.Seconds()*1000), s.weight*fade+1
	s.at = now
}

func (s *speed) average() (ms float64, known bool) {
	return s.sum / s.weight, s.weight > 0
}
