package chart

import (
	"fmt"
	"html/template"
	"math"
	"slices"
	"strings"
	"time"
)

// graphPoints is how many values a large graph shows.
const graphPoints = 180

// Series is one line of a graph, oldest value first; NaN stands for what is not known.
type Series struct {
	Name   string
	Values []float64
}

// Graph is a large graph. All series end now and are equally long.
type Graph struct {
	Title  string
	Unit   Unit
	Step   time.Duration // between two values
	Series []Series
}

// HTML draws the graph. The lines are stretched to whatever room the page gives; text is not. Without a script a column of
// the graph tells its values when it is pointed at, and a table tells them to those who cannot point.
func (g Graph) HTML() template.HTML {
	g.begin()
	g.fold()
	n := g.len()
	var b strings.Builder
	fmt.Fprintf(&b, `<figure class="graph"><figcaption><span class="what">%s</span>`, template.HTMLEscapeString(g.Title))
	g.legend(&b)
	b.WriteString(`</figcaption>`)
	if n == 0 {
		b.WriteString(`<p class="empty">Nothing is known yet. The first values appear some seconds after a node has started.</p></figure>`)
		return template.HTML(b.String())
	}
	most := math.NaN()
	for _, s := range g.Series {
		if h := highest(s.Values); math.IsNaN(most) || h > most {
			most = h
		}
	}
	limit := top(most, g.Unit)
	b.WriteString(`<div class="plot">`)
	g.valueAxis(&b, limit)
	g.lines(&b, limit)
	g.readouts(&b, n)
	b.WriteString(`</div>`)
	g.timeAxis(&b, n)
	g.table(&b, n)
	b.WriteString(`</figure>`)
	return template.HTML(b.String())
}

// leastPoints are shown however little is known.
const leastPoints = 30

// begin leaves out the time before anything was known, so that a young node's graph is not all empty.
func (g *Graph) begin() {
	unknown := g.len()
	for _, s := range g.Series {
		first := slices.IndexFunc(s.Values, func(v float64) bool { return !math.IsNaN(v) })
		if first >= 0 {
			unknown = min(unknown, g.len()-len(s.Values)+first)
		}
	}
	keep := max(leastPoints, g.len()-unknown)
	series := make([]Series, len(g.Series))
	for i, s := range g.Series {
		series[i] = Series{s.Name, s.Values[max(0, len(s.Values)-keep):]}
	}
	g.Series = series
}

func (g *Graph) fold() {
	series := make([]Series, len(g.Series))
	for i, s := range g.Series {
		if len(s.Values) > graphPoints {
			each := (len(s.Values) + graphPoints - 1) / graphPoints
			if i == 0 {
				g.Step *= time.Duration(each)
			}
		}
		series[i] = Series{s.Name, Fold(s.Values, graphPoints)}
	}
	g.Series = series
}

func (g *Graph) len() (n int) {
	for _, s := range g.Series {
		n = max(n, len(s.Values))
	}
	return n
}

func (g *Graph) legend(b *strings.Builder) {
	b.WriteString(`<span class="legend">`)
	for i, s := range g.Series {
		fmt.Fprintf(b, `<span class="key"><i class="s%d"></i>%s <b>%s</b></span>`, i+1,
			template.HTMLEscapeString(s.Name), g.Unit.Text(latest(s.Values)))
	}
	b.WriteString(`</span>`)
}

func (g *Graph) valueAxis(b *strings.Builder, limit float64) {
	b.WriteString(`<ol class="values" aria-hidden="true">`)
	for i := steps; i >= 0; i-- {
		fmt.Fprintf(b, "<li>%s</li>", g.Unit.Short(limit*float64(i)/steps))
	}
	b.WriteString(`</ol>`)
}

func (g *Graph) lines(b *strings.Builder, limit float64) {
	area := box{width: 720, height: 160, top: limit}
	fmt.Fprintf(b, `<svg viewBox="0 0 720 160" preserveAspectRatio="none" role="img" aria-label="%s">`, template.HTMLEscapeString(g.summary()))
	for i := range steps + 1 {
		y := short(area.height * float64(i) / steps)
		fmt.Fprintf(b, `<path class="grid" d="M0 %sH720"/>`, y)
	}
	for i, s := range g.Series {
		if i == 0 {
			fmt.Fprintf(b, `<path class="area s%d" d="%s"/>`, i+1, area.area(s.Values))
		}
		fmt.Fprintf(b, `<path class="line s%d" d="%s"/>`, i+1, area.line(s.Values))
	}
	b.WriteString(`</svg>`)
}

func (g *Graph) summary() string {
	parts := make([]string, 0, len(g.Series))
	for _, s := range g.Series {
		parts = append(parts, fmt.Sprintf("%s now %s, at the most %s", s.Name, g.Unit.Text(latest(s.Values)), g.Unit.Text(highest(s.Values))))
	}
	return g.Title + ": " + strings.Join(parts, "; ")
}

// readouts lie over the lines, one column a value; the style sheet shows the one that is pointed at.
func (g *Graph) readouts(b *strings.Builder, n int) {
	b.WriteString(`<ol class="readouts" aria-hidden="true">`)
	for i := range n {
		b.WriteString(`<li><p><span>`)
		b.WriteString(g.ago(i, n))
		b.WriteString(`</span>`)
		for j := range g.Series {
			fmt.Fprintf(b, ` <b class="s%d">%s</b>`, j+1, g.Unit.Text(g.at(j, i, n)))
		}
		b.WriteString(`</p></li>`)
	}
	b.WriteString(`</ol>`)
}

// at is the i-th of n values; a series that began later has none for the time before.
func (g *Graph) at(series, i, n int) float64 {
	values := g.Series[series].Values
	if i -= n - len(values); i < 0 {
		return math.NaN()
	}
	return values[i]
}

func (g *Graph) ago(i, n int) string {
	return ago(time.Duration(n-1-i) * g.Step)
}

func ago(d time.Duration) string {
	switch {
	case d == 0:
		return "now"
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s ago", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min ago", int(d.Minutes()))
	}
	return fmt.Sprintf("%s h ago", trim(d.Hours(), 1))
}

func (g *Graph) timeAxis(b *strings.Builder, n int) {
	b.WriteString(`<ol class="times" aria-hidden="true">`)
	whole := time.Duration(n) * g.Step
	for i := range steps + 1 {
		fmt.Fprintf(b, "<li>%s</li>", ago((whole * time.Duration(steps-i) / steps).Round(time.Second)))
	}
	b.WriteString(`</ol>`)
}

// tableRows is how many of the values stand in the table.
const tableRows = 12

func (g *Graph) table(b *strings.Builder, n int) {
	fmt.Fprintf(b, `<details><summary>As a table</summary><table><caption class="unseen">%s</caption><thead><tr><th scope="col">When</th>`,
		template.HTMLEscapeString(g.Title))
	for _, s := range g.Series {
		fmt.Fprintf(b, `<th scope="col" class="num">%s</th>`, template.HTMLEscapeString(s.Name))
	}
	b.WriteString(`</tr></thead><tbody>`)
	each := max(1, (n+tableRows-1)/tableRows)
	for i := n - 1; i >= 0; i -= each {
		fmt.Fprintf(b, `<tr><th scope="row">%s</th>`, g.ago(i, n))
		for j := range g.Series {
			fmt.Fprintf(b, `<td class="num">%s</td>`, g.Unit.Text(g.at(j, i, n)))
		}
		b.WriteString(`</tr>`)
	}
	b.WriteString(`</tbody></table></details>`)
}
