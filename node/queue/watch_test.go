package queue

import (
	"fmt"
	"slices"
	"testing"
)

// changedNames is what a watcher heard, sorted; nil if it was not told of anything.
func changedNames(w *Watch) []string {
	select {
	case <-w.C():
	default:
		return nil
	}
	names := w.Names()
	slices.Sort(names)
	return names
}

func TestWatchTellsOf(t *testing.T) {
	b := loadBroker(t, testOptions(t))
	topicOf(t, b, "before")
	w := b.Watch()
	for _, step := range []struct {
		what string
		do   func()
		want []string
	}{
		{"nothing", func() {}, nil},
		{"two topics", func() { topicOf(t, b, "t"); topicOf(t, b, "e#ephemeral") }, []string{"e#ephemeral", "t"}},
		{"topics that are there", func() { topicOf(t, b, "t") }, nil},
		{"channels", func() { channelOf(t, topicOf(t, b, "t"), "c"); channelOf(t, topicOf(t, b, "t"), "d#ephemeral") }, []string{"t"}},
		{"a paused topic", func() { b.FindTopic("t").Pause(true) }, []string{"t"}},
		{"a topic paused again", func() { b.FindTopic("t").Pause(true) }, nil},
		{"a paused channel", func() { b.FindTopic("t").FindChannel("c").Pause(true) }, []string{"t"}},
		{"a deleted channel", func() { b.FindTopic("t").DeleteChannel("c") }, []string{"t"}},
		{"a deleted topic", func() { b.DeleteTopic("t") }, []string{"t"}},
	} {
		step.do()
		if got := changedNames(w); !slices.Equal(got, step.want) {
			t.Errorf("%s: heard of %q, want %q", step.what, got, step.want)
		}
	}
	other := b.Watch()
	w.Close()
	topicOf(t, b, "later")
	if got := changedNames(w); got != nil {
		t.Errorf("heard of %q after Close", got)
	}
	if got := changedNames(other); !slices.Equal(got, []string{"later"}) {
		t.Errorf("the other watcher heard of %q", got)
	}
	other.Close()
}

// TestWatchIsOneReceive: a reader that sleeps through ten thousand changes has one thing to do when it wakes.
func TestWatchIsOneReceive(t *testing.T) {
	var ws watchers
	w := ws.join()
	for i := range 10000 {
		ws.add(fmt.Sprint(i % 5000))
	}
	if got := changedNames(w); len(got) != 5000 {
		t.Errorf("heard of %d names", len(got))
	}
	if got := changedNames(w); got != nil {
		t.Errorf("and then of %q", got)
	}
}
