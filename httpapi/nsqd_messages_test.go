package httpapi

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/nsqmesh/nsqmesh/node/history"
	"github.com/nsqmesh/nsqmesh/node/queue"
)

// fakeHistory knows one topic with one channel.
type fakeHistory struct{}

func (fakeHistory) Read(names []history.Name, day bool, points int) ([]history.Past, time.Duration, time.Duration) {
	pace := 10 * time.Second
	if day {
		pace = 5 * time.Minute
	}
	list := make([]history.Past, len(names))
	for i := range names {
		list[i] = history.Past{Depth: []int64{-1, int64(points)}, Latency: [][]int64{{7, 8}}}
	}
	return list, pace, 3 * time.Second
}

func (fakeHistory) Quantiles() []float64 { return []float64{0.99} }

func (fakeHistory) Base() ([]history.Base, time.Duration) {
	return []history.Base{{Topic: "t", Messages: 9, Channels: []history.ChannelBase{{Channel: "c", Messages: 9, Finished: 4, Requeues: 2, Timeouts: 1}}}}, time.Second
}

func (n *testNode) get(uri string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	n.api.ServeHTTP(w, httptest.NewRequest("GET", uri, nil))
	return w
}

func TestMessagesAndConnections(t *testing.T) {
	n := newTestNode(t, func(o *NsqdOptions) {
		o.History = fakeHistory{}
		o.Vitals = func() Vitals { return Vitals{Product: "x", DiskFree: 5, DiskTotal: 10} }
		o.Audit = func() (json.RawMessage, error) { return json.RawMessage(`{"entries":[]}`), nil }
		o.Disconnect = func(address string) int { return len(address) - len("gone") }
	})
	n.post("/topic/create?topic=t", "")
	n.post("/pub?topic=t", "early")
	if w := n.get("/topic/peek?topic=t"); !strings.Contains(w.Body.String(), `"body":"ZWFybHk="`) {
		t.Errorf("what waits in a topic is shown as %s", w.Body)
	}
	n.post("/channel/create?topic=t&channel=c", "")
	for begin := time.Now(); !strings.Contains(n.get("/channel/peek?topic=t&channel=c").Body.String(), `"total":1`); {
		if time.Sleep(time.Millisecond); time.Since(begin) > 30*time.Second {
			t.Fatal("the topic does not hand on what waited in it")
		}
	}
	for _, c := range []struct {
		method, target string
		status         int
		part           string
	}{
		{"GET", "/channel/peek?topic=t&channel=c", 200, `"attempts":0,"size":5,"body":"ZWFybHk=","cut":false}],"total":1,"on_disk":0}`},
		{"GET", "/channel/peek?topic=t&channel=c&state=in_flight", 200, `{"messages":[],"total":0,"on_disk":0}`},
		{"GET", "/channel/peek?topic=t&channel=c&state=lost", 400, "INVALID_STATE"},
		{"GET", "/channel/peek?topic=t&channel=c&max=0", 400, "INVALID_MAX"},
		{"GET", "/channel/peek?topic=t&channel=x", 404, "CHANNEL_NOT_FOUND"},
		{"GET", "/channel/peek?topic=t", 400, "MISSING_ARG_CHANNEL"},
		{"GET", "/topic/peek?topic=x", 404, "TOPIC_NOT_FOUND"},
		{"POST", "/channel/requeue?topic=t&channel=c", 200, `{"messages":0}`},
		{"POST", "/channel/requeue?topic=t&channel=c&id=7", 400, "INVALID_ID"},
		{"POST", "/channel/move?topic=t&channel=c&to=t", 400, "INVALID_TO"},
		{"POST", "/channel/move?topic=t&channel=c&to=u", 200, `{"messages":0}`},
		{"POST", "/client/disconnect?address=1.2.3.4:5", 200, ""},
		{"POST", "/client/disconnect?address=gone", 404, "CONNECTION_NOT_FOUND"},
		{"POST", "/client/disconnect", 400, "MISSING_ARG_ADDRESS"},
		{"GET", "/history?of=t:c&of=&span=day&points=4", 200, `{"step_ms":300000,"age_ms":3000,"quantiles":[0.99],"series":[{"of":"t:c","depth":[-1,4],`},
		{"GET", "/history?of=t&span=year", 400, "INVALID_SPAN"},
		{"GET", "/history?of=t&points=x", 400, "INVALID_POINTS"},
		{"GET", "/history/base", 200, `"channels":[{"channel_name":"c","depth":5,"message_count":9,"requeue_count":2,"timeout_count":1}]`},
		{"GET", "/vitals", 200, `"disk_free":5,"disk_total":10`},
		{"GET", "/audit", 200, `{"entries":[]}`},
	} {
		w := httptest.NewRecorder()
		n.api.ServeHTTP(w, httptest.NewRequest(c.method, c.target, nil))
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.part) {
			t.Errorf("%s %s is %d %s", c.method, c.target, w.Code, w.Body)
		}
	}
}

func TestRequeueAndMoveOverHTTP(t *testing.T) {
	n := newTestNode(t)
	n.post("/topic/create?topic=t", "")
	n.post("/channel/create?topic=t&channel=c", "")
	n.post("/mpub?topic=t", "a\nb\nc")
	channel := n.FindTopic("t").FindChannel("c")
	s, err := channel.Subscribe(consumer{}, queue.Terms{})
	if err != nil {
		t.Fatal(err)
	}
	s.SetReady(3)
	taken := s.Take(make([]queue.Message, 0, 3))
	if len(taken) != 3 {
		t.Fatalf("%d messages were taken", len(taken))
	}
	s.SetReady(0)
	if says := n.post("/channel/requeue?topic=t&channel=c&id="+taken[1].ID.String(), "").Body.String(); says != `{"messages":1}` {
		t.Errorf("requeueing one says %s", says)
	}
	if says := n.post("/channel/move?topic=t&channel=c&to=aside", "").Body.String(); says != `{"messages":2}` {
		t.Errorf("moving the rest says %s", says)
	}
	if says := n.get("/topic/peek?topic=aside").Body.String(); !strings.Contains(says, `"total":2`) {
		t.Errorf("aside has %s", says)
	}
	if says := n.get("/channel/peek?topic=t&channel=c").Body.String(); !strings.Contains(says, `"attempts":1`) || !strings.Contains(says, `"total":1`) {
		t.Errorf("the channel has %s", says)
	}
}

// FuzzReclaim sends whatever may stand in a query to the endpoints that read more than two names.
func FuzzReclaim(f *testing.F) {
	n := newTestNode(f, func(o *NsqdOptions) { o.History = fakeHistory{} })
	n.post("/topic/create?topic=t", "")
	n.post("/channel/create?topic=t&channel=c", "")
	f.Add("id=0123456789abcdef&client=x&to=u")
	f.Add("id=%zz&points=9&of=a:b:c&state=deferred&max=3")
	f.Fuzz(func(t *testing.T, query string) {
		for _, target := range []string{"/channel/requeue", "/channel/peek", "/history"} {
			req := httptest.NewRequest("POST", target, nil)
			if target != "/channel/requeue" {
				req.Method = "GET"
			}
			req.URL.RawQuery = "topic=t&channel=c&" + query
			w := httptest.NewRecorder()
			n.api.ServeHTTP(w, req)
			if w.Code >= 500 {
				t.Errorf("%s?%s is %d", target, query, w.Code)
			}
		}
	})
}
