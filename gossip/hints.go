package gossip

import (
	"bytes"
	"context"
	"sync"
	"time"
)

const (
	hintDelay = 100 * time.Millisecond // hints come in bursts: one pull for all of them
	maxHints  = 64                     // beyond that a sync of everything is cheaper
)

// hints are what chunks said to be missing and which nobody has pulled yet.
type hints struct {
	mu    sync.Mutex
	wants [][]byte
	from  string // the latest sender
	many  bool
	wake  chan struct{}
}

func newHints() *hints { return &hints{wake: make(chan struct{}, 1)} }

func (h *hints) add(from string, want []byte) {
	h.mu.Lock()
	h.from = from
	switch {
	case len(h.wants) >= maxHints:
		h.many = true
	case !h.has(want):
		h.wants = append(h.wants, bytes.Clone(want))
	}
	h.mu.Unlock()
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

func (h *hints) has(want []byte) bool {
	for _, w := range h.wants {
		if bytes.Equal(w, want) {
			return true
		}
	}
	return false
}

func (h *hints) take() (from string, wants [][]byte, many bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	from, wants, many = h.from, h.wants, h.many
	h.wants, h.many = nil, false
	return from, wants, many
}

// hintLoop pulls what was hinted at, a burst at a time.
func (m *Mesh) hintLoop(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-m.hints.wake:
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(jitter(hintDelay)):
		}
		m.followHints(ctx)
	}
}

// followHints asks the latest sender, who has most probably what it spoke of, or anybody if it is not linked.
func (m *Mesh) followHints(ctx context.Context) {
	from, wants, many := m.hints.take()
	if len(wants) == 0 {
		return
	}
	l := m.links.get(from)
	if l == nil {
		l = m.randomLink()
	}
	if l == nil {
		return
	}
	if many || m.pull(ctx, l, wants) != nil {
		m.syncer.soon(l.peer.id, nil)
	}
}
