package queue

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"testing/synctest"
	"time"
)

// TestOrderWhileBacklogIsHandedOn publishes at full speed while an old backlog flows from disk: one publisher's messages
// keep their order in every channel, and the backlog ends though nobody waits.
func TestOrderWhileBacklogIsHandedOn(t *testing.T) {
	o := testOptions(t)
	o.MemQueueSize = 50
	topic := testTopic(t, o)
	publish(t, topic, counted(1, 2000)...)
	o.MemQueueSize = 1 << 20 // for the channels
	topic.Pause(true)        // lest the first channel has some of it before the second is there
	a, b := channelOf(t, topic, "a"), channelOf(t, topic, "b")
	topic.Pause(false)
	for i := 2001; i <= 6000; i += 50 {
		publish(t, topic, counted(i, i+49)...)
	}
	for deadline := time.Now().Add(20 * time.Second); !topic.isDirect(); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("%d messages are still in the topic", topicDepth(topic))
		}
	}
	for _, c := range []*Channel{a, b} {
		var texts []string
		for _, m := range c.remaining() {
			texts = append(texts, m.Body)
		}
		wantBodies(t, texts, counted(1, 6000)...)
	}
}

func (t *Topic) isDirect() bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.direct
}

// blockDisk puts a folder where the disk queue of that name wants its first file. It returns what takes it away.
func blockDisk(t testing.TB, o *Options, name string) (unblock func()) {
	t.Helper()
	inTheWay := filepath.Join(o.DataPath, name+".diskqueue.000000.dat")
	if err := os.Mkdir(inTheWay, 0o700); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := os.Remove(inTheWay); err != nil {
			t.Error(err)
		}
	}
}

func TestDiskErrorOfOneChannel(t *testing.T) {
	o := testOptions(t)
	o.MemQueueSize = 0
	topic := testTopic(t, o)
	bad, good := channelOf(t, topic, "bad"), channelOf(t, topic, "good")
	unblock := blockDisk(t, o, "t:bad")
	if err := topic.Put(bodies(0, "1")); err == nil || errors.Is(err, ErrExiting) {
		t.Fatalf("published to a broken disk: %v", err)
	}
	if bad.stats().Depth != 0 || good.stats().Depth != 1 || topic.stats("").MessageCount != 0 {
		t.Errorf("depths %d and %d, stats %+v", bad.stats().Depth, good.stats().Depth, topic.stats(""))
	}
	unblock()
	publish(t, topic, "1")
	if bad.stats().Depth != 1 || good.stats().Depth != 2 {
		t.Errorf("depths %d and %d after the repair", bad.stats().Depth, good.stats().Depth)
	}
}

// TestBacklogOutlivesItsChannel: what the only channel could not take waits for the next one.
func TestBacklogOutlivesItsChannel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := testOptions(t)
		topic := testTopic(t, o)
		publish(t, topic, counted(1, 5)...)
		o.MemQueueSize = 0
		unblock := blockDisk(t, o, "t:bad")
		channelOf(t, topic, "bad")
		time.Sleep(handOnRetry / 2)
		unblock()
		if err := topic.DeleteChannel("bad"); err != nil {
			t.Fatal(err)
		}
		good := channelOf(t, topic, "good")
		time.Sleep(2 * handOnRetry)
		wantBodies(t, drain(t, good), counted(1, 5)...)
	})
}

// TestBacklogOutlivesDiskError: what was acknowledged stays in the topic until every channel could take it, and nobody
// gets it twice.
func TestBacklogOutlivesDiskError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := testOptions(t)
		topic := testTopic(t, o)
		publish(t, topic, counted(1, 5)...)
		o.MemQueueSize = 0
		unblock := blockDisk(t, o, "t:bad")
		topic.Pause(true)
		good, bad := channelOf(t, topic, "good"), channelOf(t, topic, "bad")
		topic.Pause(false)
		time.Sleep(10 * handOnRetry)
		if bad.stats().Depth != 0 || topicDepth(topic) == 0 {
			t.Fatalf("channel has %d, topic %d", bad.stats().Depth, topicDepth(topic))
		}
		publish(t, topic, "6")
		unblock()
		time.Sleep(2 * handOnRetry)
		wantBodies(t, drain(t, bad), counted(1, 6)...)
		wantBodies(t, drain(t, good), counted(1, 6)...)
	})
}
