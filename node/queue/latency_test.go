package queue

import (
	"math"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func testLatency(window time.Duration, quantiles ...float64) *latency {
	return newLatency(&Options{LatencyPercentiles: quantiles, LatencyWindow: window})
}

func wantLatency(t *testing.T, got Latency, count int, percentiles ...Percentile) {
	t.Helper()
	if got.Count != count || !slices.Equal(got.Percentiles, percentiles) {
		t.Errorf("got %+v, want %d samples, %v", got, count, percentiles)
	}
}

func TestLatencyOff(t *testing.T) {
	if l := newLatency(&Options{LatencyWindow: time.Minute}); l != nil {
		t.Error("measures without quantiles")
	}
	wantLatency(t, mergeLatency([]*latency{nil, nil}), 0)
	wantLatency(t, mergeLatency(nil), 0)
}

func TestLatencyKeepsTheConfiguredOrder(t *testing.T) {
	l := testLatency(time.Minute, 0.5, 1, 0.1)
	wantLatency(t, mergeLatency([]*latency{l}), 0, Percentile{0.5, 0}, Percentile{1, 0}, Percentile{0.1, 0})
	for i := range 10 {
		l.add(int64(i + 1))
	}
	wantLatency(t, mergeLatency([]*latency{l}), 10, Percentile{0.5, 5}, Percentile{1, 10}, Percentile{0.1, 1})
}

func TestLatencyWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const half = time.Minute
		l := testLatency(2*half, 1)
		expect := func(count int, most float64) {
			t.Helper()
			wantLatency(t, mergeLatency([]*latency{l}), count, Percentile{1, most})
		}
		l.add(1)
		time.Sleep(half)
		expect(1, 1)
		l.add(2)
		expect(2, 2)
		time.Sleep(half)
		expect(1, 2)
		time.Sleep(half)
		expect(0, 0)
		l.add(3)
		time.Sleep(1000 * half)
		expect(0, 0)
		l.add(4)
		time.Sleep(half / 2)
		expect(1, 4)
	})
}

func TestLatencyOfATopicIsThatOfAllChannels(t *testing.T) {
	a, b := testLatency(time.Hour, 0.99, 0.5), testLatency(time.Hour, 0.99, 0.5)
	for i := range 5000 {
		a.add(int64(i))
		b.add(int64(i + 5000))
	}
	got := mergeLatency([]*latency{a, b})
	if got.Count != 10000 || math.Abs(got.Percentiles[0].Value-9900) > 300 || math.Abs(got.Percentiles[1].Value-5000) > 300 {
		t.Errorf("%+v", got)
	}
}

func TestLatencyInStats(t *testing.T) {
	o := testOptions(t)
	o.LatencyPercentiles, o.LatencyWindow = []float64{1, 0.5}, time.Hour
	topic := testTopic(t, o)
	wantLatency(t, topic.stats("").Latency, 0)
	c := channelOf(t, topic, "c")
	channelOf(t, topic, "d")
	wantLatency(t, topic.stats("").Latency, 0, Percentile{1, 0}, Percentile{0.5, 0})
	batch := bodies(0, "x")
	batch[0].Timestamp = time.Now().Add(-time.Minute).UnixNano()
	if err := topic.Put(batch); err != nil {
		t.Fatal(err)
	}
	s, _ := subscribe(t, c, 1, Terms{})
	s.Finish(idsOf(take(s)), noFailure(t))
	stats := topic.stats("c")
	for _, l := range []Latency{stats.Latency, stats.Channels[0].Latency} {
		if l.Count != 1 || l.Percentiles[0].Value < float64(time.Minute) || l.Percentiles[0].Value > float64(time.Hour) {
			t.Errorf("%+v", l)
		}
	}
	wantLatency(t, topic.stats("d").Channels[0].Latency, 0, Percentile{1, 0}, Percentile{0.5, 0})
}

func BenchmarkLatency(b *testing.B) {
	l := testLatency(10*time.Minute, 0.99, 0.95)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		l.add(int64(i * 7919 % 1000003))
	}
}
