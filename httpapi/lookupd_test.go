package httpapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/nsqmesh/nsqmesh/node/queue"
	"github.com/nsqmesh/nsqmesh/node/registry"
)

// testLookupd is the lookupd side of a node that has no queues of its own.
type testLookupd struct {
	*registry.Registry
	api http.Handler
}

func newTestLookupd(t testing.TB, adapt ...func(*LookupdOptions)) *testLookupd {
	t.Helper()
	r := registry.New(registry.Options{ID: strings.Repeat("0", 31) + "1"}, nil)
	o := LookupdOptions{
		Directory: r, Metadata: sharedMetadata{r}, Registrations: r.Registrations, Version: "1.2.3",
		Log: slog.New(slog.DiscardHandler),
	}
	for _, f := range adapt {
		f(&o)
	}
	return &testLookupd{r, NewLookupd(o)}
}

// sharedMetadata is what the registry alone makes of intents.
type sharedMetadata struct{ *registry.Registry }

func (m sharedMetadata) CreateTopic(_ context.Context, topic string) error {
	m.Registry.CreateTopic(topic)
	return nil
}

func (m sharedMetadata) CreateChannel(_ context.Context, topic, channel string) error {
	m.Registry.CreateChannel(topic, channel)
	return nil
}

func (m sharedMetadata) DeleteTopic(_ context.Context, topic string) error {
	if _, known := m.Registry.DeleteTopic(topic); !known {
		return queue.ErrTopicNotFound
	}
	return nil
}

func (m sharedMetadata) DeleteChannel(_ context.Context, topic, channel string) error {
	if m.View().Topic(topic) == nil {
		return queue.ErrTopicNotFound
	}
	if _, known := m.Registry.DeleteChannel(topic, channel); !known {
		return queue.ErrChannelNotFound
	}
	return nil
}

func (l *testLookupd) ask(method, target string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	l.api.ServeHTTP(w, httptest.NewRequest(method, target, nil))
	return w
}

// guests registers n1 with topic t and channel c, and n2 with nothing.
func (l *testLookupd) guests() *registry.Guest {
	g := l.Identify(registry.Producer{
		RemoteAddress: "10.0.0.1:5555", Hostname: "h1", BroadcastAddress: "n1", TCPPort: 1, HTTPPort: 2,
		Version: "1.3.0", TopologyZone: "z", TopologyRegion: "r",
	})
	g.Register("t", "c")
	l.Identify(registry.Producer{RemoteAddress: "10.0.0.2:5555", BroadcastAddress: "n2", TCPPort: 3, HTTPPort: 4, Version: "x"})
	return g
}

const (
	peer1 = `{"remote_address":"10.0.0.1:5555","hostname":"h1","broadcast_address":"n1","tcp_port":1,"http_port":2,` +
		`"version":"1.3.0","topology_zone":"z","topology_region":"r"`
	peer2 = `{"remote_address":"10.0.0.2:5555","hostname":"","broadcast_address":"n2","tcp_port":3,"http_port":4,` +
		`"version":"x","topology_zone":"","topology_region":""`
)

