package queue

import (
	"strings"
	"testing"
	"time"
)

const benchBatch = 200

// benchmark is a channel with one consumer that always has room, and a batch for it.
type benchmark struct {
	c     *Channel
	s     *Subscription
	ids   *idSource
	batch []Message
	into  []Message
	acked []ID
}

func newBenchmark(t testing.TB, batch int) *benchmark {
	c := testChannel(t, testOptions(t))
	s, _ := subscribe(t, c, 2500, Terms{})
	b := &benchmark{c: c, s: s, ids: newIDSource(1)}
	b.batch, b.into, b.acked = make([]Message, batch), make([]Message, 0, batch), make([]ID, batch)
	body := strings.Repeat("x", 100)
	for i := range b.batch {
		b.batch[i].Body = body
	}
	return b
}

func (b *benchmark) put(t testing.TB) {
	b.ids.number(b.batch, time.Now().UnixNano())
	put(t, b.c, b.batch)
}

func (b *benchmark) take(t testing.TB) {
	got := b.s.Take(b.into)
	if len(got) != len(b.batch) {
		t.Fatalf("took %d of %d", len(got), len(b.batch))
	}
	for i := range got {
		b.acked[i] = got[i].ID
	}
}

func (b *benchmark) finish(t testing.TB) { b.s.Finish(b.acked, unexpected(t)) }

func unexpected(t testing.TB) func(int, error) { return func(i int, err error) { t.Fatal(i, err) } }

// perMessage reports what one message of the batches cost.
func (b *benchmark) perMessage(t *testing.B) {
	t.ReportMetric(float64(t.Elapsed().Nanoseconds())/float64(t.N)/float64(len(b.batch)), "ns/message")
}

func BenchmarkChannel(t *testing.B) {
	for _, size := range []struct {
		name  string
		batch int
	}{{"batch=1", 1}, {"batch=10", 10}, {"batch=200", benchBatch}} {
		t.Run(size.name, func(t *testing.B) {
			b := newBenchmark(t, size.batch)
			t.ReportAllocs()
			for t.Loop() {
				b.put(t)
				b.take(t)
				b.finish(t)
			}
			b.perMessage(t)
		})
	}
}

// The parts of BenchmarkChannel, twelve batches at a time because stopping the timer takes longer than a batch.
const benchRounds = 12

func BenchmarkChannelPut(t *testing.B)    { benchmarkPart(t, 0) }
func BenchmarkChannelTake(t *testing.B)   { benchmarkPart(t, 1) }
func BenchmarkChannelFinish(t *testing.B) { benchmarkPart(t, 2) }

func benchmarkPart(t *testing.B, part int) {
	b := newBenchmark(t, benchBatch)
	acked := make([][]ID, benchRounds)
	for i := range acked {
		acked[i] = make([]ID, benchBatch)
	}
	parts := []func(i int){
		func(int) { b.put(t) },
		func(i int) { b.acked = acked[i]; b.take(t) },
		func(i int) { b.acked = acked[i]; b.finish(t) },
	}
	t.ReportAllocs()
	t.StopTimer()
	for range t.N {
		for n, f := range parts {
			if n == part {
				t.StartTimer()
			}
			for i := range benchRounds {
				f(i)
			}
			t.StopTimer()
		}
	}
	t.ReportMetric(float64(t.Elapsed().Nanoseconds())/float64(t.N)/benchRounds/benchBatch, "ns/message")
}

// BenchmarkChannelInFlight is BenchmarkChannel with a full ready count in flight all the time.
func BenchmarkChannelInFlight(t *testing.B) {
	b := newBenchmark(t, benchBatch)
	var rounds [][]ID
	round := func() {
		b.put(t)
		b.take(t)
		rounds = append(rounds, b.acked)
	}
	for range 11 {
		b.acked = make([]ID, benchBatch)
		round()
	}
	t.ReportAllocs()
	for t.Loop() {
		b.acked = rounds[0]
		copy(rounds, rounds[1:])
		rounds = rounds[:len(rounds)-1]
		b.finish(t)
		round()
	}
	b.perMessage(t)
}

// TestChannelAllocatesNothing holds the hot path to no allocation per batch, let alone message.
func TestChannelAllocatesNothing(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector makes pools drop what they hold")
	}
	for _, batch := range []int{1, benchBatch} {
		b := newBenchmark(t, batch)
		round := func() {
			b.put(t)
			b.take(t)
			b.finish(t)
		}
		round()
		if n := testing.AllocsPerRun(200, round); n > 0 {
			t.Errorf("%v allocations for a batch of %d", n, batch)
		}
	}
}
