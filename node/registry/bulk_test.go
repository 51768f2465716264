package registry

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// BenchmarkJoin merges what a node hears that joins a mesh of 50 in which every topic is on every node.
func BenchmarkJoin(b *testing.B) {
	asks := New(Options{ID: id(0)}, &crowd{})
	var chunks [][]byte
	for n := range 50 {
		other, all := newTest(n+1), map[string]Topic{}
		for i := range 500 {
			all[fmt.Sprintf("some.topic.of.some.team.%05d", i)] = with("archive", "billing")
		}
		other.SetTopics(all)
		chunks = append(chunks, other.Answer(asks.Missing(other.Digest()))...)
	}
	b.ReportAllocs()
	for b.Loop() {
		r := New(Options{ID: id(0)}, &crowd{})
		for _, c := range chunks {
			if _, err := r.Merge(c); err != nil {
				b.Fatal(err)
			}
		}
		r.tick()
	}
}

func TestMuchMayWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := New(Options{ID: id(0)}, &crowd{})
		running(t, r)
		synctest.Wait() // its first look must not come in between
		other := newTest(1)
		many := map[string]Topic{}
		for i := range lazyTopics + 1 {
			many[fmt.Sprint("t", i)] = with("c")
		}
		other.SetTopics(many)
		rest := func() { // as if a rebuild had just taken long
			r.mu.Lock()
			defer r.mu.Unlock()
			r.restUntil = r.now() + time.Second
		}
		rest()
		pull(t, r, other)
		if got := len(r.View().Topics()); got != 0 || !r.lagging.Load() {
			t.Errorf("%d topics did not wait", got)
		}
		time.Sleep(time.Second + time.Millisecond)
		if got := len(r.View().Topics()); got != len(many) {
			t.Errorf("%d topics are there", got)
		}
		other.RemoveTopic("t0")
		other.SetTopic("t1", with("c", "d"))
		pull(t, r, other)
		if r.View().Topic("t0") != nil {
			t.Error("a small change waits")
		}
		for name := range many {
			many[name] = with("c", "new")
		}
		other.SetTopics(many)
		rest()
		pull(t, r, other)
		if got := r.Channels("t1"); len(got) != 2 || got[1] != "new" {
			t.Errorf("a new topic would start with %v", got)
		}
	})
}