func TestLookupdAnswers(t *testing.T) {
	cases := map[string]struct {
		method, target string
		status         int
		body           string
	}{
		"ping":                           {"GET", "/ping", 200, `OK`},
		"info":                           {"GET", "/info", 200, `{"version":"1.2.3"}`},
		"topics":                         {"GET", "/topics", 200, `{"topics":["t"]}`},
		"channels":                       {"GET", "/channels?topic=t", 200, `{"channels":["c"]}`},
		"channels of nobody's topic":     {"GET", "/channels?topic=x", 200, `{"channels":[]}`},
		"channels of the empty topic":    {"GET", "/channels?topic=", 200, `{"channels":[]}`},
		"channels of no topic":           {"GET", "/channels", 400, `{"message":"MISSING_ARG_TOPIC"}`},
		"channels, badly escaped":        {"GET", "/channels?topic=%25zz", 200, `{"channels":[]}`},
		"lookup":                         {"GET", "/lookup?topic=t", 200, `{"channels":["c"],"producers":[` + peer1 + `}]}`},
		"lookup of nobody's topic":       {"GET", "/lookup?topic=x", 404, `{"message":"TOPIC_NOT_FOUND"}`},
		"lookup of the empty topic":      {"GET", "/lookup?topic=", 404, `{"message":"TOPIC_NOT_FOUND"}`},
		"lookup of no topic":             {"GET", "/lookup", 400, `{"message":"MISSING_ARG_TOPIC"}`},
		"lookup with a bad query":        {"GET", "/lookup?topic=a;b", 400, `{"message":"INVALID_REQUEST"}`},
		"lookup of a star":               {"GET", "/lookup?topic=*", 404, `{"message":"TOPIC_NOT_FOUND"}`},
		"lookup of the first of two":     {"GET", "/lookup?topic=x&topic=t", 404, `{"message":"TOPIC_NOT_FOUND"}`},
		"who takes a publish":            {"GET", "/lookup?topic=x&for=publish", 200, `{"channels":[],"producers":[` + peer1 + `},` + peer2 + `}]}`},
		"who takes an impossible one":    {"GET", "/lookup?topic=*&for=publish", 400, `{"message":"INVALID_ARG_TOPIC"}`},
		"nodes":                          {"GET", "/nodes", 200, `{"producers":[` + peer1 + `,"tombstones":[false],"topics":["t"]},` + peer2 + `,"tombstones":[],"topics":[]}]}`},
		"create":                         {"POST", "/topic/create?topic=new", 200, ``},
		"create no topic":                {"POST", "/topic/create", 400, `{"message":"MISSING_ARG_TOPIC"}`},
		"create the empty topic":         {"POST", "/topic/create?topic=", 400, `{"message":"INVALID_ARG_TOPIC"}`},
		"create a bad topic":             {"POST", "/topic/create?topic=a%2Fb", 400, `{"message":"INVALID_ARG_TOPIC"}`},
		"create with a bad query":        {"POST", "/topic/create?topic=a;b", 400, `{"message":"INVALID_REQUEST"}`},
		"delete":                         {"POST", "/topic/delete?topic=t", 200, ``},
		"delete what is unknown":         {"POST", "/topic/delete?topic=x", 200, ``},
		"delete a star":                  {"POST", "/topic/delete?topic=*", 200, ``},
		"delete nothing":                 {"POST", "/topic/delete", 400, `{"message":"MISSING_ARG_TOPIC"}`},
		"tombstone":                      {"POST", "/topic/tombstone?topic=t&node=n1:2", 200, ``},
		"tombstone what is unknown":      {"POST", "/topic/tombstone?topic=x&node=n:1", 200, ``},
		"tombstone of no topic":          {"POST", "/topic/tombstone", 400, `{"message":"MISSING_ARG_TOPIC"}`},
		"tombstone of no node":           {"POST", "/topic/tombstone?topic=t", 400, `{"message":"MISSING_ARG_NODE"}`},
		"create a channel":               {"POST", "/channel/create?topic=new&channel=c", 200, ``},
		"create a channel of nothing":    {"POST", "/channel/create", 400, `{"message":"MISSING_ARG_TOPIC"}`},
		"create a channel of a bad name": {"POST", "/channel/create?topic=!", 400, `{"message":"INVALID_ARG_TOPIC"}`},
		"create no channel":              {"POST", "/channel/create?topic=t", 400, `{"message":"MISSING_ARG_CHANNEL"}`},
		"create a bad channel":           {"POST", "/channel/create?topic=t&channel=*", 400, `{"message":"INVALID_ARG_CHANNEL"}`},
		"delete a channel":               {"POST", "/channel/delete?topic=t&channel=c", 200, ``},
		"delete an unknown channel":      {"POST", "/channel/delete?topic=t&channel=x", 404, `{"message":"CHANNEL_NOT_FOUND"}`},
		"delete a channel of nobody":     {"POST", "/channel/delete?topic=x&channel=c", 404, `{"message":"CHANNEL_NOT_FOUND"}`},
		"delete no channel":              {"POST", "/channel/delete?topic=t", 400, `{"message":"MISSING_ARG_CHANNEL"}`},
		"wrong method":                   {"POST", "/topics", 405, `{"message":"METHOD_NOT_ALLOWED"}`},
		"HEAD":                           {"HEAD", "/ping", 405, `{"message":"METHOD_NOT_ALLOWED"}`},
		"unknown":                        {"GET", "/nope", 404, `{"message":"NOT_FOUND"}`},
		"of long ago":                    {"POST", "/tombstone_topic_producer?topic=t&node=n", 404, `{"message":"NOT_FOUND"}`},
		"options":                        {"OPTIONS", "/lookup", 200, ``},
		"wait that is none":              {"GET", "/watch?wait=soon", 400, `{"message":"INVALID_ARG_WAIT"}`},
		"wait for the past":              {"GET", "/watch?wait=-1s", 400, `{"message":"INVALID_ARG_WAIT"}`},
		"watch with a bad query":         {"GET", "/watch?a;b", 400, `{"message":"INVALID_REQUEST"}`},
		"mesh of one":                    {"GET", "/mesh", 200, `{"self":"","isolated":false,"registry_hash":"","agree":true,"members":[]}`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			l := newTestLookupd(t)
			l.guests()
			w := l.ask(c.method, c.target)
			if w.Code != c.status || w.Body.String() != c.body {
				t.Errorf("%d %s", w.Code, w.Body)
			}
			marked := w.Header().Get(markerHeader) == "nsq; version=1.0"
			if bare := c.target == "/ping" && c.method == "GET" || c.method == "OPTIONS"; marked == bare {
				t.Errorf("marker is %v", marked)
			}
		})
	}
}

