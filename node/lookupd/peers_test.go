package lookupd

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// queues is what a node has, in a map.
type queues struct {
	mu     sync.Mutex
	topics map[string][]string
	names  map[string]struct{}
	c      chan struct{}
}

func newQueues() *queues {
	return &queues{topics: map[string][]string{}, names: map[string]struct{}{}, c: make(chan struct{}, 1)}
}

func (q *queues) C() <-chan struct{} { return q.c }

func (q *queues) Names() []string {
	q.mu.Lock()
	defer q.mu.Unlock()
	names := slices.Collect(maps.Keys(q.names))
	clear(q.names)
	return names
}

func (q *queues) Topics() []string {
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.Sorted(maps.Keys(q.topics))
}

func (q *queues) Channels(topic string) ([]string, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	channels, exists := q.topics[topic]
	return slices.Clone(channels), exists
}

func (q *queues) set(topic string, channels ...string) {
	q.change(topic, func() { q.topics[topic] = channels })
}

func (q *queues) remove(topic string) { q.change(topic, func() { delete(q.topics, topic) }) }

func (q *queues) change(topic string, f func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	f()
	q.names[topic] = struct{}{}
	select {
	case q.c <- struct{}{}:
	default:
	}
}

func runPeers(t *testing.T, q *queues, addrs ...string) *Peers {
	p := NewPeers(PeersOptions{
		BroadcastAddress: "192.0.2.4", Hostname: "h", TCPPort: 4150, HTTPPort: 4151, Version: "1.2.3", Zone: "z", Region: "r",
		MaxBodySize: 1 << 20, ConnectTimeout: time.Second, RequestTimeout: 2 * time.Second,
		Log: slog.New(slog.DiscardHandler),
	}, q)
	p.SetPeers(addrs)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = p.Run(ctx, q) }()
	t.Cleanup(func() { cancel(); <-done })
	return p
}

const greeting = `IDENTIFY {"broadcast_address":"192.0.2.4","hostname":"h","http_port":4151,"tcp_port":4150,` +
	`"topology_region":"r","topology_zone":"z","version":"1.2.3"}`

func TestPeerIsToldEverything(t *testing.T) {
	q := newQueues()
	q.set("bare")
	q.set("full", "c", "d#ephemeral")
	f := newFake(t, "")
	runPeers(t, q, f.addr(), f.addr())
	log := f.heard(t, "magic   V1", greeting, "REGISTER bare", "REGISTER full c", "REGISTER full d#ephemeral")
	if slices.Contains(log, "REGISTER full") {
		t.Error("at first a topic with channels is not registered by name")
	}
	q.set("new", "c")
	f.heard(t, "REGISTER new", "REGISTER new c")
	q.set("new", "c", "e")
	if log := f.heard(t, "REGISTER new e"); slices.Contains(log, "REGISTER new c") {
		t.Errorf("said twice: %q", log)
	}
	q.set("new", "e")
	f.heard(t, "UNREGISTER new c")
	q.remove("full")
	f.heard(t, "UNREGISTER full")
	if strings.Count(strings.Join(f.heard(t), "\n"), "magic") != 0 {
		t.Error("a repeated address is connected twice")
	}
}

func TestPeerIsReconnectedWithTheNextEvent(t *testing.T) {
	q := newQueues()
	q.topics["old"] = nil // there from the start: an event still under way would connect again at once
	f := newFake(t, "")
	runPeers(t, q, f.addr())
	f.heard(t, "REGISTER old")
	f.drop()
	f.heard(t, "closed")
	time.Sleep(20 * time.Millisecond)
	if log := f.heard(t); len(log) != 0 {
		t.Errorf("with nothing to say it says %q", log)
	}
	q.set("one")
	f.heard(t, "magic   V1", "IDENTIFY*", "REGISTER old", "REGISTER one")
}

func TestDeadAndSlowPeersDelayNobody(t *testing.T) {
	q := newQueues()
	dead, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = dead.Close()
	f := newFake(t, "")
	addrs := []string{dead.Addr().String()}
	var slow []*fake
	for range 12 { // a second each: were they waited for in turn, f would not be told in the time that heard gives it
		mute := newFake(t, "")
		mute.setMute(true)
		slow, addrs = append(slow, mute), append(addrs, mute.addr())
	}
	p := runPeers(t, q, append(addrs, f.addr())...)
	f.heard(t, "IDENTIFY*")
	for _, mute := range slow {
		mute.heard(t, "IDENTIFY*")
	}
	q.set("t")
	f.heard(t, "REGISTER t")
	slow[0].setMute(false)
	slow[0].heard(t, "IDENTIFY*", "REGISTER t") // tried again without an event
	p.SetPeers([]string{slow[0].addr()})
	f.heard(t, "closed")
}

