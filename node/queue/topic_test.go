package queue

import (
	"errors"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func testTopic(t testing.TB, o *Options) *Topic { return testTopicNamed(t, "t", o) }

func testTopicNamed(t testing.TB, name string, o *Options) *Topic {
	topic := newTopic(name, o, newIDSource(1), &health{}, func(bool) {}, func(*Topic) {})
	topic.start()
	t.Cleanup(func() {
		topic.stop()
		if err := topic.remove(); err != nil {
			t.Error(err)
		}
	})
	return topic
}

func channelOf(t testing.TB, topic *Topic, name string) *Channel {
	t.Helper()
	c, err := topic.Channel(name)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// publish puts one message for each body, as one batch.
func publish(t testing.TB, topic *Topic, texts ...string) {
	t.Helper()
	if err := topic.Put(bodies(0, texts...)); err != nil {
		t.Fatal(err)
	}
}

func counted(from, to int) (texts []string) {
	for i := from; i <= to; i++ {
		texts = append(texts, strconv.Itoa(i))
	}
	return texts
}

// drain is what a consumer gets from a channel, in order, until nothing comes any more. It works in a synctest bubble only.
func drain(t testing.TB, c *Channel) (texts []string) {
	t.Helper()
	s, w := subscribe(t, c, 2500, Terms{})
	defer s.Close()
	for {
		for got := take(s); len(got) > 0; got = take(s) {
			for _, m := range got {
				texts = append(texts, m.Body)
			}
			s.Finish(idsOf(got), noFailure(t))
		}
		time.Sleep(time.Second)
		if !w.wasWoken() {
			return texts
		}
	}
}

func wantBodies(t testing.TB, got []string, want ...string) {
	t.Helper()
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || got[i] != want[i] {
			t.Fatalf("got %d bodies, want %d; from number %d on got %.200q, want %.200q",
				len(got), len(want), i, got[min(i, len(got)):min(i+5, len(got))], want[min(i, len(want)):min(i+5, len(want))])
		}
	}
}

func topicDepth(topic *Topic) int64 { return topic.backlog.depth() }

func TestPutGivesIDsAndTime(t *testing.T) {
	topic := testTopic(t, testOptions(t))
	before := time.Now().UnixNano()
	batch := bodies(0, "a", "bb", "ccc")
	batch[1].Timestamp, batch[1].Attempts = 42, 9
	if err := topic.Put(batch); err != nil {
		t.Fatal(err)
	}
	if !(0 < batch[0].ID && batch[0].ID < batch[1].ID && batch[1].ID < batch[2].ID) {
		t.Errorf("ids %d", idsOf(batch))
	}
	if batch[0].Timestamp < before || batch[0].Timestamp != batch[2].Timestamp || batch[1].Timestamp != 42 || batch[1].Attempts != 0 {
		t.Errorf("batch %+v", batch)
	}
	if s := topic.stats(""); s.MessageCount != 3 || s.MessageBytes != 6 || s.Depth != 3 {
		t.Errorf("stats %+v", s)
	}
}

func TestPutGoesToEveryChannel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		topic := testTopic(t, testOptions(t))
		a, b := channelOf(t, topic, "a"), channelOf(t, topic, "b")
		publish(t, topic, "1", "2")
		late := channelOf(t, topic, "late")
		publish(t, topic, "3")
		wantBodies(t, drain(t, a), "1", "2", "3")
		wantBodies(t, drain(t, b), "1", "2", "3")
		wantBodies(t, drain(t, late), "3")
	})
}

// TestFirstChannelGetsTheBacklog with a memory of 10, so that it comes from memory and disk.
func TestFirstChannelGetsTheBacklog(t *testing.T) {
	for name, size := range map[string]int64{"from memory": 100, "from memory and disk": 10, "from disk": 0} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := testOptions(t)
				o.MemQueueSize = size
				topic := testTopic(t, o)
				publish(t, topic, counted(1, 7)...)
				publish(t, topic, counted(8, 30)...)
				if s := topic.stats(""); s.Depth != 30 || s.BackendDepth != 30-min(size, 30) {
					t.Errorf("depth %d, on disk %d", s.Depth, s.BackendDepth)
				}
				c := channelOf(t, topic, "c")
				publish(t, topic, counted(31, 33)...)
				wantBodies(t, drain(t, c), counted(1, 33)...)
				if d := topicDepth(topic); d != 0 {
					t.Errorf("%d left in the topic", d)
				}
			})
		})
	}
}

func TestPausedTopicHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		topic := testTopic(t, testOptions(t))
		c := channelOf(t, topic, "c")
		publish(t, topic, "1")
		topic.Pause(true)
		publish(t, topic, "2", "3")
		wantBodies(t, drain(t, c), "1")
		if topicDepth(topic) != 2 || !topic.Paused() {
			t.Errorf("depth %d, paused %v", topicDepth(topic), topic.Paused())
		}
		topic.Pause(false)
		publish(t, topic, "4")
		wantBodies(t, drain(t, c), "2", "3", "4")
	})
}

func TestWithoutChannelsMessagesWaitAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		topic := testTopic(t, testOptions(t))
		channelOf(t, topic, "a")
		publish(t, topic, "gone with a")
		if err := topic.DeleteChannel("a"); err != nil {
			t.Fatal(err)
		}
		publish(t, topic, "kept")
		wantBodies(t, drain(t, channelOf(t, topic, "b")), "kept")
	})
}