func TestLookupdOfNobody(t *testing.T) {
	l := newTestLookupd(t)
	for target, want := range map[string]string{
		"/topics": `{"topics":[]}`, "/nodes": `{"producers":[]}`, "/debug": `{}`,
		"/lookup?topic=t&for=publish": `{"channels":[],"producers":[]}`,
	} {
		if w := l.ask("GET", target); w.Code != 200 || w.Body.String() != want {
			t.Errorf("%s: %d %s", target, w.Code, w.Body)
		}
	}
}

func TestLookupdWritesAreSeenAtOnce(t *testing.T) {
	l := newTestLookupd(t)
	g := l.guests()
	for _, step := range []struct{ post, get, want string }{
		{"/topic/create?topic=made", "/lookup?topic=made", `{"channels":[],"producers":[]}`},
		{"/channel/create?topic=fresh&channel=c", "/lookup?topic=fresh", `{"channels":["c"],"producers":[]}`},
		{"/topic/create?topic=fresh", "/channels?topic=fresh", `{"channels":["c"]}`},
		{"/channel/delete?topic=fresh&channel=c", "/channels?topic=fresh", `{"channels":[]}`},
		{"/topic/tombstone?topic=t&node=n1:2", "/lookup?topic=t", `{"channels":["c"],"producers":[]}`},
		{"/topic/tombstone?topic=t&node=n1:1", "/nodes", `{"producers":[` + peer1 + `,"tombstones":[true],"topics":["t"]},` + peer2 + `,"tombstones":[],"topics":[]}]}`},
		{"/topic/delete?topic=t", "/lookup?topic=t", `{"message":"TOPIC_NOT_FOUND"}`},
		{"/topic/delete?topic=fresh", "/topics", `{"topics":["made"]}`},
	} {
		if w := l.ask("POST", step.post); w.Code != 200 || w.Body.Len() != 0 {
			t.Errorf("%s: %d %s", step.post, w.Code, w.Body)
		}
		if w := l.ask("GET", step.get); w.Body.String() != step.want {
			t.Errorf("after %s: %s", step.post, w.Body)
		}
	}
	g.Ping()
	if w := l.ask("GET", "/topics"); w.Body.String() != `{"topics":["made"]}` {
		t.Errorf("a PING brings it back: %s", w.Body)
	}
}

