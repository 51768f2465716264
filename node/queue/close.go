package queue

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/nsqmesh/nsqmesh/node/names"
)

// Close stops every topic and writes what is in memory, in flight or deferred to disk. Load may follow in another Broker.
// A broker that was not loaded writes nothing: it does not know what it would overwrite.
func (b *Broker) Close() error {
	topics, busy, first := b.shut()
	if !first || b.lock == nil {
		return nil
	}
	for _, t := range topics {
		t.stop() // so that nothing comes or goes that nsqd.dat would lack
	}
	failed := b.metadata.seal()
	failed = errors.Join(failed, closeAll(topics))
	for _, done := range busy {
		<-done
	}
	return errors.Join(failed, b.lock.Close())
}

func (b *Broker) shut() (topics []*Topic, busy []chan struct{}, first bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	first, b.closed = !b.closed, true
	return slices.Collect(maps.Values(b.topics)), slices.Collect(maps.Values(b.busy)), first
}

// closeAll closes topics. An ephemeral topic ends with the process, and so do the files that its ordinary channels may have.
func closeAll(topics []*Topic) error {
	return inParallel(len(topics), func(i int) error {
		t := topics[i]
		end := t.close
		if names.Ephemeral(t.name) {
			end = t.remove
		}
		if err := end(); err != nil {
			return fmt.Errorf("close topic %s: %w", t.name, err)
		}
		return nil
	})
}

// parallel is how many queues are closed at a time. Each waits for its own fsyncs.
const parallel = 16

// inParallel does something n times and returns what failed.
func inParallel(n int, do func(i int) error) error {
	var group sync.WaitGroup
	slots := make(chan struct{}, parallel)
	failed := make([]error, n)
	for i := range n {
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			failed[i] = do(i)
		})
	}
	group.Wait()
	return errors.Join(failed...)
}
