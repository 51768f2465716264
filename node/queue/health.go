package queue

import "sync/atomic"

// health remembers the last disk error until a write succeeds, whichever queue either belongs to. That is the rule
// of a stock nsqd, so /ping turns OK again with the first message that reaches the disk.
type health struct {
	failure atomic.Pointer[error]
}

func (h *health) failed(err error) { h.failure.Store(&err) }

// wrote is called after every write, so it stores only what changes something.
func (h *health) wrote() {
	if h.failure.Load() != nil {
		h.failure.Store(nil)
	}
}

func (h *health) err() error {
	if p := h.failure.Load(); p != nil {
		return *p
	}
	return nil
}
