package admin

import (
	"context"
	"errors"
	"sync"
	"time"
)

const (
	// muteWait is how long a node is waited for that did not answer the last time: long enough for one that is back.
	muteWait = 100 * time.Millisecond
	// keepAnswers is how long answers lie around that nobody asks for again.
	keepAnswers = 10 * time.Second
)

// fleet asks nodes, each question at most once at a time, and remembers the answers for a moment.
type fleet struct {
	patience time.Duration

	mu    sync.Mutex
	asks  map[question]*ask
	mute  map[string]error // why the last question to a node had no answer, by the node's address
	swept time.Time
}

// question is what is asked of whom.
type question struct{ address, target string }

// ask is a question under way or answered. Its result is written before done is closed.
type ask struct {
	done  chan struct{}
	ended time.Time
	value any
	err   error
}

func newFleet(patience time.Duration) *fleet {
	return &fleet{patience: patience, asks: map[question]*ask{}, mute: map[string]error{}}
}

// fetch answers a question from memory, by joining who asks it already, or by asking. The answer is shared.
func fetch[T any](ctx context.Context, f *fleet, m *member, c caller, target string) (*T, error) {
	if !m.reachable() {
		return nil, downError{m.Status, time.Duration(m.StatusFor) * time.Millisecond}
	}
	if m.Address == "" && !m.Self {
		return nil, errNoAPI
	}
	k := question{m.Address, target}
	if m.Self {
		k.address = ""
	}
	asked, wait := f.join(k, func(ctx context.Context) (any, error) {
		into := new(T)
		err := c.get(ctx, target, into)
		return into, err
	})
	if err := asked.wait(ctx, wait); err != nil {
		return nil, err
	}
	if asked.err != nil {
		return nil, asked.err
	}
	return asked.value.(*T), nil
}

var errNoAPI = errors.New("has no HTTP API that others can reach")

// downError tells that gossip knows a node to be away, so that it is not asked at all.
type downError struct {
	status string
	since  time.Duration
}

func (e downError) Error() string {
	text := "is " + e.status
	if e.status == "left" {
		text = "has left the mesh"
	}
	if e.since > 0 {
		text += " since " + e.since.Round(time.Second).String()
	}
	return text
}

// join returns the question under way, or one that was answered a moment ago, or begins it; and how long to wait for it.
func (f *fleet) join(k question, get func(context.Context) (any, error)) (*ask, time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	wait := f.patience
	if f.mute[k.address] != nil {
		wait = min(wait, muteWait)
	}
	now := time.Now()
	if a := f.asks[k]; a != nil && (a.ended.IsZero() || now.Sub(a.ended) < freshness) {
		return a, wait
	}
	f.sweep(now)
	a := &ask{done: make(chan struct{})}
	f.asks[k] = a
	go f.run(k, a, get)
	return a, wait
}

// run asks for everybody who waits, so it outlives each of them.
func (f *fleet) run(k question, a *ask, get func(context.Context) (any, error)) {
	ctx, cancel := context.WithTimeout(context.Background(), f.patience)
	defer cancel()
	value, err := get(ctx)
	f.mu.Lock()
	defer f.mu.Unlock()
	a.value, a.err, a.ended = value, err, time.Now()
	close(a.done)
	if errors.Is(err, errSilent) {
		f.mute[k.address] = err
	} else {
		delete(f.mute, k.address)
	}
}

// sweep forgets what is old. f.mu is held.
func (f *fleet) sweep(now time.Time) {
	if now.Sub(f.swept) < freshness {
		return
	}
	f.swept = now
	for k, a := range f.asks {
		if !a.ended.IsZero() && now.Sub(a.ended) > keepAnswers {
			delete(f.asks, k)
		}
	}
}

// forget makes the next question a new one, after something was changed.
func (f *fleet) forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for k, a := range f.asks {
		if !a.ended.IsZero() {
			delete(f.asks, k)
		}
	}
}

func (a *ask) wait(ctx context.Context, longest time.Duration) error {
	select { // an answer that is there counts, however late it is
	case <-a.done:
		return nil
	default:
	}
	t := time.NewTimer(longest)
	defer t.Stop()
	select {
	case <-a.done:
		return nil
	case <-t.C:
		return errSilent
	case <-ctx.Done():
		return plainly(ctx.Err())
	}
}
