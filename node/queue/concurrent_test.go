package queue

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// worker consumes until stop is closed: it finishes most messages, requeues some, lets some time out, and now and then leaves
// and comes again.
type worker struct {
	c        *Channel
	r        *rand.Rand
	finished *sync.Map
	count    *atomic.Int64
	stop     chan struct{}
	t        *testing.T
}

func (w *worker) run() {
	for w.session() {
	}
}

func (w *worker) session() (again bool) {
	s, wake := subscribe(w.t, w.c, 1+w.r.IntN(300), Terms{MsgTimeout: time.Second})
	defer s.Close()
	into := make([]Message, 0, 50)
	for range 30 {
		for got := s.Take(into); len(got) > 0; got = s.Take(into) {
			w.answer(s, got)
		}
		select {
		case <-wake.woken:
		case <-w.stop:
			return false
		}
	}
	return true
}

func (w *worker) answer(s *Subscription, got []Message) {
	var done, back []ID
	for _, m := range got {
		if _, was := w.finished.Load(m.ID); was {
			w.t.Errorf("message %s came again", m.ID)
		}
		switch w.r.IntN(10) {
		case 0:
			back = append(back, m.ID)
		case 1:
		default:
			done = append(done, m.ID)
			w.finished.Store(m.ID, true)
		}
	}
	s.Finish(done, noFailure(w.t))
	s.Requeue(back, make([]time.Duration, len(back)), noFailure(w.t))
	w.count.Add(int64(len(done)))
}

func TestPublishersAndConsumersAtOnce(t *testing.T) {
	for name, size := range map[string]int64{"memory": 1 << 20, "little memory, then disk": 100, "disk alone": 0} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := testOptions(t)
				o.MemQueueSize = size
				publishAndConsume(t, testChannel(t, o))
			})
		})
	}
}

func publishAndConsume(t *testing.T, c *Channel) {
	const publishers, batches, consumers = 4, 100, 5
	ids := newIDSource(1)
	var finished sync.Map
	var count, published atomic.Int64
	var putting, taking sync.WaitGroup
	stop := make(chan struct{})
	for i := range consumers {
		w := &worker{c, rand.New(rand.NewPCG(uint64(i), 3)), &finished, &count, stop, t}
		taking.Go(w.run)
	}
	for i := range publishers {
		r := rand.New(rand.NewPCG(uint64(i), 4))
		putting.Go(func() {
			for range batches {
				batch := numbered(0, 1+r.IntN(20))
				ids.number(batch, time.Now().UnixNano())
				put(t, c, batch)
				published.Add(int64(len(batch)))
				time.Sleep(time.Duration(r.IntN(3)) * time.Millisecond)
			}
		})
	}
	putting.Wait()
	time.Sleep(time.Minute)
	close(stop)
	taking.Wait()
	if count.Load() != published.Load() {
		t.Errorf("%d of %d finished, counters are %+v", count.Load(), published.Load(), c.stats())
	}
}
