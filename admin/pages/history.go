package pages

import (
	"cmp"
	"html/template"
	"slices"
	"sync"

	"github.com/nsqmesh/nsqmesh/admin"
	"github.com/nsqmesh/nsqmesh/admin/chart"
)

// graphs is the part of a page with large graphs.
type graphs struct {
	All       []graph
	Hour, Day string // addresses of the page with the other span
	Whole     bool   // a day is shown
}

// histories asks for the last hour of many things at once. A page is whole without: it then has no small graphs.
func (p *Pages) histories(v *visit, of []admin.Of) []admin.Series {
	if len(of) == 0 {
		return nil
	}
	return p.past(v, admin.Hour, of)
}

// graphs asks for the history of one thing and draws it large.
func (p *Pages) graphs(v *visit, of admin.Of) graphs {
	l := v.list("")
	g := graphs{Hour: l.address("span", ""), Day: l.address("span", "day"), Whole: v.asked("span") == "day"}
	span := admin.Hour
	if g.Whole {
		span = admin.Day
	}
	g.All = draw(p.past(v, span, []admin.Of{of})[0])
	return g
}

// draw makes the graphs that a series is good for. What never happened and what is not measured gets none.
func draw(s admin.Series) []graph {
	if s.Step == 0 {
		return nil // nobody keeps a history
	}
	make := func(key, title string, u chart.Unit, lines ...chart.Series) graph {
		return graph{key, chart.Graph{Title: title, Unit: u, Step: s.Step, Series: lines}.HTML()}
	}
	all := []graph{
		make("rates", "Messages a second", chart.Rate, chart.Series{Name: "in", Values: s.In}, chart.Series{Name: "out", Values: s.Out}),
		make("depth", "Waiting", chart.Count, chart.Series{Name: "depth", Values: s.Depth}, chart.Series{Name: "in flight", Values: s.InFlight}),
	}
	if happened(s.Requeues) || happened(s.Timeouts) {
		all = append(all, make("trouble", "Requeued and timed out a second", chart.Rate,
			chart.Series{Name: "requeued", Values: s.Requeues}, chart.Series{Name: "timed out", Values: s.Timeouts}))
	}
	var lines []chart.Series
	for _, l := range slices.SortedFunc(slices.Values(s.Latency), func(a, b admin.LatencySeries) int { return cmp.Compare(a.Quantile, b.Quantile) }) {
		lines = append(lines, chart.Series{Name: quantile(l.Quantile), Values: l.Values})
	}
	if len(lines) > 0 {
		all = append(all, make("latency", "From publish to finish", chart.Duration, lines...))
	}
	return all
}

func happened(values []float64) bool {
	return slices.ContainsFunc(values, func(v float64) bool { return v > 0 })
}

func sparkCount(values []float64) template.HTML { return chart.Spark(values, chart.Count) }
func sparkRate(values []float64) template.HTML  { return chart.Spark(values, chart.Rate) }

// past asks for many things, those on one node with one question and all questions at the same time. What cannot be told is empty.
func (p *Pages) past(v *visit, span admin.Span, of []admin.Of) []admin.Series {
	byNode := map[string][]int{}
	for i, one := range of {
		byNode[one.Node] = append(byNode[one.Node], i)
	}
	points := sparkPoints
	if len(of) == 1 {
		points = 0
	}
	all := make([]admin.Series, len(of))
	var questions sync.WaitGroup
	for _, at := range byNode {
		questions.Go(func() {
			asked := make([]admin.Of, len(at))
			for i, place := range at {
				asked[i] = of[place]
			}
			h, err := p.Admin.History(v.ctx(), span, points, asked...)
			if err != nil || len(h.Series) != len(at) {
				return
			}
			for i, place := range at {
				all[place] = h.Series[i]
			}
		})
	}
	questions.Wait()
	return all
}

// sparkPoints are enough for small graphs.
const sparkPoints = 60
