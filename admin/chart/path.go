package chart

import (
	"math"
	"strconv"
	"strings"
)

// box is where a line is drawn: the first value stands at the left edge, the last at the right one.
type box struct{ width, height, top float64 }

func (b box) x(i, n int) float64 {
	if n < 2 {
		return b.width
	}
	return b.width * float64(i) / float64(n-1)
}

func (b box) y(v float64) float64 { return b.height - b.height*v/b.top }

// line and area are paths; where a value is not known they have a gap.
func (b box) line(values []float64) string {
	var p pen
	for _, run := range runs(values) {
		p.run(b, values, run)
	}
	return p.String()
}

func (b box) area(values []float64) string {
	var p pen
	for _, run := range runs(values) {
		p.run(b, values, run)
		p.to('L', b.x(run.last, len(values)), b.height)
		p.to('L', b.x(run.first, len(values)), b.height)
		p.WriteByte('Z')
	}
	return p.String()
}

type span struct{ first, last int }

// runs are the stretches in which every value is known.
func runs(values []float64) (all []span) {
	first := -1
	for i, v := range values {
		switch known := !math.IsNaN(v); {
		case known && first < 0:
			first = i
		case !known && first >= 0:
			all = append(all, span{first, i - 1})
			first = -1
		}
	}
	if first >= 0 {
		all = append(all, span{first, len(values) - 1})
	}
	return all
}

type pen struct{ strings.Builder }

// run draws one stretch. Points within a level stretch say nothing new and are left out.
func (p *pen) run(b box, values []float64, r span) {
	for i := r.first; i <= r.last; i++ {
		if i > r.first && i < r.last && values[i] == values[i-1] && values[i] == values[i+1] {
			continue
		}
		verb := byte('L')
		if i == r.first {
			verb = 'M'
		}
		p.to(verb, b.x(i, len(values)), b.y(values[i]))
	}
	if r.first == r.last { // a single value would not be seen
		p.to('L', b.x(r.first, len(values))-1, b.y(values[r.first]))
	}
}

func (p *pen) to(verb byte, x, y float64) {
	p.WriteByte(verb)
	p.WriteString(short(x))
	p.WriteByte(' ')
	p.WriteString(short(y))
}

func short(v float64) string {
	return strconv.FormatFloat(math.Round(v*10)/10, 'f', -1, 64)
}
