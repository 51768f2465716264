package queue

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func loadBroker(t testing.TB, o *Options) *Broker {
	t.Helper()
	b := New(*o)
	if err := b.Load(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// reload closes a broker and loads another from the same folder.
func reload(t testing.TB, b *Broker) *Broker {
	t.Helper()
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	return loadBroker(t, &b.o)
}

func topicOf(t testing.TB, b *Broker, name string) *Topic {
	t.Helper()
	topic, err := b.Topic(name)
	if err != nil {
		t.Fatal(err)
	}
	return topic
}

func topicNames(b *Broker) (all []string) {
	for _, t := range b.Topics() {
		all = append(all, t.Name())
	}
	return all
}

func TestRestartKeeps(t *testing.T) {
	due := time.Now().Add(time.Hour).UnixNano()
	b := loadBroker(t, testOptions(t))
	waiting := topicOf(t, b, "waiting")
	publish(t, waiting, "a", "b")
	paused := topicOf(t, b, "paused")
	paused.Pause(true)
	channelOf(t, paused, "c")
	publish(t, paused, "held")

	busy := topicOf(t, b, "busy")
	c := channelOf(t, busy, "c")
	channelOf(t, busy, "off").Pause(true)
	channelOf(t, busy, "e#ephemeral")
	publish(t, busy, "in flight", "waits")
	late := bodies(0, "late")
	late[0].Due = due
	if err := busy.Put(late); err != nil {
		t.Fatal(err)
	}
	s, w := subscribe(t, c, 1, Terms{})
	flight := take(s)
	s.Requeue(idsOf(flight), []time.Duration{0}, noFailure(t))
	if flight = take(s); len(flight) != 1 {
		t.Fatalf("in flight: %v", flight)
	}
	topicOf(t, b, "gone#ephemeral")

	b = reload(t, b)
	<-w.closed
	if got := topicNames(b); !slices.Equal(got, []string{"busy", "paused", "waiting"}) {
		t.Errorf("topics %q", got)
	}
	stats := b.Stats("", "")
	if s := stats[0]; s.Depth != 0 || s.MessageCount != 0 || len(s.Channels) != 2 || s.Channels[0].Depth != 3 ||
		!s.Channels[1].Paused || s.Channels[1].Depth != 3 {
		t.Errorf("%+v", s)
	}
	if s := stats[1]; !s.Paused || s.Depth != 1 || s.Channels[0].Depth != 0 {
		t.Errorf("%+v", s)
	}
	if s := stats[2]; s.Depth != 2 || s.Paused {
		t.Errorf("%+v", s)
	}
	c = b.FindTopic("busy").FindChannel("c")
	got := map[string]Message{}
	for _, m := range takeFrom(t, c.disk, 10) {
		got[m.Body] = m
	}
	if m := got[flight[0].Body]; m.ID != flight[0].ID || m.Attempts != flight[0].Attempts || m.Timestamp != flight[0].Timestamp {
		t.Errorf("%+v came back as %+v", flight[0], m)
	}
	if m := got["late"]; m.Due != due || m.ID != late[0].ID {
		t.Errorf("%+v came back as %+v", late[0], m)
	}
}

func TestIDsRiseAcrossARestart(t *testing.T) {
	b := loadBroker(t, testOptions(t))
	first, second := bodies(0, "x"), bodies(0, "x")
	if err := topicOf(t, b, "t").Put(first); err != nil {
		t.Fatal(err)
	}
	for start := time.Now(); time.Since(start) < 2*time.Millisecond; { // an id's time unit
		runtime.Gosched()
	}
	b = reload(t, b)
	if err := topicOf(t, b, "t").Put(second); err != nil {
		t.Fatal(err)
	}
	if second[0].ID <= first[0].ID {
		t.Errorf("%s follows %s", second[0].ID, first[0].ID)
	}
}

func TestDeleteTopic(t *testing.T) {
	o := testOptions(t)
	o.MemQueueSize = 0
	b := loadBroker(t, o)
	topic := topicOf(t, b, "t")
	publish(t, topic, "backlog")
	c := channelOf(t, topic, "c")
	_, w := subscribe(t, c, 0, Terms{})
	publish(t, topic, "x", "y")
	if err := b.DeleteTopic("t"); err != nil {
		t.Fatal(err)
	}
	<-w.closed
	if err := b.DeleteTopic("t"); !errors.Is(err, ErrTopicNotFound) {
		t.Errorf("deleted twice: %v", err)
	}
	if err := topic.Put(bodies(0, "z")); !errors.Is(err, ErrExiting) {
		t.Errorf("published to a deleted topic: %v", err)
	}
	if files := filesLike(t, o, "t*"); files != nil {
		t.Errorf("files left: %v", files)
	}
	if s := topicOf(t, b, "t").stats(""); s.Depth != 0 || s.MessageCount != 0 || len(s.Channels) != 0 {
		t.Errorf("made again: %+v", s)
	}
}

// TestNewTopicAsksForItsChannels: the creator waits for the answer, others do not, and no known channel misses a message.
func TestNewTopicAsksForItsChannels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked, answer := make(chan string, 1), make(chan []string)
		o := testOptions(t)
		o.Channels = func(topic string) []string { asked <- topic; return <-answer }
		b := loadBroker(t, o)
		created := make(chan bool)
		go func() { _, _ = b.Topic("t"); close(created) }()
		if name := <-asked; name != "t" {
			t.Errorf("asked for %q", name)
		}
		topic := topicOf(t, b, "t")
		early := channelOf(t, topic, "early")
		publish(t, topic, "1")
		synctest.Wait()
		select {
		case <-created:
			t.Error("the creator did not wait")
		default:
		}
		if topicDepth(topic) != 1 || early.stats().Depth != 0 {
			t.Errorf("handed on before the answer: %d in the topic, %d in the channel", topicDepth(topic), early.stats().Depth)
		}
		answer <- []string{"known", "passing#ephemeral", "not valid!"}
		<-created
		wantBodies(t, drain(t, early), "1")
		wantBodies(t, drain(t, topic.FindChannel("known")), "1")
		if n := len(topic.Channels()); n != 2 {
			t.Errorf("%d channels, want 2", n)
		}
	})
}

