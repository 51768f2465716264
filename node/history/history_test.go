package history

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nsqmesh/nsqmesh/node/queue"
)

func TestWhatIsPackedComesOutAgain(t *testing.T) {
	for name, change := range map[string]int{"that never stands still": 1, "that moves now and then": 20, "that hardly moves": 300} {
		t.Run("a series "+name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, uint64(change)))
			want := map[int64]values{}
			var tr track
			var v values
			for moment := int64(5); moment < 2000; moment++ {
				if r.IntN(change) == 0 {
					v[r.IntN(maxFields)] = r.Int64N(1 << r.IntN(60))
				}
				if r.IntN(500) == 0 {
					continue // a gap
				}
				tr.add(moment, v)
				want[moment] = v
			}
			next := int64(0)
			tr.each(100, func(moment int64, v *values) {
				if moment < max(next, 100) || want[moment] != *v {
					t.Fatalf("moment %d has %v, want %v", moment, *v, want[moment])
				}
				next = moment + 1
				delete(want, moment)
			})
			for moment := range want {
				if moment >= 100 {
					t.Fatalf("moment %d is lost", moment)
				}
			}
		})
	}
}

// queues are topics as a test wants them.
type queues struct {
	mu     sync.Mutex
	topics []queue.TopicStats
}

// Stats waits for nobody in virtual time; the lock is what lets the race detector know who came first.
func (q *queues) Stats(string, string) []queue.TopicStats {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.topics
}

func oneTopic() *queues {
	return &queues{topics: []queue.TopicStats{{Name: "t", Channels: []queue.ChannelStats{{Name: "c"}}}}}
}

func (q *queues) publish(n, depth int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	t := &q.topics[0]
	t.MessageCount += uint64(n)
	c := &t.Channels[0]
	c.MessageCount += uint64(n)
	c.Depth = depth
}

func run(t *testing.T, k *Keeper) {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = k.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	synctest.Wait()
}

func TestKeeper(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := oneTopic()
		q.publish(5, -7) // 12 messages were there when the node started and are gone
		q.mu.Lock()
		q.topics[0].Channels[0].Depth = 12
		q.mu.Unlock()
		k := New(Options{Queues: q, Quantiles: []float64{0.5}})
		run(t, k)
		for i := range int64(4) {
			q.publish(10, 20+i)
			time.Sleep(step)
			synctest.Wait()
		}
		list, pace, age := k.Read([]Name{{"t", "c"}, {"t", ""}, {}, {"x", ""}}, false, 0)
		if pace != step || age != 0 || len(list[0].Depth) != hourSteps {
			t.Errorf("%d values, one each %v, the last %v ago", len(list[0].Depth), pace, age)
		}
		for i, c := range []struct {
			name              string
			depth, in, out, _ []int64
		}{
			{"a channel", []int64{12, 20, 21, 22, 23}, []int64{5, 10, 10, 10, 10}, []int64{0, 2, 9, 9, 9}, nil},
			{"a topic", []int64{12, 20, 21, 22, 23}, []int64{5, 10, 10, 10, 10}, []int64{0, 2, 9, 9, 9}, nil},
			{"the node", []int64{12, 20, 21, 22, 23}, []int64{5, 10, 10, 10, 10}, []int64{0, 2, 9, 9, 9}, nil},
			{"what is not there", []int64{-1, -1, -1, -1, -1}, []int64{-1, -1, -1, -1, -1}, []int64{-1, -1, -1, -1, -1}, nil},
		} {
			p, last := list[i], hourSteps-5
			if !slices.Equal(p.Depth[last:], c.depth) || !slices.Equal(p.In[last:], c.in) || !slices.Equal(p.Out[last:], c.out) {
				t.Errorf("%s had depth %v, in %v, out %v; want %v, %v, %v", c.name, p.Depth[last:], p.In[last:], p.Out[last:], c.depth, c.in, c.out)
			}
			if p.Depth[last-1] != -1 {
				t.Errorf("%s has a past before it was", c.name)
			}
		}
		base, _ := k.Base()
		if len(base) != 1 || base[0].Messages != 45 || base[0].Channels[0].Finished != 22 {
			t.Errorf("the base is %+v", base)
		}
		q.mu.Lock()
		q.topics = nil
		q.mu.Unlock()
		time.Sleep(step)
		synctest.Wait()
		if base, _ := k.Base(); len(base) != 0 {
			t.Errorf("what was deleted is remembered: %+v", base)
		}
	})
}

