package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
)

// lifecycle starts the parts of a node one after another and stops them in reverse. The first part that ends by itself
// with an error ends them all.
type lifecycle struct {
	log   *slog.Logger
	stops []namedStop
	runs  sync.WaitGroup

	once   sync.Once
	failed chan struct{}
	err    error
}

type namedStop struct {
	name string
	stop func() error
}

func newLifecycle(log *slog.Logger) *lifecycle {
	return &lifecycle{log: log, failed: make(chan struct{})}
}

// onStop registers how a part is stopped, at the moment at which it is made.
func (l *lifecycle) onStop(name string, stop func() error) {
	l.stops = append(l.stops, namedStop{name, stop})
}

// serve runs a part that blocks until its own stop function ends it.
func (l *lifecycle) serve(name string, run func() error) {
	l.runs.Go(func() {
		if err := run(); err != nil {
			l.fail(fmt.Errorf("%s: %w", name, err))
		}
	})
}

// run runs a part that blocks until its context ends, which is what stops it.
func (l *lifecycle) run(name string, run func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	l.serve(name, func() error {
		defer close(done)
		if err := run(ctx); !errors.Is(err, context.Canceled) {
			return err
		}
		return nil
	})
	l.onStop(name, func() error {
		cancel()
		<-done
		return nil
	})
}

func (l *lifecycle) fail(err error) {
	l.once.Do(func() {
		l.err = err
		close(l.failed)
	})
}

// wait returns nil when ctx ends or the node has nothing left to do, or the error of the part that failed first.
func (l *lifecycle) wait(ctx context.Context, left <-chan struct{}) error {
	select {
	case <-ctx.Done():
		return nil
	case <-left:
		return nil
	case <-l.failed:
		return l.err
	}
}

// stop ends all parts, the last one first, and waits for them. An error of one does not keep the others from being stopped.
func (l *lifecycle) stop() error {
	var all []error
	for i := len(l.stops) - 1; i >= 0; i-- {
		s := l.stops[i]
		l.log.Debug("stopping", "part", s.name)
		if err := s.stop(); err != nil {
			all = append(all, fmt.Errorf("stop %s: %w", s.name, err))
		}
	}
	l.stops = nil
	l.runs.Wait()
	return errors.Join(all...)
}