func TestLoadedTopicsDoNotAsk(t *testing.T) {
	o := testOptions(t)
	b := loadBroker(t, o)
	topicOf(t, b, "t")
	b.o.Channels = func(string) []string { t.Error("asked"); return nil }
	b = reload(t, b)
	topicOf(t, b, "t")
}

func TestEphemeralTopicGoesWithItsLastChannel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := testOptions(t)
		o.MemQueueSize = 0
		b := loadBroker(t, o)
		topic := topicOf(t, b, "t#ephemeral")
		synctest.Wait()
		if b.FindTopic("t#ephemeral") == nil {
			t.Fatal("gone before it ever had a channel")
		}
		channelOf(t, topic, "a")
		c := channelOf(t, topic, "b#ephemeral")
		s, _ := subscribe(t, c, 1, Terms{})
		publish(t, topic, "x")
		if err := topic.DeleteChannel("a"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if b.FindTopic("t#ephemeral") == nil {
			t.Fatal("gone with a channel left")
		}
		s.Close()
		time.Sleep(time.Second)
		if b.FindTopic("t#ephemeral") != nil || len(b.busy) != 0 {
			t.Error("still there")
		}
	})
}

func TestEphemeralTopicLeavesNoFiles(t *testing.T) {
	o := testOptions(t)
	o.MemQueueSize = 0
	b := loadBroker(t, o)
	topic := topicOf(t, b, "t#ephemeral")
	channelOf(t, topic, "ordinary")
	publish(t, topic, "x")
	if files := filesLike(t, o, "t#*"); len(files) == 0 {
		t.Fatal("an ordinary channel uses the disk")
	}
	reload(t, b)
	if files := filesLike(t, o, "t#*"); files != nil {
		t.Errorf("files left: %v", files)
	}
}

