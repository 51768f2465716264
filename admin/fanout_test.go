package admin

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// overview asks once and tells how long that took.
func overview(t *testing.T, a *Admin) (*Overview, time.Duration) {
	t.Helper()
	began := time.Now()
	v, err := a.Overview(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return v, time.Since(began)
}

func TestNodesAreAskedAtTheSameTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeFleet(5, fakeStats(10))
		for i := range 4 {
			f.set(i+1, func(n *fakeNode) { n.slow = 500 * time.Millisecond })
		}
		v, took := overview(t, f.admin())
		if took != 500*time.Millisecond {
			t.Errorf("five nodes that take half a second each took %v", took)
		}
		if v.Totals.Topics != 11 || v.Totals.Channels != 20 || v.Messages != 5*45 || v.Nodes != 5 || v.Answering != 5 || len(v.Missing) != 0 {
			t.Errorf("the overview is %+v, %+v", v.Totals, v.Missing)
		}
	})
}

func TestAHangingNodeCostsItsDeadlineOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeFleet(3, fakeStats(10))
		f.set(2, func(n *fakeNode) { n.hangs = true })
		a := f.admin()
		v, took := overview(t, a)
		if took != defaultPatience || len(v.Missing) != 1 || v.Missing[0].Node != "n3" || v.Missing[0].Reason != errSilent.Error() {
			t.Errorf("it took %v, and missing is %v", took, v.Missing)
		}
		if len(v.Alerts) == 0 || !v.Alerts[0].Grave || v.Alerts[0].Node != "n3" {
			t.Errorf("the alerts are %v", v.Alerts)
		}
		for range 3 {
			time.Sleep(2 * usable)
			if v, took := overview(t, a); took != muteWait || len(v.Missing) != 1 {
				t.Errorf("then it took %v, and missing is %v", took, v.Missing)
			}
		}
		f.set(2, func(n *fakeNode) { n.hangs = false })
		time.Sleep(2 * usable)
		if v, took := overview(t, a); took != 0 || len(v.Missing) != 0 || v.Answering != 3 {
			t.Errorf("when it was back it took %v, and missing is %v", took, v.Missing)
		}
	})
}

func TestADeadNodeIsNotAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeFleet(4, fakeStats(10))
		f.set(1, func(n *fakeNode) { n.status, n.hangs = "dead", true })
		f.set(2, func(n *fakeNode) { n.status, n.hangs = "left", true })
		v, took := overview(t, f.admin())
		if took != 0 || f.askedOf(1)+f.askedOf(2) != 0 {
			t.Errorf("it took %v, and who is away was asked %d times", took, f.askedOf(1)+f.askedOf(2))
		}
		if v.Nodes != 3 || len(v.Missing) != 1 || v.Missing[0].Reason != "is dead since 5s" {
			t.Errorf("of %d nodes missing is %v", v.Nodes, v.Missing)
		}
	})
}

func TestTenViewersAreOneQuestion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeFleet(3, fakeStats(10))
		f.set(1, func(n *fakeNode) { n.slow = 100 * time.Millisecond })
		a := f.admin()
		var viewers sync.WaitGroup
		for range 10 {
			viewers.Go(func() { overview(t, a) })
		}
		viewers.Wait()
		overview(t, a) // while it is fresh
		if n := f.askedOf(1); n != 1 {
			t.Errorf("eleven viewers asked %d times", n)
		}
		time.Sleep(usable)
		overview(t, a)
		if n := f.askedOf(1); n != 2 {
			t.Errorf("a later viewer was the question number %d", n)
		}
	})
}

func TestWhoLooksAllTheTimeWaitsForNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeFleet(3, fakeStats(10))
		f.set(1, func(n *fakeNode) { n.slow = 800 * time.Millisecond })
		a := f.admin()
		overview(t, a)
		for range 5 {
			time.Sleep(freshness + time.Millisecond)
			v, took := overview(t, a)
			if age := time.Since(v.At); took != 0 || age >= usable {
				t.Errorf("it took %v and is %v old", took, age)
			}
		}
		a.forget()
		if v, took := overview(t, a); took == 0 || time.Since(v.At) != 0 {
			t.Errorf("after a change it took %v and is %v old", took, time.Since(v.At))
		}
	})
}