func TestADayIsTheHighestAndTheSums(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := oneTopic()
		k := New(Options{Queues: q})
		run(t, k)
		for i := range int64(26 * 360) {
			q.publish(2, i%dayFactor)
			time.Sleep(step)
			synctest.Wait()
		}
		synctest.Wait()
		list, pace, _ := k.Read([]Name{{"t", "c"}}, true, 0)
		p := list[0]
		if pace != dayStep || len(p.Depth) != daySteps {
			t.Fatalf("%d values, one each %v", len(p.Depth), pace)
		}
		for i := range p.Depth {
			if p.Depth[i] != dayFactor-1 || p.In[i] != 2*dayFactor {
				t.Fatalf("value %d is depth %d and in %d", i, p.Depth[i], p.In[i])
			}
		}
		list, pace, _ = k.Read([]Name{{"t", "c"}}, false, 60)
		if p := list[0]; pace != time.Minute || len(p.In) != 60 || p.In[30] != 12 {
			t.Errorf("an hour in 60 points: one each %v, %d in", pace, p.In[30])
		}
	})
}

// busy is a mesh in which every number of every channel changes all the time.
func busy(topics int) *queues {
	q := &queues{}
	for i := range topics {
		t := queue.TopicStats{Name: fmt.Sprintf("topic-%d", i)}
		for _, c := range []string{"archive", "metrics"} {
			t.Channels = append(t.Channels, queue.ChannelStats{Name: c})
		}
		q.topics = append(q.topics, t)
	}
	return q
}

func (q *queues) churn(r *rand.Rand) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i := range q.topics {
		t := &q.topics[i]
		n := r.Uint64N(5000)
		t.MessageCount += n
		for k := range t.Channels {
			c := &t.Channels[k]
			c.MessageCount += n
			c.Depth, c.InFlight = r.Int64N(1000), r.IntN(100)
			c.RequeueCount += r.Uint64N(3)
			c.TimeoutCount += r.Uint64N(3)
		}
	}
}

func TestMemoryIsBounded(t *testing.T) {
	const topics, limit = 300, 2 << 20
	synctest.Test(t, func(t *testing.T) {
		q, r := busy(topics), rand.New(rand.NewPCG(1, 2))
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		k := New(Options{Queues: q, MaxBytes: limit})
		run(t, k)
		for i := range 3 * hourSteps {
			q.churn(r)
			time.Sleep(step)
			synctest.Wait()
			if n := k.Bytes(); n > limit {
				t.Fatalf("%d bytes after %d steps, more than %d", n, i, limit)
			}
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 2*limit {
			t.Errorf("the heap grew by %d bytes, said are %d", grown, k.Bytes())
		}
		list, _, _ := k.Read([]Name{{"topic-7", "metrics"}}, false, 0)
		if kept := hourSteps - slices.Index(list[0].In, list[0].In[hourSteps-1]); kept < 1 || list[0].In[hourSteps-1] < 0 {
			t.Error("nothing is left of the past")
		}
	})
}

// BenchmarkSample is one look at 5,000 topics of two channels. B/series is what an hour and a bit of a day take.
func BenchmarkSample(b *testing.B) {
	for name, moving := range map[string]bool{"idle": false, "busy": true} {
		b.Run(name, func(b *testing.B) {
			q, r := busy(5000), rand.New(rand.NewPCG(1, 2))
			k := New(Options{Queues: q, MaxBytes: 1 << 30})
			b.ReportAllocs()
			for b.Loop() {
				if moving {
					b.StopTimer()
					q.churn(r)
					b.StartTimer()
				}
				k.start = k.start.Add(-step)
				k.sample()
			}
			b.ReportMetric(float64(k.Bytes())/15001, "B/series")
		})
	}
}
