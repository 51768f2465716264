package admin

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// fakeNode is an nsqd that answers /stats, or hangs.
type fakeNode struct {
	name, status string
	stats        []byte
	slow         time.Duration
	hangs        bool
	asked        int // for all topics
	posts        []string
}

// fakeFleet is a mesh of fakes, the first of which is the node that answers.
type fakeFleet struct {
	mu    sync.Mutex
	nodes []*fakeNode
}

func (f *fakeFleet) address(i int) string { return fmt.Sprintf("10.0.0.%d:4151", i+1) }

// newFakeFleet has n nodes with the same topics.
func newFakeFleet(n int, stats []byte) *fakeFleet {
	f := &fakeFleet{}
	for i := range n {
		f.nodes = append(f.nodes, &fakeNode{name: fmt.Sprintf("n%d", i+1), status: "alive", stats: stats})
	}
	return f
}

// fakeStats is a /stats of so many topics of two channels.
func fakeStats(topics int) []byte {
	var s struct {
		Version   string       `json:"version"`
		Health    string       `json:"health"`
		StartTime int64        `json:"start_time"`
		Topics    []topicStats `json:"topics"`
	}
	s.Version, s.Health, s.StartTime = "1.3.0", "OK", 1
	for i := range topics {
		t := topicStats{Name: fmt.Sprintf("topic-%04d", i), Depth: 1, MessageCount: int64(i), MessageBytes: 10}
		for _, c := range []string{"archive", "metrics"} {
			t.Channels = append(t.Channels, channelStats{Name: c, Depth: int64(i % 7), InFlight: 2, MessageCount: int64(i), ClientCount: 1})
		}
		s.Topics = append(s.Topics, t)
	}
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return b
}

// admin is an Admin of the first node that reaches the others in memory.
func (f *fakeFleet) admin() *Admin {
	a := New(Options{
		Name: "n1", Address: f.address(0), Log: slog.New(slog.DiscardHandler),
		Nsqd: http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			resp, err := f.answer(f.nodes[0], req)
			if err != nil {
				panic(err)
			}
			w.WriteHeader(resp.StatusCode)
			_, _ = io.Copy(w, resp.Body)
		}),
		Lookupd: http.HandlerFunc(f.lookup),
	})
	a.http = &http.Client{Transport: f}
	return a
}

// patient is an admin for tests in real time, on a machine with much else to do.
func (f *fakeFleet) patient() *Admin {
	a := f.admin()
	a.fleet.patience = 10 * time.Minute
	return a
}

// RoundTrip answers for the node that a request goes to.
func (f *fakeFleet) RoundTrip(req *http.Request) (*http.Response, error) {
	for i, n := range f.nodes {
		if req.URL.Host == f.address(i) {
			return f.answer(n, req)
		}
	}
	return nil, fmt.Errorf("no such host as %s", req.URL.Host)
}

func (f *fakeFleet) answer(n *fakeNode, req *http.Request) (*http.Response, error) {
	f.mu.Lock()
	slow, hangs := n.slow, n.hangs
	if strings.HasPrefix(req.URL.RequestURI(), statsTarget) {
		n.asked++
	}
	if req.Method == "POST" {
		n.posts = append(n.posts, req.URL.RequestURI())
	}
	f.mu.Unlock()
	if hangs {
		<-req.Context().Done()
		return nil, req.Context().Err()
	}
	time.Sleep(slow)
	if req.Method == "POST" {
		return said(200, nil), nil
	}
	if req.URL.Path != "/stats" {
		return said(404, []byte(`{"message":"NOT_FOUND"}`)), nil
	}
	return said(200, n.stats), nil
}

func said(status int, body []byte) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body))}
}

// lookup is the own lookupd.
func (f *fakeFleet) lookup(w http.ResponseWriter, req *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch req.URL.Path {
	case "/mesh":
		view := MeshView{}
		for i, n := range f.nodes {
			view.Members = append(view.Members, MeshMember{
				ID: "id-" + n.name, Name: n.name, Status: n.status, Self: i == 0, StatusForMs: 5000,
				BroadcastAddress: fmt.Sprintf("10.0.0.%d", i+1), HTTPPort: 4151, TCPPort: 4150, Version: "1.3.0",
			})
		}
		writeJSON(w, 200, view)
	case "/nodes":
		writeJSON(w, 200, map[string]any{"producers": []any{}})
	case "/topics":
		writeJSON(w, 200, map[string]any{"topics": []string{"known-only"}})
	case "/channels":
		writeJSON(w, 200, map[string]any{"channels": []string{}})
	default:
		w.WriteHeader(200)
	}
}

func (f *fakeFleet) set(i int, change func(*fakeNode)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(f.nodes[i])
}

func (f *fakeFleet) askedOf(i int) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.nodes[i].asked
}

// listed is the names and the total of a list, or the status of an error.
func listed(t *testing.T, w *httptest.ResponseRecorder) string {
	t.Helper()
	if w.Code != http.StatusOK {
		return strconv.Itoa(w.Code)
	}
	var answer struct {
		Topics, Channels, Nodes []struct{ Name string }
		Total                   int
	}
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, row := range slices.Concat(answer.Topics, answer.Channels, answer.Nodes) {
		names = append(names, row.Name)
	}
	return fmt.Sprintf("%s of %d", strings.Join(names, ","), answer.Total)
}