func TestAViewerWhoLeavesDoesNotSpoilIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeFleet(2, fakeStats(1))
		f.set(1, func(n *fakeNode) { n.slow = time.Second })
		a := f.admin()
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if _, err := a.Overview(ctx); err == nil {
			t.Error("a viewer who left got an answer")
		}
		if v, _ := overview(t, a); v.Answering != 2 || f.askedOf(1) != 1 {
			t.Errorf("%d nodes answered the next one, who asked again", v.Answering)
		}
	})
}

func asUser(t *testing.T, role Role) context.Context {
	return WithUser(t.Context(), User{Name: "anna", Role: role})
}

func TestActionsTellWhatEachNodeDid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeFleet(4, fakeStats(2))
		f.set(1, func(n *fakeNode) { n.hangs = true })
		f.set(2, func(n *fakeNode) { n.status = "dead" })
		f.set(3, func(n *fakeNode) { n.stats = fakeStats(0) })
		a := f.admin()
		r, err := a.Do(asUser(t, Operator), Action{Kind: PauseChannel, Topic: "topic-0001", Channel: "archive"})
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for _, n := range r.Nodes {
			got[n.Node] = n.Text
		}
		if len(got) != 3 || got["n1"] != "paused" || got["n2"] != errSilent.Error() || !strings.Contains(got["n3"], "dead since 5s; it will hear") {
			t.Errorf("the nodes did %v", got)
		}
		if r.OK || r.Summary != "paused on 1 of 3 nodes, failed on 2" {
			t.Errorf("all in all %v, %s", r.OK, r.Summary)
		}
		if log := a.audit.latest(10); len(log) != 1 || log[0].Who != "anna" || log[0].Result.OK {
			t.Errorf("the log has %+v", log)
		}
	})
}

func TestActionsThatAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newFakeFleet(2, fakeStats(2)).admin()
		for name, c := range map[string]struct {
			role Role
			act  Action
			err  error
		}{
			"a viewer pauses":            {Viewer, Action{Kind: PauseTopic, Topic: "topic-0001"}, ErrForbidden},
			"an operator deletes":        {Operator, Action{Kind: DeleteTopic, Topic: "topic-0001"}, ErrForbidden},
			"nobody knows the verb":      {Superior, Action{Kind: "explode", Topic: "topic-0001"}, errUnknownKind},
			"a bad name":                 {Superior, Action{Kind: CreateTopic, Topic: "a b"}, errInvalidTopic},
			"a channel too many":         {Superior, Action{Kind: PauseTopic, Topic: "t", Channel: "c"}, errInvalidChannel},
			"a channel too few":          {Superior, Action{Kind: PauseChannel, Topic: "t"}, errInvalidChannel},
			"a delete of one node alone": {Superior, Action{Kind: DeleteTopic, Topic: "t", Nodes: []string{"n1"}}, errInvalidNode},
			"a tombstone for nobody":     {Superior, Action{Kind: Tombstone, Topic: "t"}, errInvalidNode},
			"a node that is none":        {Superior, Action{Kind: PauseTopic, Topic: "topic-0001", Nodes: []string{"x"}}, errInvalidNode},
			"a topic that is none":       {Superior, Action{Kind: DeleteTopic, Topic: "gone"}, errNothingLike},
			"an empty message":           {Superior, Action{Kind: Publish, Topic: "t"}, errInvalidBody},
			"a move to the same topic":   {Superior, Action{Kind: Move, Topic: "t", Channel: "c", To: "t"}, errInvalidTopic},
		} {
			if _, err := a.Do(asUser(t, c.role), c.act); err != c.err {
				t.Errorf("%s: %v, want %v", name, err, c.err)
			}
		}
		a.o.ReadOnly = true
		if _, err := a.Do(asUser(t, Superior), Action{Kind: PauseTopic, Topic: "topic-0001"}); err != ErrForbidden {
			t.Errorf("read-only pages pause: %v", err)
		}
	})
}

