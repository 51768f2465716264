package admin

import (
	"math"
	"strings"
	"sync"
	"time"
)

const (
	// Rates are found from two looks at a node that are at least and at most so far apart.
	shortestLook = 2 * time.Second
	longestLook  = time.Minute
)

// looks remembers for each node what it answered a little earlier.
type looks struct {
	mu sync.Mutex
	of map[string]*look
}

type look struct{ before, latest *statsAnswer }

// baseTarget asks a node for its counters as they were some seconds ago, for whoever looks at it for the first time.
const baseTarget = "/history/base"

// known reports whether there is something to compare a node's next answer with.
func (l *looks) known(address string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := l.of[address]
	return at != nil && at.latest != nil && time.Since(at.latest.at) < longestLook
}

// seed takes what a node says about a little earlier.
func (l *looks) seed(address string, base *statsAnswer) {
	base.at = time.Now().Add(-time.Duration(base.AgeMs) * time.Millisecond)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.of == nil {
		l.of = map[string]*look{}
	}
	l.of[address] = &look{before: base}
}

// earlier notes an answer and returns the one to compare it with; nil if there is none.
func (l *looks) earlier(address string, s *statsAnswer) *statsAnswer {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.of == nil {
		l.of = map[string]*look{}
	}
	at := l.of[address]
	if at == nil {
		at = &look{}
		l.of[address] = at
	}
	if at.latest != s {
		if at.latest != nil && at.latest.StartTime == s.StartTime && (at.before == nil || s.at.Sub(at.before.at) >= 2*shortestLook) {
			at.before = at.latest
		}
		at.latest = s
	}
	b := at.before
	if b == nil || b.StartTime != s.StartTime || s.at.Sub(b.at) > longestLook || s.at.Sub(b.at) < shortestLook/2 {
		return nil
	}
	return b
}

// keep forgets nodes that are no more.
func (l *looks) keep(addresses map[string]bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for address := range l.of {
		if !addresses[address] {
			delete(l.of, address)
		}
	}
}

var unknownRates = Rates{UnknownRate, UnknownRate, UnknownRate, UnknownRate}

// pace finds the rates of one node's topics. Topics and channels are asked about in the order of their names.
type pace struct {
	topics   []topicStats // of the earlier look, what is left of them
	seconds  float64      // 0 if there was none
	current  *topicStats  // of the topic asked about last
	channels []channelStats
}

func newPace(at looked) *pace {
	if at.before == nil {
		return &pace{}
	}
	return &pace{topics: at.before.Topics, seconds: at.now.at.Sub(at.before.at).Seconds()}
}

// topic gives a topic's own rate; those of its channels are added by the caller.
func (p *pace) topic(t *topicStats) Rates {
	p.current, p.channels = nil, nil
	if p.seconds == 0 {
		return unknownRates
	}
	for len(p.topics) > 0 && strings.Compare(p.topics[0].Name, t.Name) < 0 {
		p.topics = p.topics[1:]
	}
	if len(p.topics) == 0 || p.topics[0].Name != t.Name {
		return Rates{In: p.rate(t.MessageCount)} // it is new
	}
	p.current = &p.topics[0]
	p.channels = p.current.Channels
	return Rates{In: p.rate(t.MessageCount - p.current.MessageCount)}
}

func (p *pace) channel(c *channelStats) Rates {
	if p.seconds == 0 {
		return unknownRates
	}
	for len(p.channels) > 0 && strings.Compare(p.channels[0].Name, c.Name) < 0 {
		p.channels = p.channels[1:]
	}
	b := &channelStats{}
	if len(p.channels) > 0 && p.channels[0].Name == c.Name {
		b = &p.channels[0]
	}
	return Rates{
		In: p.rate(c.MessageCount - b.MessageCount), Out: p.rate(c.finished() - b.finished()),
		Requeues: p.rate(c.RequeueCount - b.RequeueCount), Timeouts: p.rate(c.TimeoutCount - b.TimeoutCount),
	}
}

// rate is never negative: a counter that fell belongs to something that was made anew.
func (p *pace) rate(n int64) Rate { return Rate(float64(max(n, 0)) / p.seconds) }

func (r *Rates) add(s Rates) {
	r.In, r.Out = r.In.plus(s.In), r.Out.plus(s.Out)
	r.Requeues, r.Timeouts = r.Requeues.plus(s.Requeues), r.Timeouts.plus(s.Timeouts)
}

// plus ignores what is not known unless nothing is.
func (r Rate) plus(s Rate) Rate {
	switch {
	case math.IsNaN(float64(r)):
		return s
	case math.IsNaN(float64(s)):
		return r
	}
	return r + s
}
