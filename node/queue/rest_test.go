package queue

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// wantGoroutines fails if there are more than limit once those that are ending have ended.
func wantGoroutines(t testing.TB, limit int) {
	t.Helper()
	for range 100000 {
		if runtime.NumGoroutine() <= limit {
			return
		}
		runtime.Gosched()
	}
	t.Errorf("%d goroutines, want %d", runtime.NumGoroutine(), limit)
}

// TestManyTopics: ten thousand topics with two channels each load quickly, rest without a goroutine and are made
// without writing nsqd.dat each time.
func TestManyTopics(t *testing.T) {
	topics := 10000
	if raceDetector || testing.Short() {
		topics = 500
	}
	o := testOptions(t)
	b := New(*o)
	if err := b.Load(); err != nil {
		t.Fatal(err)
	}
	var writes int // rises while metadata.mu is held
	snapshot := b.metadata.snapshot
	b.metadata.snapshot = func() []metaTopic { writes++; return snapshot() }
	ctx, stop := context.WithCancel(t.Context())
	var run sync.WaitGroup
	run.Go(func() { b.Run(ctx) })
	for i := range topics {
		topic := topicOf(t, b, fmt.Sprint("t", i))
		channelOf(t, topic, "a")
		channelOf(t, topic, "b")
	}
	stop()
	run.Wait()
	if writes > topics/10 {
		t.Errorf("nsqd.dat was written %d times", writes)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	before, start := runtime.NumGoroutine(), time.Now()
	b = loadBroker(t, o)
	t.Logf("loaded %d topics in %v; nsqd.dat was written %d times before", topics, time.Since(start), writes)
	if n := len(b.Topics()); n != topics {
		t.Errorf("%d topics", n)
	}
	wantGoroutines(t, before)
}

// TestBacklogsRest: queues that hold messages on disk cost no goroutine either, and load without being opened.
func TestBacklogsRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := testOptions(t)
		o.MemQueueSize, o.SyncTimeout = 0, time.Second
		b := loadBroker(t, o)
		before := runtime.NumGoroutine()
		for i := range 20 {
			topic := topicOf(t, b, fmt.Sprint("t", i))
			channelOf(t, topic, "a")
			channelOf(t, topic, "b")
			publish(t, topic, "1", "2")
		}
		time.Sleep(3 * diskRest)
		wantGoroutines(t, before)
		b = reload(t, b)
		wantGoroutines(t, before)
		wantBodies(t, drain(t, b.FindTopic("t7").FindChannel("b")), "1", "2")
	})
}

// TestNothingLeavesTheDiskForNobody: a consumer that has gone must not have messages read ahead, where a kill would lose them.
func TestNothingLeavesTheDiskForNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := testOptions(t)
		o.MemQueueSize = 0
		topic := testTopic(t, o)
		c := channelOf(t, topic, "c")
		s, _ := subscribe(t, c, 100, Terms{})
		publish(t, topic, "1")
		time.Sleep(time.Second)
		s.Finish(idsOf(take(s)), noFailure(t))
		take(s)
		s.Close()
		publish(t, topic, "2", "3")
		time.Sleep(time.Second)
		if got := c.stats().BackendDepth; got != 2 {
			t.Errorf("%d on disk, want 2", got)
		}
	})
}
