package admin

import (
	"context"
	"errors"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// pastAnswer is what a node tells of its past. Values are -1 where it knows none.
type pastAnswer struct {
	StepMs    int64     `json:"step_ms"`
	AgeMs     int64     `json:"age_ms"`
	Quantiles []float64 `json:"quantiles"`
	Series    []struct {
		Depth    []int64   `json:"depth"`
		InFlight []int64   `json:"in_flight"`
		In       []int64   `json:"in"`
		Out      []int64   `json:"out"`
		Requeues []int64   `json:"requeues"`
		Timeouts []int64   `json:"timeouts"`
		Latency  [][]int64 `json:"latency"`
	} `json:"series"`
}

var errNoHistory = errors.New("keeps no history, for its admin pages are off")

// History tells how things were, each on one node or on all together, in up to so many points; 0 is all that nodes keep. All that are on one node
// must be on the same. Nodes of stock nsqds keep no history and are not asked.
func (a *Admin) History(ctx context.Context, span Span, points int, of ...Of) (*History, error) {
	s, err := a.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	h := &History{Series: make([]Series, len(of))}
	for i := range of {
		h.Series[i] = Series{Of: of[i], Latency: []LatencySeries{}}
	}
	if len(of) == 0 {
		h.Coverage = s.coverage
		return h, nil
	}
	asked := ours(s.members)
	if name := of[0].Node; name != "" {
		m := named(s.members, name)
		if m == nil {
			return nil, errNoNode
		}
		asked = []*member{m}
	}
	began := time.Now()
	replies := askAll[pastAnswer](ctx, a, asked, pastTarget(span, points, of))
	for i := range replies {
		if refused(replies[i].err, http.StatusNotFound) {
			replies[i].err = errNoHistory
		}
		if replies[i].err == nil {
			h.add(replies[i].value)
		}
	}
	h.Coverage = coverage(began, replies)
	return h, nil
}

func pastTarget(span Span, points int, of []Of) string {
	q := url.Values{"span": {string(span)}}
	if points > 0 {
		q.Set("points", strconv.Itoa(points))
	}
	for _, o := range of {
		name := o.Topic
		if o.Channel != "" {
			name += ":" + o.Channel
		}
		q.Add("of", name)
	}
	return "/history?" + q.Encode()
}

// add joins the past of one node. Nodes look at their own time, so values of one moment are up to a step apart.
func (h *History) add(p *pastAnswer) {
	end := time.Now().Add(-time.Duration(p.AgeMs) * time.Millisecond)
	for i := range min(len(h.Series), len(p.Series)) {
		s, past := &h.Series[i], &p.Series[i]
		s.Step = time.Duration(p.StepMs) * time.Millisecond
		if s.End.Before(end) {
			s.End = end
		}
		second := max(s.Step.Seconds(), 1e-9)
		s.Depth.add(past.Depth, 1)
		s.InFlight.add(past.InFlight, 1)
		s.In.add(past.In, second)
		s.Out.add(past.Out, second)
		s.Requeues.add(past.Requeues, second)
		s.Timeouts.add(past.Timeouts, second)
		if s.Topic == "" {
			continue
		}
		for k := range min(len(p.Quantiles), len(past.Latency)) {
			s.latency(p.Quantiles[k]).raise(past.Latency[k])
		}
	}
}

// latency is the series of one quantile.
func (s *Series) latency(quantile float64) *Values {
	i := slices.IndexFunc(s.Latency, func(l LatencySeries) bool { return l.Quantile == quantile })
	if i < 0 {
		i = len(s.Latency)
		s.Latency = append(s.Latency, LatencySeries{Quantile: quantile})
	}
	return &s.Latency[i].Values
}

// grow makes room for n values; older ones than there were are not known.
func (v *Values) grow(n int) {
	if missing := n - len(*v); missing > 0 {
		*v = append(slices.Repeat(Values{math.NaN()}, missing), *v...)
	}
}

// add sums up, the last with the last.
func (v *Values) add(past []int64, by float64) {
	v.grow(len(past))
	at := (*v)[len(*v)-len(past):]
	for i, n := range past {
		switch {
		case n < 0:
		case math.IsNaN(at[i]):
			at[i] = float64(n) / by
		default:
			at[i] += float64(n) / by
		}
	}
}

// raise takes the higher, of microseconds, as nanoseconds.
func (v *Values) raise(past []int64) {
	v.grow(len(past))
	at := (*v)[len(*v)-len(past):]
	for i, n := range past {
		if ns := float64(n) * 1000; n >= 0 && !(at[i] >= ns) {
			at[i] = ns
		}
	}
}

// showHistory answers ?of=topic:channel (repeatable; a topic alone or nothing is more), ?node=, ?span=hour or day, ?points=.
func (a *Admin) showHistory(req *http.Request) (any, error) {
	q := req.URL.Query()
	span := Span(q.Get("span"))
	if span == "" {
		span = Hour
	}
	if span != Hour && span != Day {
		return nil, &apiError{http.StatusBadRequest, "INVALID_SPAN"}
	}
	points, err := positive(q.Get("points"), 0, 1000)
	if err != nil {
		return nil, &apiError{http.StatusBadRequest, "INVALID_POINTS"}
	}
	names := q["of"]
	if len(names) == 0 {
		names = []string{""}
	}
	if len(names) > mostRows {
		return nil, &apiError{http.StatusBadRequest, "INVALID_OF"}
	}
	of := make([]Of, len(names))
	for i, name := range names {
		of[i].Node = q.Get("node")
		of[i].Topic, of[i].Channel, _ = strings.Cut(name, ":")
	}
	return a.History(req.Context(), span, points, of...)
}
