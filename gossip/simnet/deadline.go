package simnet

import (
	"sync"
	"time"
)

// deadline is a moment that can be waited for and moved. Its zero value never comes.
type deadline struct {
	mu    sync.Mutex
	at    time.Time
	timer *time.Timer
	ch    chan struct{}
}

func (d *deadline) set(at time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	if d.ch == nil || d.expired() {
		d.ch = make(chan struct{})
	}
	d.at = at
	switch in := time.Until(at); {
	case at.IsZero():
	case in <= 0:
		close(d.ch)
	default:
		ch := d.ch
		d.timer = time.AfterFunc(in, func() { d.expire(ch) })
	}
}

// expire closes the channel it was made for, if the deadline has not been moved since.
func (d *deadline) expire(ch chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ch == ch && !d.at.IsZero() && !time.Now().Before(d.at) && !d.expired() {
		close(ch)
	}
}

func (d *deadline) expired() bool {
	select {
	case <-d.ch:
		return true
	default:
		return false
	}
}

func (d *deadline) passed() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return !d.at.IsZero() && !time.Now().Before(d.at)
}

func (d *deadline) wait() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ch == nil {
		d.ch = make(chan struct{})
	}
	return d.ch
}
