package admin

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"
)

// reply is what one member answered.
type reply[T any] struct {
	member *member
	value  *T
	err    error
}

// askAll asks members the same at the same time. Replies stand in the order of the members.
func askAll[T any](ctx context.Context, a *Admin, members []*member, target string) []reply[T] {
	replies := make([]reply[T], len(members))
	var asked sync.WaitGroup
	for i, m := range members {
		asked.Go(func() {
			value, err := fetch[T](ctx, a.fleet, m, a.nsqd(m), target)
			replies[i] = reply[T]{m, value, err}
		})
	}
	asked.Wait()
	return replies
}

// coverage tells who did not answer. Members that left on purpose are missed by nobody.
func coverage[T any](began time.Time, replies []reply[T]) Coverage {
	c := Coverage{At: time.Now(), TookMs: milliseconds(time.Since(began)), Missing: []Missing{}}
	for _, r := range replies {
		if r.member.Status == "left" {
			continue
		}
		c.Asked++
		if r.err != nil {
			c.Missing = append(c.Missing, Missing{r.member.Name, r.member.Address, r.err.Error()})
		}
	}
	return c
}

// and joins the coverage of one answer that was made in two steps.
func (c Coverage) and(d Coverage) Coverage {
	c.TookMs += d.TookMs
	c.Missing = slices.Clone(c.Missing)
	for _, m := range d.Missing {
		if !slices.ContainsFunc(c.Missing, func(n Missing) bool { return n.Node == m.Node }) {
			c.Missing = append(c.Missing, m)
		}
	}
	slices.SortFunc(c.Missing, func(a, b Missing) int { return strings.Compare(a.Node, b.Node) })
	return c
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
