package queue

import "sync"

// Watch tells one reader which topics changed: came, went, were paused, or had a channel come, go or be paused.
// It keeps names and no events, so a slow reader costs nothing and misses nothing that still matters.
type Watch struct {
	c     chan struct{}
	leave func()

	mu    sync.Mutex
	names map[string]struct{}
}

// C receives after a change; several changes may be one receive.
func (w *Watch) C() <-chan struct{} { return w.c }

// Names returns the topics that changed since the last call.
func (w *Watch) Names() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	names := make([]string, 0, len(w.names))
	for name := range w.names {
		names = append(names, name)
	}
	clear(w.names)
	return names
}

// Close ends the watch.
func (w *Watch) Close() { w.leave() }

func (w *Watch) add(name string) {
	w.mu.Lock()
	w.names[name] = struct{}{}
	w.mu.Unlock()
	select {
	case w.c <- struct{}{}:
	default:
	}
}

// watchers are all watches of a broker.
type watchers struct {
	mu  sync.Mutex
	all map[*Watch]struct{}
}

func (ws *watchers) join() *Watch {
	w := &Watch{c: make(chan struct{}, 1), names: map[string]struct{}{}}
	w.leave = func() {
		ws.mu.Lock()
		defer ws.mu.Unlock()
		delete(ws.all, w)
	}
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if ws.all == nil {
		ws.all = map[*Watch]struct{}{}
	}
	ws.all[w] = struct{}{}
	return w
}

func (ws *watchers) add(name string) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	for w := range ws.all {
		w.add(name)
	}
}