func TestDelayCountsFromPublishing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, size := range []int64{100, 0} {
			o := testOptions(t)
			o.MemQueueSize = size
			topic := testTopic(t, o)
			batch := bodies(0, "x")
			batch[0].Due = time.Now().Add(10 * time.Second).UnixNano()
			if err := topic.Put(batch); err != nil {
				t.Fatal(err)
			}
			time.Sleep(6 * time.Second)
			c := channelOf(t, topic, "c")
			time.Sleep(3 * time.Second)
			if s := c.stats(); s.Deferred != 1 || s.Depth != 0 {
				t.Errorf("a second too early: %+v", s)
			}
			time.Sleep(2 * time.Second)
			if s := c.stats(); s.Deferred != 0 || s.Depth != 1 {
				t.Errorf("a second later: %+v", s)
			}
		}
	})
}

func TestEmptyTopicLeavesChannels(t *testing.T) {
	for name, size := range map[string]int64{"memory": 100, "disk": 0} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := testOptions(t)
				o.MemQueueSize = size
				topic := testTopic(t, o)
				c := channelOf(t, topic, "c")
				publish(t, topic, "1")
				topic.Pause(true)
				publish(t, topic, "2", "3")
				if err := topic.Empty(); err != nil {
					t.Fatal(err)
				}
				if s := topic.stats(""); s.Depth != 0 || s.MessageCount != 3 {
					t.Errorf("%+v", s)
				}
				topic.Pause(false)
				publish(t, topic, "4")
				wantBodies(t, drain(t, c), "1", "4")
			})
		})
	}
}

func TestDeleteChannel(t *testing.T) {
	o := testOptions(t)
	o.MemQueueSize = 0
	topic := testTopic(t, o)
	c := channelOf(t, topic, "c")
	_, w := subscribe(t, c, 0, Terms{})
	publish(t, topic, "1", "2")
	if err := topic.DeleteChannel("c"); err != nil {
		t.Fatal(err)
	}
	<-w.closed
	if files := filesLike(t, o, "t:c*"); files != nil {
		t.Errorf("files left: %v", files)
	}
	if err := topic.DeleteChannel("c"); !errors.Is(err, ErrChannelNotFound) {
		t.Errorf("deleted twice: %v", err)
	}
	again := channelOf(t, topic, "c")
	if s := again.stats(); again == c || s.Depth != 0 || s.MessageCount != 0 {
		t.Errorf("made again: %+v", s)
	}
}

func TestEphemeralTopicDropsOverflow(t *testing.T) {
	o := testOptions(t)
	o.MemQueueSize = 3
	topic := testTopicNamed(t, "t#ephemeral", o)
	publish(t, topic, "1", "2", "3", "4", "5")
	if s := topic.stats(""); s.Depth != 3 || s.BackendDepth != 0 || s.MessageCount != 5 {
		t.Errorf("%+v", s)
	}
	if files := filesLike(t, o, "*"); files != nil {
		t.Errorf("files: %v", files)
	}
}

func TestEphemeralChannelGoesWithItsLastConsumer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		topic := testTopic(t, testOptions(t))
		c := channelOf(t, topic, "c#ephemeral")
		a, _ := subscribe(t, c, 1, Terms{})
		b, _ := subscribe(t, c, 1, Terms{})
		a.Close()
		synctest.Wait()
		if topic.FindChannel("c#ephemeral") != c {
			t.Error("gone with a consumer left")
		}
		b.Close()
		synctest.Wait()
		if topic.FindChannel("c#ephemeral") != nil {
			t.Error("still there")
		}
		publish(t, topic, "x") // is for nobody, so it waits
		if topicDepth(topic) != 1 {
			t.Errorf("depth %d", topicDepth(topic))
		}
	})
}

func TestStoppedTopicRefuses(t *testing.T) {
	topic := testTopic(t, testOptions(t))
	channelOf(t, topic, "c")
	topic.stop()
	if err := topic.Put(bodies(0, "x")); !errors.Is(err, ErrExiting) {
		t.Errorf("Put: %v", err)
	}
	if _, err := topic.Channel("d"); !errors.Is(err, ErrExiting) {
		t.Errorf("Channel: %v", err)
	}
	if err := topic.DeleteChannel("c"); !errors.Is(err, ErrExiting) {
		t.Errorf("DeleteChannel: %v", err)
	}
	if err := topic.Empty(); !errors.Is(err, ErrExiting) {
		t.Errorf("Empty: %v", err)
	}
}

// TestTopicAtOnce has publishers, channels that come and go, and pauses at the same time; a channel that stays gets all.
func TestTopicAtOnce(t *testing.T) {
	o := testOptions(t)
	o.MemQueueSize = 200
	topic := testTopic(t, o)
	stays := channelOf(t, topic, "stays")
	var group sync.WaitGroup
	for p := range 4 {
		group.Go(func() {
			for i := range 50 {
				publish(t, topic, counted(p*1000+i*10, p*1000+i*10+9)...)
			}
		})
	}
	group.Go(func() {
		for range 10 {
			topic.Pause(true)
			runtime.Gosched()
			topic.Pause(false)
		}
	})
	group.Go(func() {
		for i := range 30 {
			name := "c" + strconv.Itoa(i%3)
			channelOf(t, topic, name)
			topic.stats("")
			if err := topic.DeleteChannel(name); err != nil {
				t.Error(err)
			}
		}
	})
	group.Wait()
	for deadline := time.Now().Add(20 * time.Second); !topic.isDirect(); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("%d messages are still in the topic", topicDepth(topic))
		}
	}
	if s := stays.stats(); s.Depth != 2000 || s.MessageCount != 2000 {
		t.Errorf("the channel has %+v", s)
	}
}
