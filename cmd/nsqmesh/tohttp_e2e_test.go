package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
)

// httpSink is a server that to-http sends to.
type httpSink struct {
	*httptest.Server
	mu     sync.Mutex
	status int
	got    []string
}

func newSink(t *testing.T, status int) *httpSink {
	s := &httpSink{status: status}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.got = append(s.got, fmt.Sprintf("%s %s [%s] [%s] %s", req.Method, req.URL.RequestURI(), req.Header.Get("Content-Type"), req.Header.Get("X-Secret"), body))
		w.WriteHeader(s.status)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *httpSink) requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(slices.Values(s.got))
}

func (s *httpSink) answer(status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status = status
}

// soon are options of go-nsq with which a test does not wait.
var soon = []string{
	"--consumer-opt=lookupd_poll_interval,50ms", "--consumer-opt=lookupd_poll_jitter,0",
	"--consumer-opt=default_requeue_delay,50ms", "--consumer-opt=backoff_multiplier,10ms",
}

func TestToHTTP(t *testing.T) {
	node := startNode(t, t.TempDir())
	done := func(topic string) func() bool {
		return func() bool {
			c := node.topic(topic).channel("nsq_to_http")
			return c.Clients == 1 && c.Depth+c.InFlight+c.Deferred == 0
		}
	}
	start := func(t *testing.T, topic string, args ...string) *toolProcess {
		t.Helper()
		post(t, node.nsqd("/topic/create?topic="+topic), "")
		post(t, node.nsqd("/channel/create?topic="+topic+"&channel=nsq_to_http"), "")
		post(t, node.nsqd("/mpub?topic="+topic), "a&b\nc d")
		return startTool(t, node, slices.Concat([]string{"to-http", "--topic=" + topic, "--output=json"}, soon, args)...)
	}
	t.Run("POST", func(t *testing.T) {
		sink := newSink(t, 204)
		p := start(t, "post", "--post="+sink.URL+"/in?x=1", "--content-type=text/plain", "--header=X-Secret: s:1")
		waitFor(t, "all to be delivered", done("post"))
		p.interrupt()
		want := []string{"POST /in?x=1 [text/plain] [s:1] a&b", "POST /in?x=1 [text/plain] [s:1] c d"}
		if got := sink.requests(); !slices.Equal(got, want) {
			t.Errorf("got %q", got)
		}
		if !strings.HasPrefix(p.out.String(), `{"delivered":2,"dropped":0,"requeued":0,`) {
			t.Errorf("printed %s", p.out.String())
		}
	})
	t.Run("GET", func(t *testing.T) {
		sink := newSink(t, 200)
		p := start(t, "get", "--get="+sink.URL+"/100%25/in?m=%s&x=1")
		waitFor(t, "all to be delivered", done("get"))
		p.interrupt()
		if got := sink.requests(); !slices.Equal(got, []string{"GET /100%25/in?m=a%26b&x=1 [] [] ", "GET /100%25/in?m=c+d&x=1 [] [] "}) {
			t.Errorf("got %q", got)
		}
	})
	t.Run("what fails comes again", func(t *testing.T) {
		sink := newSink(t, 500)
		p := start(t, "again", "--post="+sink.URL)
		waitFor(t, "more attempts than messages", func() bool { return len(sink.requests()) > 3 })
		if done("again")() {
			t.Error("messages that failed are gone")
		}
		sink.answer(200)
		waitFor(t, "all to be delivered", done("again"))
		p.interrupt()
		if !strings.Contains(p.err.String(), sink.URL+": POST answers 500") || strings.Count(p.err.String(), "answers 500") > 2 {
			t.Errorf("said %s", p.err.String())
		}
	})
	t.Run("to another server when one fails", func(t *testing.T) {
		bad, good := newSink(t, 503), newSink(t, 200)
		p := start(t, "two", "--post="+bad.URL, "--post="+good.URL, "--n=1", "--status-every=2")
		waitFor(t, "all to be delivered", done("two"))
		p.interrupt()
		if len(good.requests()) != 2 || len(bad.requests()) > 1 {
			t.Errorf("good got %q, bad got %q", good.requests(), bad.requests())
		}
		if !strings.Contains(p.err.String(), "finished 2 - 99th: ") {
			t.Errorf("said %s", p.err.String())
		}
	})
	t.Run("a sample of none", func(t *testing.T) {
		sink := newSink(t, 200)
		p := start(t, "sample", "--post="+sink.URL, "--sample=0")
		waitFor(t, "all to be finished", done("sample"))
		p.interrupt()
		if len(sink.requests()) > 0 || !strings.HasPrefix(p.out.String(), `{"delivered":0,"dropped":2,`) {
			t.Errorf("got %q, printed %s", sink.requests(), p.out.String())
		}
	})
}
