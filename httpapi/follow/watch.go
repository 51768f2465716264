package follow

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"mime"
	"net/http"
	"net/url"
	"time"
)

const (
	firstPatience = 3 * time.Second  // for a lookup to say anything
	lifePatience  = 12 * time.Second // between two signs of life of a lookup
	pollWait      = 20 * time.Second
	minPause      = 50 * time.Millisecond // before the next lookup is asked; doubled until one answers
	maxPause      = 5 * time.Second
)

var (
	errSilent   = errors.New("the lookup is silent")
	errNoEvents = errors.New("no events come through")
)

// watcher hears what changes from one lookup at a time. Only run uses it.
type watcher struct {
	lookups []*lookup
	topic   string // the only one of interest; empty is none, for who takes publishes is always told
	told    func(*report)
	client  *http.Client
	log     *slog.Logger
	token   string // of the last report. A lookup that does not know it tells everything
}

type lookup struct {
	url    *url.URL
	poll   bool // events do not come through
	failed bool // which was logged
}

func (w *watcher) run(ctx context.Context) {
	pause := minPause
	for n := rand.IntN(len(w.lookups)); ctx.Err() == nil; n++ {
		l := w.lookups[n%len(w.lookups)]
		heard, err := w.visit(ctx, l)
		if ctx.Err() != nil {
			return
		}
		if heard {
			pause = minPause
		}
		if !l.failed {
			w.log.Warn("lookup lost", "lookup", l.url.Host, "error", err)
		}
		l.failed = true
		rest(ctx, pause/2+rand.N(pause/2))
		pause = min(2*pause, maxPause)
	}
}

// visit watches one lookup until that fails.
func (w *watcher) visit(ctx context.Context, l *lookup) (heard bool, err error) {
	if l.poll {
		return w.poll(ctx, l)
	}
	heard, err = w.stream(ctx, l)
	l.poll = !heard && (errors.Is(err, errSilent) || errors.Is(err, errNoEvents))
	return heard, err
}

// stream follows events.
func (w *watcher) stream(ctx context.Context, l *lookup) (heard bool, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	patience := time.AfterFunc(firstPatience, func() { cancel(errSilent) })
	defer patience.Stop()
	resp, err := w.get(ctx, l, "text/event-stream", url.Values{})
	if err != nil {
		return false, err
	}
	defer func() { _ = resp.Body.Close() }()
	if kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")); kind != "text/event-stream" {
		return false, errNoEvents
	}
	err = readEvents(resp.Body, func(data string) error {
		patience.Reset(lifePatience)
		if data != "" {
			if err := w.take([]byte(data)); err != nil {
				return err
			}
		}
		if !heard {
			heard = true
			w.greet(l)
		}
		return nil
	})
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	return heard, err
}

// poll asks again and again.
func (w *watcher) poll(ctx context.Context, l *lookup) (heard bool, err error) {
	for ctx.Err() == nil {
		if err = w.ask(ctx, l); err != nil {
			l.poll = heard // else events get another chance
			return heard, err
		}
		if !heard {
			heard = true
			w.greet(l)
		}
		rest(ctx, minPause)
	}
	return heard, ctx.Err()
}

func (w *watcher) ask(ctx context.Context, l *lookup) error {
	ctx, cancel := context.WithTimeoutCause(ctx, pollWait+firstPatience, errSilent)
	defer cancel()
	resp, err := w.get(ctx, l, "application/json", url.Values{"wait": {pollWait.String()}})
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxEvent))
	if err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	return w.take(text)
}

func (w *watcher) get(ctx context.Context, l *lookup, accept string, query url.Values) (*http.Response, error) {
	query.Set("topic", w.topic)
	if w.token != "" {
		query.Set("since", w.token)
	}
	u := *l.url
	u.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	req.Header.Set("Accept", accept)
	resp, err := w.client.Do(req)
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		return nil, fmt.Errorf("watch: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		_ = resp.Body.Close()
		return nil, fmt.Errorf("watch: status %s", resp.Status)
	}
	return resp, nil
}

func (w *watcher) take(text []byte) error {
	r, err := parseReport(text)
	if err != nil {
		return err
	}
	w.token = r.Token
	w.told(r)
	return nil
}

func (w *watcher) greet(l *lookup) {
	l.failed = false
	w.log.Info("watching", "lookup", l.url.Host)
}

// rest is a sleep that ends with ctx.
func rest(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
