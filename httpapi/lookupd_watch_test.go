package httpapi

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nsqmesh/nsqmesh/node/registry"
)

// told is a report as a client reads it.
type told struct {
	Token    string
	Snapshot bool
	Topics   []struct {
		Topic     string
		Deleted   bool
		Channels  []string
		Producers []registry.Producer
	}
	Publishers []registry.Producer
}

func (x told) String() string {
	var b strings.Builder
	if x.Snapshot {
		b.WriteString("all:")
	}
	for _, t := range x.Topics {
		b.WriteString(" " + t.Topic + "[" + strings.Join(t.Channels, ",") + "]")
		for _, p := range t.Producers {
			b.WriteString("@" + p.BroadcastAddress)
		}
		if t.Deleted {
			b.WriteString(" deleted")
		}
	}
	if x.Publishers != nil {
		b.WriteString(" to:")
		for _, p := range x.Publishers {
			b.WriteString(" " + p.BroadcastAddress)
		}
	}
	return strings.TrimSpace(b.String())
}

func (l *testLookupd) poll(t *testing.T, query string) told {
	t.Helper()
	w := l.ask("GET", "/watch?"+query)
	var x told
	if err := json.Unmarshal(w.Body.Bytes(), &x); err != nil || w.Code != 200 || w.Header().Get(markerHeader) == "" {
		t.Fatalf("%d %s: %v", w.Code, w.Body, err)
	}
	return x
}

func TestWatchByPolling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newTestLookupd(t)
		l.guests()
		want := func(x told, s string) told {
			t.Helper()
			if x.String() != s {
				t.Errorf("told %q, want %q", x, s)
			}
			return x
		}
		first := want(l.poll(t, "wait=30s"), "all: t[c]@n1 to: n1 n2")
		want(l.poll(t, "wait=30s&topic=t&topic=x"), "all: t[c]@n1 to: n1 n2")
		want(l.poll(t, "wait=30s&topic=x"), "all: to: n1 n2")

		start := time.Now()
		second := want(l.poll(t, "wait=30s&since="+first.Token), "")
		if took := time.Since(start); took != 30*time.Second || second.Token != first.Token {
			t.Errorf("nothing came after %v, at %s", took, second.Token)
		}
		go func() {
			time.Sleep(5 * time.Second)
			l.CreateTopic("other")
			time.Sleep(time.Second)
			l.DeleteTopic("t")
		}()
		start = time.Now()
		want(l.poll(t, "wait=30s&since="+first.Token), "other[]")
		if took := time.Since(start); took != 5*time.Second {
			t.Errorf("it took %v", took)
		}
		third := want(l.poll(t, "wait=30s&topic=t&since="+first.Token), "t[] deleted to: n1 n2")
		want(l.poll(t, "wait=0s&since="+first.Token), "other[] t[] deleted to: n1 n2")
		l.Identify(registry.Producer{BroadcastAddress: "n3", TCPPort: 1})
		want(l.poll(t, "wait=30s&topic=t&since="+third.Token), "to: n1 n2 n3")
		for _, foreign := range []string{"nonsense", "abcdefgh-1", "-", strings.Split(first.Token, "-")[0] + "-99999"} {
			want(l.poll(t, "wait=30s&since="+foreign), "all: other[] to: n1 n2 n3")
		}
	})
}

// events reads server-sent events.
type events struct {
	t    *testing.T
	body *bufio.Reader
	stop context.CancelFunc
}

func watchEvents(t *testing.T, url, last string) *events {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	req, err := http.NewRequestWithContext(ctx, "GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if last != "" {
		req.Header.Set("Last-Event-ID", last)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if got := resp.Header.Get("Content-Type"); got != "text/event-stream" {
		t.Errorf("content type is %s", got)
	}
	t.Cleanup(func() { cancel(); _ = resp.Body.Close() })
	return &events{t, bufio.NewReader(resp.Body), cancel}
}

// next returns the next event, without comments.
func (e *events) next() (kind, id string, x told) {
	e.t.Helper()
	for {
		line, err := e.body.ReadString('\n')
		if err != nil {
			e.t.Fatal(err)
		}
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch name {
		case "id":
			id = value
		case "event":
			kind = value
		case "data":
			if err := json.Unmarshal([]byte(value), &x); err != nil {
				e.t.Fatal(err)
			}
		case "":
			if id != "" {
				return kind, id, x
			}
		}
	}
}

func TestWatchByEvents(t *testing.T) {
	l := newTestLookupd(t)
	g := l.guests()
	web := httptest.NewServer(l.api)
	t.Cleanup(web.Close) // after the watchers are gone
	e := watchEvents(t, web.URL+"/watch", "")
	kind, first, x := e.next()
	if kind != "snapshot" || x.String() != "all: t[c]@n1 to: n1 n2" || x.Token != first {
		t.Errorf("at first %s %s", kind, x)
	}
	g.Register("u", "")
	if kind, _, x = e.next(); kind != "change" || x.String() != "u[]@n1" {
		t.Errorf("then %s %s", kind, x)
	}
	g.Disconnect()
	kind, last, x := e.next()
	if kind != "change" || x.String() != "t[c] u[] to: n2" {
		t.Errorf("then %s %s", kind, x)
	}
	e.stop()

	l.CreateTopic("meanwhile")
	e = watchEvents(t, web.URL+"/watch", last)
	if kind, _, x = e.next(); kind != "change" || x.String() != "meanwhile[]" {
		t.Errorf("resumed with %s %s", kind, x)
	}
	e = watchEvents(t, web.URL+"/watch?topic=t&since="+first, "")
	if kind, _, x = e.next(); kind != "change" || x.String() != "t[c] to: n2" {
		t.Errorf("resumed from the start with %s %s", kind, x)
	}
	l.CreateTopic("not-t")
	l.CreateChannel("t", "new")
	if kind, _, x = e.next(); kind != "change" || x.String() != "t[c,new]" {
		t.Errorf("then %s %s", kind, x)
	}
}

func TestBurstsAreToldAtOnce(t *testing.T) {
	l := newTestLookupd(t)
	web := httptest.NewServer(l.api)
	t.Cleanup(web.Close) // after the watchers are gone
	e := watchEvents(t, web.URL+"/watch", "")
	e.next()
	for _, name := range strings.Fields("a b c d e f g h i j k l m n o p q r s t") {
		l.CreateTopic(name)
	}
	count := 0
	for topics := 0; topics < 20; count++ {
		_, _, x := e.next()
		topics += len(x.Topics)
	}
	if count > 5 {
		t.Errorf("20 topics made %d events", count)
	}
}

func TestWatchEndsWithTheNode(t *testing.T) {
	done := make(chan struct{})
	l := newTestLookupd(t, func(o *LookupdOptions) { o.Done = done })
	web := httptest.NewServer(l.api)
	t.Cleanup(web.Close) // after the watchers are gone
	e := watchEvents(t, web.URL+"/watch", "")
	e.next()
	close(done)
	for {
		if _, err := e.body.ReadString('\n'); err != nil {
			break
		}
	}
	closed := make(chan struct{})
	go func() { web.Close(); close(closed) }()
	select {
	case <-closed:
	case <-time.After(3 * time.Second):
		t.Error("a watcher keeps the server")
	}
}
