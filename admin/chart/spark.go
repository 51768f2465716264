package chart

import (
	"fmt"
	"html/template"
	"math"
)

// sparkPoints is more than a sparkline has pixels for.
const sparkPoints = 60

// Spark draws the course of a number as high as a line of text. It is nothing at all when nothing is known.
func Spark(values []float64, u Unit) template.HTML {
	values = Fold(values, sparkPoints)
	most := highest(values)
	if math.IsNaN(most) {
		return `<span class="spark"></span>`
	}
	b := box{width: 100, height: 20, top: math.Max(most, 1e-9) * 1.08}
	label := fmt.Sprintf("now %s, at the most %s", u.Text(latest(values)), u.Text(most))
	return template.HTML(fmt.Sprintf(`<svg class="spark" viewBox="0 -1 100 22" preserveAspectRatio="none" role="img" aria-label="%s">`+
		`<title>%s</title><path class="area" d="%s"/><path class="line" d="%s"/></svg>`,
		template.HTMLEscapeString(label), template.HTMLEscapeString(label), b.area(values), b.line(values)))
}
