package tools

import (
	"context"
	"time"
)

// pace spaces work out evenly to so many pieces a second. Zero is no limit. One goroutine uses it.
type pace struct {
	perSecond int
	next      time.Time
}

// most is how many pieces to do at once: what a moment allows, and one at least.
func (p *pace) most(n int) int {
	if p.perSecond <= 0 {
		return n
	}
	return min(n, max(1, p.perSecond/20))
}

// wait returns when n more pieces are due, or when ctx ends.
func (p *pace) wait(ctx context.Context, n int) {
	if p.perSecond <= 0 {
		return
	}
	now := time.Now()
	if p.next.Before(now) {
		p.next = now // what was not used before is not made up for
	}
	due := p.next
	p.next = p.next.Add(time.Duration(n) * time.Second / time.Duration(p.perSecond))
	if due.After(now) {
		select {
		case <-time.After(due.Sub(now)):
		case <-ctx.Done():
		}
	}
}