func TestClosedBrokerRefuses(t *testing.T) {
	b := loadBroker(t, testOptions(t))
	topic := topicOf(t, b, "t")
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Topic("u"); !errors.Is(err, ErrExiting) {
		t.Errorf("Topic: %v", err)
	}
	if err := b.DeleteTopic("t"); !errors.Is(err, ErrExiting) {
		t.Errorf("DeleteTopic: %v", err)
	}
	if err := topic.Put(bodies(0, "x")); !errors.Is(err, ErrExiting) {
		t.Errorf("Put: %v", err)
	}
	if err := b.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}

// TestCloseTellsWhatWasLost: a queue that cannot be written does not keep the others from it.
func TestCloseTellsWhatWasLost(t *testing.T) {
	b := New(*testOptions(t))
	if err := b.Load(); err != nil {
		t.Fatal(err)
	}
	publish(t, topicOf(t, b, "bad"), "x")
	publish(t, topicOf(t, b, "good"), "y")
	blockDisk(t, &b.o, "bad")()
	blockDisk(t, &b.o, "bad")
	if err := b.Close(); err == nil || !strings.Contains(err.Error(), "close topic bad") {
		t.Errorf("Close: %v", err)
	}
	again := loadBroker(t, &b.o)
	if d := topicDepth(topicOf(t, again, "good")); d != 1 {
		t.Errorf("the good topic has %d messages, want 1", d)
	}
}

func TestBrokerAtOnce(t *testing.T) {
	o := testOptions(t)
	o.MemQueueSize = 10
	b := loadBroker(t, o)
	ctx, stop := context.WithCancel(t.Context())
	var group sync.WaitGroup
	defer group.Wait()
	defer stop()
	group.Go(func() { b.Run(ctx) })
	var work sync.WaitGroup
	for range 4 {
		work.Go(func() {
			for i := range 60 {
				name := fmt.Sprint("t", i%5)
				topic, err := b.Topic(name)
				if err == nil {
					_, err = topic.Channel("c")
				}
				if err == nil {
					err = topic.Put(bodies(0, counted(1, 20)...))
				}
				if i%7 == 0 {
					err = errors.Join(err, b.DeleteTopic(name))
				}
				if i%10 == 0 {
					err = errors.Join(err, b.Persist())
				}
				if err != nil && !strings.Contains(err.Error(), "exiting") && !strings.Contains(err.Error(), "not found") {
					t.Error(err)
				}
				b.Stats("", "")
			}
		})
	}
	work.Wait()
	for _, name := range topicNames(b) {
		if err := b.DeleteTopic(name); err != nil {
			t.Error(err)
		}
	}
	if err := b.Persist(); err != nil {
		t.Error(err)
	}
	if files := filesLike(t, o, "t*"); files != nil {
		t.Errorf("files left: %v", files)
	}
}

// TestNoLookUpWaitsForTheDisk: while a topic is being made or deleted on a slow disk, others are found, made and deleted.
func TestNoLookUpWaitsForTheDisk(t *testing.T) {
	o := testOptions(t)
	o.MemQueueSize = 0
	b := loadBroker(t, o)
	slow := topicOf(t, b, "slow")
	publish(t, slow, "x")
	slow.backlog.disk.mu.Lock()
	var group sync.WaitGroup
	group.Go(func() { slow.Put(bodies(0, "y")) })
	group.Go(func() {
		if err := b.DeleteTopic("slow"); err != nil {
			t.Error(err)
		}
	})
	for b.FindTopic("slow") != nil {
		runtime.Gosched()
	}
	publish(t, topicOf(t, b, "other"), "x")
	if err := b.DeleteTopic("other"); err != nil {
		t.Error(err)
	}
	group.Go(func() { topicOf(t, b, "slow") }) // waits until the old one has gone
	slow.backlog.disk.mu.Unlock()
	group.Wait()
	if n := topicDepth(b.FindTopic("slow")); n != 0 {
		t.Errorf("the topic made again has %d messages", n)
	}
}