func TestPeersAreSetWhileRunning(t *testing.T) {
	q := newQueues()
	q.set("t")
	a, b := newFake(t, ""), newFake(t, "")
	p := runPeers(t, q, a.addr())
	a.heard(t, "REGISTER t")
	p.SetPeers([]string{b.addr()})
	b.heard(t, "magic   V1", "IDENTIFY*", "REGISTER t")
	log := a.heard(t, "closed")
	if slices.ContainsFunc(log, func(s string) bool { return strings.HasPrefix(s, "UNREGISTER") }) {
		t.Errorf("a dropped peer hears %q", log)
	}
}

func TestBadGreetingsAreTriedAgain(t *testing.T) {
	for _, info := range []string{"E_INVALID", "OK", strings.Repeat("x", 2<<20)} {
		q := newQueues()
		f := newFake(t, "")
		f.mu.Lock()
		f.info = info
		f.mu.Unlock()
		runPeers(t, q, f.addr())
		f.heard(t, "IDENTIFY*", "IDENTIFY*")
	}
}

func TestPingEvery15Seconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		here, there := net.Pipe()
		x := newPeer(NewPeers(PeersOptions{MaxBodySize: 100, Log: slog.New(slog.DiscardHandler)}, newQueues()), "")
		ctx, cancel := context.WithCancel(t.Context())
		x.hold(here)
		x.told = map[string]map[string]struct{}{}
		start := time.Now()
		var pings []time.Duration
		go func() {
			r := bufio.NewReader(there)
			for len(pings) < 4 {
				if _, err := r.ReadString('\n'); err != nil {
					return
				}
				pings = append(pings, time.Since(start))
				_, _ = there.Write([]byte("\x00\x00\x00\x02OK"))
			}
			cancel()
		}()
		x.run(ctx)
		if want := []time.Duration{0, pingPeriod, 2 * pingPeriod, 3 * pingPeriod}; !slices.Equal(pings, want) {
			t.Errorf("pings came at %v", pings)
		}
	})
}

func TestChannelsAreAskedFor(t *testing.T) {
	names := func(list string) http.HandlerFunc {
		return func(w http.ResponseWriter, req *http.Request) {
			if req.Header.Get("Accept") != "application/vnd.nsq; version=1.0" || req.URL.RawQuery != "topic=t%23ephemeral" || req.URL.Path != "/channels" {
				t.Errorf("asked for %s with %v", req.URL, req.Header)
			}
			_, _ = io.WriteString(w, list)
		}
	}
	cases := map[string]struct {
		answers []http.HandlerFunc
		want    []string
	}{
		"the union of all, without ephemeral ones": {[]http.HandlerFunc{names(`{"channels":["a","b"]}`), names(`{"channels":["b","c","x#ephemeral"]}`)}, []string{"a", "b", "c"}},
		"one that fails does no harm": {[]http.HandlerFunc{names(`{"channels":["a"]}`), func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, `{"message":"INTERNAL_ERROR"}`, http.StatusInternalServerError)
		}}, []string{"a"}},
		"nobody knows":         {[]http.HandlerFunc{names(`{"channels":[]}`), names(`{}`)}, nil},
		"garbage":              {[]http.HandlerFunc{names(`{"channels":"a"}`), names(`<html>`)}, nil},
		"names that are none":  {[]http.HandlerFunc{names(`{"channels":["a/b","ok"]}`)}, []string{"ok"}},
		"nobody is configured": {nil, nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			q := newQueues()
			var addrs []string
			for _, h := range c.answers {
				web := httptest.NewServer(h)
				defer web.Close()
				addrs = append(addrs, newFake(t, web.Listener.Addr().String()).addr())
			}
			p := runPeers(t, q, addrs...)
			eventually(t, func() bool {
				return len(p.list()) == len(addrs) && !slices.ContainsFunc(p.list(), func(x *peer) bool { x.mu.Lock(); defer x.mu.Unlock(); return x.info.Version == "" })
			})
			if got := p.Channels(t.Context(), "t#ephemeral"); !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestChannelsOverHTTPSWhenPlainIsRefused(t *testing.T) {
	secure := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"channels":["safe"]}`)
	}))
	defer secure.Close()
	_, port, _ := net.SplitHostPort(secure.Listener.Addr().String())
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, `{"message": "TLS_REQUIRED", "https_port": `+port+`}`)
	}))
	defer plain.Close()
	p := runPeers(t, newQueues(), newFake(t, plain.Listener.Addr().String()).addr())
	p.client = secure.Client() // which trusts the test's certificate
	eventually(t, func() bool { return slices.Equal(p.Channels(t.Context(), "t"), []string{"safe"}) })
}

// TestBothSides has the client register with the server.
func TestBothSides(t *testing.T) {
	_, r, addr := serve(t)
	q := newQueues()
	for i := range 300 {
		q.set("t"+strconv.Itoa(i), "c")
	}
	runPeers(t, q, addr)
	eventually(t, func() bool { return len(r.View().Topics()) == 300 })
	q.remove("t7")
	eventually(t, func() bool { return len(r.View().Topic("t7").Producers()) == 0 })
	q.set("t7")
	eventually(t, func() bool { return len(r.View().Topic("t7").Producers()) == 1 })
}
