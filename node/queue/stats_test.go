package queue

import (
	"slices"
	"testing"
	"time"
)

func TestStatsFilters(t *testing.T) {
	b := loadBroker(t, testOptions(t))
	for _, name := range []string{"b", "a", "lonely"} {
		topic := topicOf(t, b, name)
		if name != "lonely" {
			channelOf(t, topic, "y")
			channelOf(t, topic, "only-"+name)
		}
	}
	for name, c := range map[string]struct {
		topic, channel string
		want           []string // "topic/channel", or "topic/" for one without
	}{
		"all":                        {"", "", []string{"a/only-a", "a/y", "b/only-b", "b/y", "lonely/"}},
		"one topic":                  {"b", "", []string{"b/only-b", "b/y"}},
		"a channel of several":       {"", "y", []string{"a/y", "b/y"}},
		"a channel of one":           {"", "only-a", []string{"a/only-a"}},
		"both":                       {"a", "y", []string{"a/y"}},
		"a channel that is not here": {"a", "only-b", []string{}},
		"an unknown channel":         {"", "z", []string{}},
		"an unknown topic":           {"z", "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			stats := b.Stats(c.topic, c.channel)
			var got []string
			if stats != nil {
				got = []string{}
			}
			for _, s := range stats {
				for _, channel := range s.Channels {
					got = append(got, s.Name+"/"+channel.Name)
				}
				if s.Channels == nil {
					t.Error("channels are nil")
				}
				if len(s.Channels) == 0 {
					got = append(got, s.Name+"/")
				}
			}
			if !slices.Equal(got, c.want) || (got == nil) != (c.want == nil) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// TestStatsDoNotWaitForTheDisk: neither a topic's nor a channel's counters are behind a lock that is held during an fsync.
func TestStatsDoNotWaitForTheDisk(t *testing.T) {
	o := testOptions(t)
	o.MemQueueSize = 0
	b := loadBroker(t, o)
	topic := topicOf(t, b, "t")
	c := channelOf(t, topic, "c")
	topic.Pause(true)
	publish(t, topic, "x")
	for _, d := range []*disk{topic.backlog.disk, c.disk} {
		d.mu.Lock()
	}
	blocked := make(chan error)
	go func() { blocked <- topic.Put(bodies(0, "y")) }()
	for topic.backlog.mu.TryLock() { // until the publisher waits for the disk
		topic.backlog.mu.Unlock()
	}
	done := make(chan []TopicStats)
	go func() { done <- b.Stats("", "") }()
	select {
	case s := <-done:
		if s[0].Depth != 1 {
			t.Errorf("%+v", s)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("waited")
	}
	for _, d := range []*disk{topic.backlog.disk, c.disk} {
		d.mu.Unlock()
	}
	if err := <-blocked; err != nil {
		t.Error(err)
	}
}
