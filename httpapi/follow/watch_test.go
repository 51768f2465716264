package follow

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// stage is a network of lookups inside a bubble. Each host answers as its act says.
type stage struct {
	acts map[string]func(req *http.Request) (*http.Response, error)

	mu    sync.Mutex
	asked []string
}

func (s *stage) RoundTrip(req *http.Request) (*http.Response, error) {
	s.mu.Lock()
	s.asked = append(s.asked, req.URL.Host+"?"+req.URL.RawQuery)
	act := s.acts[req.URL.Host]
	s.mu.Unlock()
	return act(req)
}

func (s *stage) requests() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.asked, " ")
}

func answer(kind string, body io.ReadCloser) *http.Response {
	return &http.Response{StatusCode: http.StatusOK, Status: "200 OK", Header: http.Header{"Content-Type": {kind}}, Body: body}
}

// events is a stream that lasts as long as the request; more of it comes from the test.
func events(more <-chan string) func(*http.Request) (*http.Response, error) {
	return func(req *http.Request) (*http.Response, error) {
		if req.URL.Query().Has("wait") {
			return refuse(req)
		}
		r, w := io.Pipe()
		go func() {
			defer w.Close()
			for {
				select {
				case text, ok := <-more:
					if !ok {
						return
					}
					_, _ = io.WriteString(w, text)
				case <-req.Context().Done():
					_ = w.CloseWithError(req.Context().Err())
					return
				}
			}
		}()
		return answer("text/event-stream; charset=utf-8", r), nil
	}
}

func refuse(*http.Request) (*http.Response, error) { return nil, errors.New("connection refused") }

func hang(req *http.Request) (*http.Response, error) {
	<-req.Context().Done()
	return nil, req.Context().Err()
}

func event(token string) string {
	return "event: change\ndata: {\"token\":\"" + token + "\",\"topics\":[]}\n\n"
}

// watching runs a watcher; it returns what was told.
func (s *stage) watching(t *testing.T, hosts ...string) <-chan string {
	told := make(chan string, 100)
	w := &watcher{
		topic: "t", client: &http.Client{Transport: s}, log: slog.New(slog.DiscardHandler),
		told: func(r *report) { told <- r.Token },
	}
	for _, host := range hosts {
		w.lookups = append(w.lookups, &lookup{url: &url.URL{Scheme: "http", Host: host, Path: "/watch"}})
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		w.run(ctx)
		close(done)
	}()
	t.Cleanup(func() {
		stop()
		<-done
	})
	return told
}

func expect(t *testing.T, told <-chan string, token string, within time.Duration) {
	t.Helper()
	begin := time.Now()
	select {
	case got := <-told:
		if got != token {
			t.Errorf("told %s, want %s", got, token)
		}
		if took := time.Since(begin); took > within {
			t.Errorf("%s took %v", token, took)
		}
	case <-time.After(10 * time.Minute):
		t.Fatalf("%s never came", token)
	}
}

func TestAWatchGoesOnWithAnotherLookup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second := make(chan string, 9), make(chan string, 9)
		s := &stage{acts: map[string]func(*http.Request) (*http.Response, error){"dead": refuse, "a": events(first), "b": hang}}
		told := s.watching(t, "dead", "a", "b")
		first <- event("a-1")
		expect(t, told, "a-1", 5*time.Second)
		first <- event("a-2")
		expect(t, told, "a-2", 0)

		s.mu.Lock()
		s.acts["b"] = events(second)
		s.mu.Unlock()
		close(first)
		second <- event("b-1")
		expect(t, told, "b-1", time.Second)
		if all := s.requests(); !strings.Contains(all, "b?since=a-2&topic=t") {
			t.Errorf("the token is not passed on: %s", all)
		}
	})
}

func TestASilentLookupIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := make(chan string, 9), make(chan string, 9)
		s := &stage{acts: map[string]func(*http.Request) (*http.Response, error){"a": events(a), "b": refuse}}
		told := s.watching(t, "a", "b")
		a <- event("a-1")
		expect(t, told, "a-1", time.Second)
		for range 30 {
			time.Sleep(5 * time.Second)
			a <- ":\n\n"
		}
		s.mu.Lock()
		s.acts["b"] = events(b)
		s.mu.Unlock()
		b <- event("b-1")
		expect(t, told, "b-1", lifePatience+time.Second)
	})
}

func TestWhereNoEventsComeThroughItIsPolled(t *testing.T) {
	plain := func(req *http.Request) (*http.Response, error) {
		return answer("application/json", io.NopCloser(strings.NewReader(`{"token":"p-1"}`))), nil
	}
	for name, c := range map[string]struct {
		stream func(*http.Request) (*http.Response, error)
		after  time.Duration
	}{
		"a proxy that keeps everything until the end": {hang, firstPatience + time.Second},
		"a proxy that sends headers alone":            {events(nil), firstPatience + time.Second},
		"something else than a stream":                {plain, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				polls := 0
				s := &stage{}
				s.acts = map[string]func(*http.Request) (*http.Response, error){"a": func(req *http.Request) (*http.Response, error) {
					if !req.URL.Query().Has("wait") {
						return c.stream(req)
					}
					if polls++; polls > 1 {
						time.Sleep(10 * time.Second)
					}
					return plain(req)
				}}
				told := s.watching(t, "a")
				expect(t, told, "p-1", c.after)
				expect(t, told, "p-1", 11*time.Second)
				if all := s.requests(); !strings.Contains(all, "a?since=p-1&topic=t&wait=20s") {
					t.Errorf("asked %s", all)
				}
			})
		})
	}
}

func TestAfterAPollThatFailsEventsGetAnotherChance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		more := make(chan string, 1)
		more <- event("e-1")
		begin := time.Now()
		s := &stage{acts: map[string]func(*http.Request) (*http.Response, error){"a": func(req *http.Request) (*http.Response, error) {
			switch {
			case time.Since(begin) < time.Minute:
				return hang(req)
			}
			return events(more)(req)
		}}}
		expect(t, s.watching(t, "a"), "e-1", 2*time.Minute)
	})
}

// With nobody there it must neither give up nor ask all the time.
func TestAWatchIsTriedForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		notFound := func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 404, Status: "404 Not Found", Body: io.NopCloser(strings.NewReader("{}"))}, nil
		}
		garbage := func(*http.Request) (*http.Response, error) {
			return answer("text/event-stream", io.NopCloser(strings.NewReader("data: what?\n\n"))), nil
		}
		s := &stage{acts: map[string]func(*http.Request) (*http.Response, error){"a": refuse, "b": notFound, "c": refuse}}
		told := s.watching(t, "a", "b", "c")
		time.Sleep(time.Hour)
		if n := len(strings.Fields(s.requests())); n < 700 || n > 1500 {
			t.Errorf("asked %d times in an hour", n)
		}
		more := make(chan string, 1)
		more <- event("a-1")
		s.mu.Lock()
		s.acts["a"], s.acts["c"] = events(more), garbage
		s.mu.Unlock()
		expect(t, told, "a-1", 20*time.Second)
	})
}
