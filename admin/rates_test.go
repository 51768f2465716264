package admin

import (
	"math"
	"testing"
	"time"
)

func TestRates(t *testing.T) {
	start := time.Now()
	look := func(after time.Duration, boot, messages, depth int64) *statsAnswer {
		return &statsAnswer{at: start.Add(after), StartTime: boot, Topics: []topicStats{
			{Name: "a"},
			{Name: "b", MessageCount: messages, Channels: []channelStats{{Name: "c", MessageCount: messages, Depth: depth}}},
		}}
	}
	for name, c := range map[string]struct {
		first, second *statsAnswer
		in, out       float64
	}{
		"what came and what went is told apart":  {look(0, 1, 100, 50), look(4*time.Second, 1, 300, 90), 50, 40},
		"nothing is known of the first look":     {nil, look(0, 1, 300, 0), math.NaN(), math.NaN()},
		"nothing is known across a restart":      {look(0, 1, 900, 0), look(4*time.Second, 2, 300, 0), math.NaN(), math.NaN()},
		"nothing is known after a long pause":    {look(0, 1, 100, 0), look(2*time.Minute, 1, 300, 0), math.NaN(), math.NaN()},
		"what was made anew is not below nought": {look(0, 1, 900, 0), look(4*time.Second, 1, 300, 0), 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			var l looks
			if c.first != nil {
				l.earlier("n", c.first)
			}
			p := newPace(looked{c.second, l.earlier("n", c.second)})
			topic := &c.second.Topics[1]
			in, out := p.topic(topic).In, p.channel(&topic.Channels[0]).Out
			if !same(float64(in), c.in) || !same(float64(out), c.out) {
				t.Errorf("in %v and out %v, want %v and %v", in, out, c.in, c.out)
			}
		})
	}
}

func same(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) }

func TestSumOfRatesLeavesOutWhatIsNotKnown(t *testing.T) {
	if sum := UnknownRate.plus(3).plus(UnknownRate).plus(4); sum != 7 {
		t.Errorf("the sum is %v, want 7", sum)
	}
	if !math.IsNaN(float64(UnknownRate.plus(UnknownRate))) {
		t.Error("a sum of nothing known is known")
	}
}
