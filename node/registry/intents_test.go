package registry

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestDeleteHidesWhatIsOlder(t *testing.T) {
	a, b := newTest(1), newTest(2)
	a.SetTopic("t", with("c"))
	pull(t, b, a)
	b.DeleteTopic("t")
	expect(t, b, "t", "unknown")
	expect(t, a, "t", "c | 10.0.0.1")
	pull(t, a, b)
	expect(t, a, "t", "unknown")
	created, _ := a.Created("t", "")
	if i := a.IntentsOf("t"); len(i) != 1 || i[0].Kind != Delete || !i[0].Covers(created) {
		t.Fatalf("intents are %+v", i)
	}
	if nodes := a.View().Nodes(); len(nodes[0].Topics) != 0 {
		t.Errorf("a deleted topic is listed: %v", nodes[0].Topics)
	}
	a.RemoveTopic("t") // which is what the node does
	a.SetTopic("t", with("d"))
	pull(t, b, a)
	for _, r := range []*Registry{a, b} {
		expect(t, r, "t", "d | 10.0.0.1")
	}
	if created, _ := a.Created("t", ""); a.IntentsOf("t")[0].Covers(created) {
		t.Error("a delete covers what was made after it")
	}
}

func TestDeleteOfAChannelHidesItOnly(t *testing.T) {
	a, b := newTest(1), newTest(2)
	a.SetTopic("t", with("c", "d"))
	pull(t, b, a)
	if _, known := b.DeleteChannel("t", "x"); known {
		t.Error("a channel that nobody has was known")
	}
	b.DeleteChannel("t", "c")
	pull(t, a, b)
	expect(t, a, "t", "d | 10.0.0.1")
	a.SetTopic("t", with("d"))
	a.SetTopic("t", with("c", "d"))
	expect(t, a, "t", "c,d | 10.0.0.1")
}

func TestNodeThatWasAwayHasNothingToBringBack(t *testing.T) {
	a, b := newTest(1), newTest(2)
	a.SetTopic("t", with("c"))
	pull(t, b, a)
	b.DeleteTopic("t")

	back := New(Options{ID: id(1), Generation: 2, Hold: true}, &crowd{})
	back.restore(a.state())
	back.SetNode(Node{BroadcastAddress: "10.0.0.1", TCPPort: 1})
	pull(t, back, b)
	back.SetTopic("t", with("c"))
	expect(t, back, "t", "unknown")
	created, _ := back.Created("t", "c")
	if !back.IntentsOf("t")[0].Covers(created) {
		t.Error("the stamp did not outlive the restart")
	}
}

func TestTopicMadeAgainOutlivesRestart(t *testing.T) {
	a := newTest(1)
	a.SetTopic("t", with())
	a.DeleteTopic("t")
	a.RemoveTopic("t")
	a.SetTopic("t", with())
	again := New(Options{ID: id(1), Generation: 2}, nil)
	again.restore(a.state())
	again.SetNode(Node{BroadcastAddress: "10.0.0.1", TCPPort: 1})
	again.SetTopic("t", with())
	expect(t, again, "t", " | 10.0.0.1")
}

func TestCreateWithoutProducer(t *testing.T) {
	a, b := newTest(1), newTest(2)
	first := a.CreateChannel("t", "c")
	if again := a.CreateChannel("t", "c"); again != first {
		t.Error("creating again is not the same")
	}
	if bad := a.CreateTopic("*"); !bad.IsZero() {
		t.Error("a star was created")
	}
	pull(t, b, a)
	expect(t, b, "t", "c | ")
	b.DeleteTopic("t")
	pull(t, a, b)
	expect(t, a, "t", "unknown")
	if len(a.own.live()) != 1 { // what is left is the node itself
		t.Errorf("left are %v", a.own.live())
	}
	a.CreateTopic("t")
	expect(t, a, "t", " | ")
}

func TestLatestPauseWins(t *testing.T) {
	a, b, c := newTest(1), newTest(2), newTest(3)
	a.SetTopic("t", with("ch"))
	a.PauseTopic("t", true)
	a.PauseChannel("t", "ch", true)
	pull(t, b, a)
	b.PauseTopic("t", false)
	pull(t, c, a)
	pull(t, c, b)
	want := []Intent{{Kind: Pause, Topic: "t", Paused: false}, {Kind: Pause, Topic: "t", Channel: "ch", Paused: true}}
	got := c.IntentsOf("t")
	for i := range got {
		got[i].Stamp = Stamp{}
	}
	if !slices.Equal(got, want) {
		t.Errorf("intents are %+v", got)
	}
	select {
	case <-c.C():
	default:
		t.Error("nobody was told")
	}
	c.DeleteTopic("t")
	if got := c.Intents(); len(got) != 1 || got[0].Kind != Delete {
		t.Errorf("a delete leaves %+v", got)
	}
}

func TestConcurrentIntentsAgree(t *testing.T) {
	a, b := newTest(1), newTest(2)
	a.PauseTopic("t", true)
	b.PauseTopic("t", false)
	pull(t, a, b)
	pull(t, b, a)
	if x, y := a.IntentsOf("t"), b.IntentsOf("t"); !slices.Equal(x, y) || x[0].Paused {
		t.Errorf("%+v and %+v", x, y) // equal counters: the higher id wins
	}
}

func TestRecentlyDeleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b, late := newTest(1), newTest(2), newTest(3)
		for _, r := range []*Registry{a, b, late} {
			running(t, r)
		}
		if a.RecentlyDeleted("t") {
			t.Error("never heard of it")
		}
		a.SetTopic("t", with())
		a.DeleteTopic("t")
		pull(t, b, a)
		time.Sleep(44 * time.Second)
		if !a.RecentlyDeleted("t") || !b.RecentlyDeleted("t") {
			t.Error("44 s are recent")
		}
		time.Sleep(2 * time.Second)
		pull(t, late, b)
		if a.RecentlyDeleted("t") || b.RecentlyDeleted("t") || late.RecentlyDeleted("t") {
			t.Error("46 s are not recent, whenever one heard of it")
		}
		a.RemoveTopic("t")
		b.SetTopic("t", with())
		b.DeleteTopic("t")
		b.RemoveTopic("t")
		b.SetTopic("t", with())
		if b.RecentlyDeleted("t") {
			t.Error("somebody made it again")
		}
	})
}

func TestDeleteIsForgottenAfterThreeDays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := newTest(1), newTest(2)
		running(t, a)
		running(t, b)
		a.SetTopic("t", with())
		a.DeleteTopic("t")
		a.RemoveTopic("t")
		pull(t, b, a)
		time.Sleep(72*time.Hour - time.Second)
		if len(b.IntentsOf("t")) != 1 {
			t.Error("forgotten too early")
		}
		time.Sleep(2 * time.Second)
		if len(a.IntentsOf("t")) != 0 || len(b.IntentsOf("t")) != 0 || len(a.topics) != 0 {
			t.Error("kept for ever")
		}
	})
}
