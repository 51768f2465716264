package tools

import (
	"slices"
	"testing"
	"time"
)

func firstOf(d *destinations, now time.Time, times int) map[string]int {
	first := map[string]int{}
	for range times {
		first[d.order(now)[0].name]++
	}
	return first
}

func TestDestinationsTakeTurns(t *testing.T) {
	now := time.Now()
	for _, mode := range []string{roundRobin, hostPool} {
		d := newDestinations(mode, []string{"a", "b", "c", "b"})
		if got := firstOf(d, now, 300); got["a"] != 100 || got["b"] != 100 || got["c"] != 100 {
			t.Errorf("%s: %v", mode, got)
		}
	}
	if newDestinations(hostPool, nil).order(now) != nil {
		t.Error("an order of nothing")
	}
}

func TestDestinationsThatFailRest(t *testing.T) {
	now := time.Now()
	d := newDestinations(hostPool, []string{"a", "b"})
	a := d.all[0]
	for fails, rest := range []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute, 15 * time.Minute, 15 * time.Minute} {
		d.failure(a, now, true)
		if got := firstOf(d, now.Add(rest-1), 10); got["b"] != 10 {
			t.Errorf("failure %d: %v before the rest is over", fails+1, got)
		}
		if got := d.order(now.Add(rest - 1)); len(got) != 2 || got[1] != a {
			t.Errorf("failure %d: the one that rests is not tried at last", fails+1)
		}
		now = now.Add(rest)
		if got := firstOf(d, now, 10); got["a"] != 5 {
			t.Errorf("failure %d: %v after it", fails+1, got)
		}
	}
	d.ok(a, now, time.Millisecond)
	d.failure(a, now, true)
	if got := firstOf(d, now.Add(firstRest), 10); got["a"] != 5 {
		t.Errorf("a success does not shorten the next rest: %v", got)
	}
	d.failure(d.all[1], now, true)
	if got := firstOf(d, now, 10); got["a"] != 5 || got["b"] != 5 {
		t.Errorf("when all rest: %v", got)
	}
}

func TestDestinationsThatRefuseAMessageDoNotRest(t *testing.T) {
	now := time.Now()
	d := newDestinations(hostPool, []string{"a", "b"})
	if !d.failure(d.all[0], now, false) || d.failure(d.all[0], now.Add(time.Second), false) || !d.failure(d.all[0], now.Add(time.Minute), false) {
		t.Error("failures are to be told once in a while")
	}
	if got := firstOf(d, now, 10); got["a"] != 5 {
		t.Errorf("%v", got)
	}
}

func TestRoundRobinKnowsNoRest(t *testing.T) {
	now := time.Now()
	d := newDestinations(roundRobin, []string{"a", "b"})
	d.failure(d.all[0], now, true)
	if got := firstOf(d, now, 10); got["a"] != 5 {
		t.Errorf("%v", got)
	}
}

func TestEpsilonGreedyPrefersTheFast(t *testing.T) {
	now := time.Now()
	d := newDestinations(epsilonGreedy, []string{"slow", "fast", "dead"})
	if got := firstOf(d, now, 3000); got["slow"] < 500 || got["fast"] < 500 || got["dead"] < 500 {
		t.Errorf("when nothing is known: %v", got)
	}
	for range 100 {
		d.ok(d.all[0], now, 100*time.Millisecond)
		d.ok(d.all[1], now, time.Millisecond)
		d.failure(d.all[2], now, true)
	}
	got := firstOf(d, now, 3000)
	if got["fast"] < 2500 || got["slow"] == 0 || got["dead"] > 0 {
		t.Errorf("%v", got)
	}
	if d.epsilon != leastEpsilon {
		t.Errorf("epsilon is %v", d.epsilon)
	}
	later := now.Add(20 * speedForgotten)
	d.ok(d.all[0], later, time.Millisecond)
	if got := firstOf(d, later, 1000); got["slow"] < 200 {
		t.Errorf("what was long ago still counts: %v", got)
	}
}

func TestDestinationsThatStayAreRemembered(t *testing.T) {
	now := time.Now()
	d := newDestinations(hostPool, []string{"a", "b"})
	d.failure(d.all[0], now, true)
	d.set([]string{"c", "a"})
	var names []string
	for _, x := range d.order(now) {
		names = append(names, x.name)
	}
	if !slices.Equal(names, []string{"c", "a"}) {
		t.Errorf("%v", names)
	}
}

func TestPercentile(t *testing.T) {
	var all []time.Duration
	for i := range 250 {
		all = append(all, time.Duration(i+1))
	}
	if p := percentile(all, 99); p != 248 {
		t.Errorf("99th: %d", p)
	}
	if p := percentile(all[:1], 95); p != 1 {
		t.Errorf("of one: %d", p)
	}
}