func TestLookupdFormIsIgnored(t *testing.T) {
	l := newTestLookupd(t)
	req := httptest.NewRequest("POST", "/topic/create", strings.NewReader("topic=t"))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	l.api.ServeHTTP(w, req)
	if w.Code != 400 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestLookupdDebug(t *testing.T) {
	l := newTestLookupd(t)
	g := l.Identify(registry.Producer{RemoteAddress: "1.2.3.4:5", BroadcastAddress: "n", Hostname: "h", TCPPort: 1, HTTPPort: 2, Version: "x"})
	g.Register("tt", "c1")
	l.CreateTopic("nobody")
	body := l.ask("GET", "/debug").Body.String()
	for _, key := range []string{"client::", "topic:tt:", "channel:tt:c1"} {
		head, tail, ok := strings.Cut(body, `"`+key+`":[{"broadcast_address":"n","hostname":"h","http_port":2,"id":"1.2.3.4:5","last_update":`)
		_, tail, found := strings.Cut(tail, ",")
		want := `"tcp_port":1,"tombstoned":false,"tombstoned_at":-6795364578871345152,"topology_region":"","topology_zone":"","version":"x"}]`
		if !ok || !found || !strings.HasPrefix(tail, want) {
			t.Errorf("%s: %s | %s", key, head, tail)
		}
	}
	if strings.Contains(body, "nobody") {
		t.Errorf("a key without producers is listed: %s", body)
	}
}

func TestLookupdMetadataThatFails(t *testing.T) {
	l := newTestLookupd(t, func(o *LookupdOptions) { o.Metadata = failingMetadata{} })
	for _, target := range []string{
		"/topic/create?topic=t", "/topic/delete?topic=t", "/channel/create?topic=t&channel=c", "/channel/delete?topic=t&channel=c",
	} {
		if w := l.ask("POST", target); w.Code != 500 || w.Body.String() != `{"message":"INTERNAL_ERROR"}` {
			t.Errorf("%s: %d %s", target, w.Code, w.Body)
		}
	}
}

var errFull = errors.New("full")

type failingMetadata struct{}

func (failingMetadata) CreateTopic(context.Context, string) error           { return errFull }
func (failingMetadata) DeleteTopic(context.Context, string) error           { return errFull }
func (failingMetadata) CreateChannel(context.Context, string, string) error { return errFull }
func (failingMetadata) DeleteChannel(context.Context, string, string) error { return errFull }
func (failingMetadata) TombstoneProducer(string, string)                    {}
func (failingMetadata) UntombstoneProducer(string, string)                  {}

func TestLookupdPprof(t *testing.T) {
	l := newTestLookupd(t)
	if w := l.ask("GET", "/debug/pprof"); w.Code != 200 {
		t.Errorf("index: %d", w.Code)
	}
	if w := l.ask("GET", "/debug/pprof/"); w.Code != 301 || w.Header().Get("Location") != "/debug/pprof" {
		t.Errorf("index with a slash: %d %v", w.Code, w.Header())
	}
}

// fakeMesh has three others: one agrees, one does not, one is dead; with mute, one does not answer.
type fakeMesh struct {
	own            uint64
	mute, isolated bool
}

func (m fakeMesh) Members() ([]Member, bool) {
	since := time.Now().Add(-time.Minute)
	list := []Member{
		{ID: "a", Name: "node-a", Address: "10.0.0.1:4155", Status: "alive", Since: since, Self: true},
		{ID: "b", Name: "node-b", Status: "alive", Since: since, Linked: true, RoundTrip: 1500 * time.Microsecond},
		{ID: "c", Name: "node-c", Status: "dead", Since: since},
	}
	if m.mute {
		list = append(list, Member{ID: "mute", Status: "suspect", Since: since})
	}
	return list, m.isolated
}

func (m fakeMesh) Registry() (uint64, []registry.DocumentStatus) {
	return m.own, []registry.DocumentStatus{
		{Owner: "a", Node: registry.Node{Version: "1.2.3", Zone: "z", LookupHTTPPort: 4161}, Generation: 3, Version: 9, Entries: 4},
		{Owner: "gone", Node: registry.Node{Name: "node-gone"}, Generation: 1, Version: 1},
	}
}

func (m fakeMesh) RegistryHash(ctx context.Context, id string) (uint64, error) {
	if id == "mute" {
		<-ctx.Done()
		return 0, ctx.Err()
	}
	return 7, nil
}

func TestMesh(t *testing.T) {
	for name, c := range map[string]struct {
		mesh fakeMesh
		want []string
	}{
		"all agree": {fakeMesh{own: 7}, []string{
			`{"self":"a","isolated":false,"registry_hash":"0000000000000007","agree":true,"members":[`,
			`{"id":"a","name":"node-a","address":"10.0.0.1:4155","status":"alive","status_for_ms":60`,
			`"topology_zone":"z"`, `"generation":3,"registry_version":9,"registry_entries":4,"registry_hash":"0000000000000007","agrees":true}`,
			`"linked":true,"round_trip_ms":1.5,`, `"status":"dead"`, `{"id":"gone","name":"node-gone","address":"","status":"unknown",`,
		}},
		"one has heard something else": {fakeMesh{own: 8}, []string{`"agree":false`, `"agrees":false`}},
		"one is mute":                  {fakeMesh{own: 7, mute: true}, []string{`"agree":false`, `"error":"context deadline exceeded"`}},
		"it hears nobody":              {fakeMesh{own: 7, mute: true, isolated: true}, []string{`"isolated":true`, `"agree":false`}},
	} {
		t.Run(name, func(t *testing.T) {
			begin := time.Now()
			l := newTestLookupd(t, func(o *LookupdOptions) { o.Mesh = c.mesh })
			body := l.ask("GET", "/mesh").Body.String()
			for _, want := range c.want {
				if !strings.Contains(body, want) {
					t.Errorf("lacks %s:\n%s", want, body)
				}
			}
			if took := time.Since(begin); c.mesh.isolated && took > hashPatience/2 {
				t.Errorf("an isolated node waits %v for others", took)
			}
		})
	}
}

func BenchmarkLookupd(b *testing.B) {
	l := newTestLookupd(b)
	for n := range 10 {
		g := l.Identify(registry.Producer{
			RemoteAddress: fmt.Sprintf("10.0.0.%d:5555", n), Hostname: fmt.Sprintf("host-%d", n),
			BroadcastAddress: fmt.Sprintf("host-%d.example.com", n), TCPPort: 4150, HTTPPort: 4151, Version: "1.3.0",
		})
		for i := range 1000 {
			g.Register(fmt.Sprintf("some.topic.of.some.team.%05d", i), "archive")
		}
	}
	for name, target := range map[string]string{
		"lookup": "/lookup?topic=some.topic.of.some.team.00500", "channels": "/channels?topic=some.topic.of.some.team.00500",
		"topics": "/topics", "nodes": "/nodes", "publish": "/lookup?topic=some.topic.of.some.team.00500&for=publish",
	} {
		b.Run(name, func(b *testing.B) {
			req := httptest.NewRequest("GET", target, nil)
			w := &nowhere{h: http.Header{}}
			b.ReportAllocs()
			for b.Loop() {
				l.api.ServeHTTP(w, req)
			}
		})
	}
}

// nowhere is a client that costs nothing.
type nowhere struct{ h http.Header }

func (w *nowhere) Header() http.Header         { return w.h }
func (w *nowhere) Write(b []byte) (int, error) { return len(b), nil }
func (w *nowhere) WriteHeader(int)             {}
