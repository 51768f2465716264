package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/julienschmidt/httprouter"

	"github.com/nsqmesh/nsqmesh/node/registry"
)

const (
	watchPause     = 50 * time.Millisecond // a burst of changes is told at once
	watchKeepalive = 5 * time.Second       // proxies close what is silent, and a client wants to know that this node lives
	watchPatience  = 10 * time.Second      // for a client to take what it is sent
	maxWait        = 5 * time.Minute
)

var errInvalidArgWait = &apiError{http.StatusBadRequest, "INVALID_ARG_WAIT"}

// watcher follows the directory for one client.
type watcher struct {
	a          *lookupdAPI
	topics     []string // only these; empty is all
	at         uint64   // revision that the client has
	fresh      bool     // the client has nothing
	publishers []byte   // as last told
}

// watch tells what changes: as server-sent events for as long as the client likes or, with wait=, one answer when there is
// something to tell. since= and Last-Event-ID resume; a token of another process, or of long ago, leads to a snapshot.
func (a *lookupdAPI) watch(w http.ResponseWriter, req *http.Request, _ httprouter.Params) {
	q, err := url.ParseQuery(req.URL.RawQuery)
	if err != nil {
		writeError(w, errInvalidRequest)
		return
	}
	token := q.Get("since")
	if last := req.Header.Get("Last-Event-Id"); last != "" {
		token = last
	}
	x := &watcher{a: a, topics: q["topic"]}
	x.resume(token)
	ctx, cancel := context.WithCancel(req.Context())
	defer cancel()
	go func() { // ends the watch when the node stops
		select {
		case <-a.Done:
			cancel()
		case <-ctx.Done():
		}
	}()
	if q.Has("wait") {
		wait, err := time.ParseDuration(q.Get("wait"))
		if err != nil || wait < 0 {
			writeError(w, errInvalidArgWait)
			return
		}
		x.poll(ctx, w, min(wait, maxWait))
		return
	}
	x.stream(ctx, w)
}

func (x *watcher) resume(token string) {
	instance, revision, _ := strings.Cut(token, "-")
	at, err := strconv.ParseUint(revision, 10, 64)
	x.at, x.fresh = at, err != nil || instance != x.a.instance
}

func (x *watcher) token() string { return x.a.instance + "-" + strconv.FormatUint(x.at, 10) }

// poll sends one answer.
func (x *watcher) poll(ctx context.Context, w http.ResponseWriter, wait time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	news := x.next()
	for news == nil && x.sleep(ctx) {
		news = x.next()
	}
	if news == nil {
		news = x.report(false, nil, nil)
	}
	w.Header()[markerHeader] = markerValue
	write(w, http.StatusOK, jsonType, news)
}

// sleep waits for a newer view than the client's. It is false when ctx ends.
func (x *watcher) sleep(ctx context.Context) bool {
	v := x.a.Directory.View()
	if v.Revision() != x.at {
		return ctx.Err() == nil
	}
	select {
	case <-v.Changed():
		return true
	case <-ctx.Done():
		return false
	}
}

// stream sends events until the client is gone.
func (x *watcher) stream(ctx context.Context, w http.ResponseWriter) {
	out := http.NewResponseController(w)
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	w.WriteHeader(http.StatusOK)
	for ctx.Err() == nil {
		kind := "change"
		if x.fresh {
			kind = "snapshot"
		}
		event := []byte(":\n\n") // a comment, which keeps the connection alive
		if news := x.next(); news != nil {
			event = bytes.Join([][]byte{[]byte("id: " + x.token()), []byte("event: " + kind), append([]byte("data: "), news...), nil, nil}, []byte("\n"))
		}
		_ = out.SetWriteDeadline(time.Now().Add(watchPatience))
		if _, err := w.Write(event); err != nil || out.Flush() != nil {
			return
		}
		x.pause(ctx)
	}
}

// pause waits a moment, so that changes come together, and then until there are some or a sign of life is due.
func (x *watcher) pause(ctx context.Context) {
	timer := time.NewTimer(watchPause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	quiet, cancel := context.WithTimeout(ctx, watchKeepalive)
	defer cancel()
	x.sleep(quiet)
}

// next returns the news for the client, nil if there are none.
func (x *watcher) next() []byte {
	if x.fresh {
		return x.snapshot()
	}
	c := x.a.Directory.Since(x.at)
	if c.All {
		return x.snapshot()
	}
	x.at = c.View.Revision()
	var publishers []byte
	if c.Nodes && !bytes.Equal(x.publishers, c.View.PublishersJSON()) {
		x.publishers = c.View.PublishersJSON()
		publishers = x.publishers
	}
	changed := c.Topics
	if len(x.topics) > 0 {
		changed = slices.DeleteFunc(changed, func(t string) bool { return !slices.Contains(x.topics, t) })
	}
	if len(changed) == 0 && publishers == nil {
		return nil
	}
	slices.Sort(changed)
	return x.report(false, entries(c.View, changed, true), publishers)
}

func (x *watcher) snapshot() []byte {
	v := x.a.Directory.View()
	x.at, x.fresh, x.publishers = v.Revision(), false, v.PublishersJSON()
	topics := x.topics
	if len(topics) == 0 {
		topics = v.Topics()
	}
	return x.report(true, entries(v, topics, false), x.publishers)
}

// entries tells how topics are now; those that went, if asked to.
func entries(v *registry.View, topics []string, gone bool) []json.RawMessage {
	list := make([]json.RawMessage, 0, len(topics))
	for _, name := range topics {
		head, _ := json.Marshal(name)
		switch t := v.Topic(name); {
		case t != nil:
			list = append(list, bytes.Join([][]byte{[]byte(`{"topic":`), head, []byte(","), t.LookupJSON()[1:]}, nil))
		case gone:
			list = append(list, bytes.Join([][]byte{[]byte(`{"topic":`), head, []byte(`,"deleted":true}`)}, nil))
		}
	}
	return list
}

// report is what both forms carry. Publishers are who can take a publish, told when that changes.
func (x *watcher) report(snapshot bool, topics []json.RawMessage, publishers json.RawMessage) []byte {
	if topics == nil {
		topics = []json.RawMessage{}
	}
	b, _ := json.Marshal(struct { // its parts are JSON already
		Token      string            `json:"token"`
		Snapshot   bool              `json:"snapshot"`
		Topics     []json.RawMessage `json:"topics"`
		Publishers json.RawMessage   `json:"publishers,omitempty"`
	}{x.token(), snapshot, topics, publishers})
	return b
}