func TestListsAreSearchedSortedAndCut(t *testing.T) {
	a := newFakeFleet(2, fakeStats(300)).patient()
	h := a.Handler(nil)
	for target, want := range map[string]string{
		"topics?per_page=2":                         "known-only,topic-0000 of 301",
		"topics?per_page=2&page=151":                "topic-0299 of 301",
		"topics?search=TOPIC-001&per_page=3&page=2": "topic-0013,topic-0014,topic-0015 of 10",
		"topics?regexp=-00[34]7$":                   "topic-0037,topic-0047 of 2",
		"topics?sort=-messages&per_page=2":          "topic-0299,topic-0298 of 301",
		"channels?search=0007/m":                    "metrics of 1",
		"nodes?sort=-name":                          "n2,n1 of 2",
		"topics?page=999":                           " of 301",
		"topics?regexp=(":                           "400",
		"topics?sort=colour":                        "400",
		"topics?per_page=9999":                      "400",
		"topics?page=0":                             "400",
		"history?span=week":                         "400",
		"topics/topic-0001/channels/nope":           "404",
		"nodes/nope":                                "404",
		"topics/topic-0001/channels/metrics/messages?state=lost": "400",
		"nothing": "404",
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", apiBase+"/"+target, nil))
		if got := listed(t, w); got != want {
			t.Errorf("%s lists %s, want %s", target, got, want)
		}
	}
}

func TestEventsTellWhatChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeFleet(2, fakeStats(3))
		a := f.admin()
		req := httptest.NewRequest("GET", apiBase+"/events?of=topic-0001&of=topic-0002:metrics", nil)
		follow := &follower{a: a, topics: map[string]bool{"topic-0001": true}, channels: map[string]bool{"topic-0002:metrics": true}, told: map[string][]byte{}}
		first := string(follow.next(req))
		for _, part := range []string{"event: change\ndata: {", `"totals":{`, `"name":"topic-0001"`, `"topic":"topic-0002"`} {
			if !strings.Contains(first, part) {
				t.Errorf("the first event lacks %s: %s", part, first)
			}
		}
		if strings.Contains(first, "topic-0000") {
			t.Error("it tells what nobody asked for")
		}
		time.Sleep(10 * time.Second)
		follow.next(req) // rates are known now
		time.Sleep(10 * time.Second)
		if again := follow.next(req); again != nil {
			t.Errorf("nothing changed, and it tells %s", again)
		}
		f.set(1, func(n *fakeNode) { n.status = "dead" })
		time.Sleep(10 * time.Second)
		if gone := string(follow.next(req)); !strings.Contains(gone, `"missing":[{"node":"n2"`) {
			t.Errorf("a dead node is told as %s", gone)
		}
	})
}

func TestStreamsEndWithTheNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newFakeFleet(1, fakeStats(1)).admin()
		w := httptest.NewRecorder()
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			a.Handler(nil).ServeHTTP(w, httptest.NewRequest("GET", apiBase+"/events", nil))
		}()
		time.Sleep(time.Second)
		a.End()
		<-ended
		if !strings.HasPrefix(w.Body.String(), "event: change\n") || w.Header().Get("Content-Type") != "text/event-stream" || w.Code != http.StatusOK {
			t.Errorf("the stream was %d %s", w.Code, w.Body)
		}
	})
}

// TestFiveThousandTopics has three nodes with 5,000 topics of two channels each. How long pages take is logged and not
// bounded: it is a matter of what else the machine has to do.
func TestFiveThousandTopics(t *testing.T) {
	h := newFakeFleet(3, fakeStats(5000)).patient().Handler(nil)
	for _, target := range []string{"overview", "topics?sort=-depth&per_page=50", "topics/topic-4321", "channels?search=432"} {
		began := time.Now()
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", apiBase+"/"+target, nil))
		if w.Code != 200 {
			t.Fatalf("%s is %d %s", target, w.Code, w.Body)
		}
		t.Logf("%s: %v", target, time.Since(began))
	}
}

func BenchmarkOverview(b *testing.B) {
	a := newFakeFleet(3, fakeStats(5000)).admin()
	for b.Loop() {
		a.forget()
		if _, err := a.Overview(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
