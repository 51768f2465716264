package httpapi

import (
	"bufio"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// again is a body that can be read many times.
type again struct{ *strings.Reader }

func (a again) Close() error { return nil }

// sink is a ResponseWriter without cost of its own.
type sink struct{ header http.Header }

func (s sink) Header() http.Header         { return s.header }
func (s sink) Write(b []byte) (int, error) { return len(b), nil }
func (s sink) WriteHeader(status int)      { panic(status) }

// publisher repeats one request on a node whose topic has an emptied channel.
func publisher(t testing.TB, uri, body string) (publish, empty func()) {
	n := newTestNode(t, func(o *NsqdOptions) { o.Limits = Limits{1 << 20, 5 << 20, time.Hour} })
	n.post("/topic/create?topic=events", "")
	n.post("/channel/create?topic=events&channel=c", "")
	c := n.FindTopic("events").FindChannel("c")
	reader := again{strings.NewReader(body)}
	req := httptest.NewRequest("POST", uri, reader.Reader)
	req.Body = reader
	w := sink{http.Header{}}
	publish = func() {
		reader.Reset(body)
		n.api.ServeHTTP(w, req)
	}
	return publish, func() {
		if err := c.Empty(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestPublishAllocates holds the handlers to the one allocation that the message is.
func TestPublishAllocates(t *testing.T) {
	if raceDetector {
		t.Skip("pools drop things at random under the race detector")
	}
	for name, test := range map[string]struct{ uri, body string }{
		"pub":          {"/pub?topic=events", strings.Repeat("x", 200)},
		"pub deferred": {"/pub?topic=events&defer=100", strings.Repeat("x", 200)},
		"mpub":         {"/mpub?topic=events", strings.Repeat("line of a log\n", 20)},
		"mpub counted": {"/mpub?topic=events&binary=true", counted(strings.Split(strings.Repeat("line of a log\n", 20), "\n")[:20]...)},
	} {
		t.Run(name, func(t *testing.T) {
			publish, empty := publisher(t, test.uri, test.body)
			got := testing.AllocsPerRun(200, publish)
			empty()
			if got > 1 {
				t.Errorf("%v allocations a request", got)
			}
		})
	}
}

func BenchmarkPub(b *testing.B) { benchmarkPublish(b, "/pub?topic=events", strings.Repeat("x", 200)) }

func BenchmarkMpub100(b *testing.B) {
	benchmarkPublish(b, "/mpub?topic=events", strings.Repeat(strings.Repeat("x", 200)+"\n", 100))
}

func benchmarkPublish(b *testing.B, uri, body string) {
	publish, empty := publisher(b, uri, body)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if i%50 == 49 {
			empty() // so that it stays in memory
		}
		publish()
	}
}

// BenchmarkPubOverHTTP is a publisher with keep-alive as a client sees it; client and server share the processor time.
func BenchmarkPubOverHTTP(b *testing.B) {
	n := newTestNode(b, func(o *NsqdOptions) { o.Limits = Limits{1 << 20, 5 << 20, time.Hour} })
	n.post("/topic/create?topic=events", "")
	n.post("/channel/create?topic=events&channel=c", "")
	c := n.FindTopic("events").FindChannel("c")
	benchmarkOverHTTP(b, n.api, func() { _ = c.Empty() })
}

// BenchmarkNothingOverHTTP is what net/http needs alone for the same exchange.
func BenchmarkNothingOverHTTP(b *testing.B) {
	benchmarkOverHTTP(b, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		_, _ = readBody(req, 1<<20)
		_, _ = w.Write(okBody)
	}), func() {})
}

func benchmarkOverHTTP(b *testing.B, api http.Handler, empty func()) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	server := NewServer(api, slog.New(slog.DiscardHandler))
	go func() { _ = server.Serve(l) }()
	defer server.Close()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	request := []byte("POST /pub?topic=events HTTP/1.1\r\nHost: x\r\nContent-Length: 200\r\n\r\n" + strings.Repeat("x", 200))
	answer := bufio.NewReader(conn)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if i%1000 == 999 {
			empty()
		}
		if _, err := conn.Write(request); err != nil {
			b.Fatal(err)
		}
		for { // the answer ends with "OK" behind an empty line
			line, err := answer.ReadSlice('\n')
			if err != nil {
				b.Fatal(err)
			}
			if len(line) == 2 {
				_, _ = answer.Discard(2)
				break
			}
		}
	}
}
