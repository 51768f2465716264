package chart

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

var nan = math.NaN()

func TestTextOfValues(t *testing.T) {
	for name, c := range map[string]struct {
		unit        Unit
		value       float64
		text, short string
	}{
		"nothing":                        {Count, 0, "0", "0"},
		"a count has its digits grouped": {Count, 1234567, "1,234,567", "1.23M"},
		"a count below a thousand":       {Count, 999, "999", "999"},
		"a negative count":               {Count, -1200, "-1,200", "-1.2k"},
		"what is not known":              {Count, nan, None, None},
		"a slow rate":                    {Rate, 0.25, "0.25/s", "0.25"},
		"a rate that rounds up":          {Rate, 9.96, "10/s", "9.96"},
		"a rate with a fraction":         {Rate, 12.34, "12.3/s", "12.3"},
		"a fast rate":                    {Rate, 1234.5, "1,235/s", "1.23k"},
		"a rate that is hardly there":    {Rate, 0.001, "<0.01/s", "0"},
		"bytes":                          {Bytes, 512, "512 B", "512 B"},
		"mebibytes":                      {Bytes, 83.4 * (1 << 20), "83.4 MiB", "83.4 MiB"},
		"microseconds":                   {Duration, 1500, "1.5 µs", "1.5 µs"},
		"milliseconds":                   {Duration, 14.3e6, "14.3 ms", "14.3 ms"},
		"days":                           {Duration, 3 * 86400e9, "3 d", "3 d"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := c.unit.Text(c.value); got != c.text {
				t.Errorf("in full it reads %q, want %q", got, c.text)
			}
			if got := c.unit.Short(c.value); got != c.short {
				t.Errorf("in short it reads %q, want %q", got, c.short)
			}
		})
	}
}

func TestTopOfAnAxisIsRoundAndAboveAllValues(t *testing.T) {
	for name, c := range map[string]struct {
		unit    Unit
		highest float64
		want    float64
	}{
		"nothing":                   {Count, 0, 4},
		"nothing known":             {Rate, nan, 4},
		"one message":               {Count, 1, 4},
		"thousands":                 {Count, 1390, 1600},
		"exactly round":             {Count, 4000, 4000},
		"a slow rate":               {Rate, 0.3, 0.3},
		"bytes go by powers of two": {Bytes, 3.5 * (1 << 20), 4 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			got := top(c.highest, c.unit)
			if math.Abs(got-c.want) > c.want*1e-9 {
				t.Errorf("top is %v, want %v", got, c.want)
			}
		})
	}
	for v := 0.001; v < 1e12; v *= 1.7 {
		if got := top(v, Rate); got < v*0.9999 || got > 2.1*v {
			t.Errorf("an axis to %v for %v wastes room or cuts", got, v)
		}
	}
}

func TestFoldKeepsPeaksAndTheNewestValue(t *testing.T) {
	for name, c := range map[string]struct {
		values []float64
		n      int
		want   []float64
	}{
		"few stay as they are":        {[]float64{1, 2, 3}, 5, []float64{1, 2, 3}},
		"the highest of each":         {[]float64{1, 9, 2, 3}, 2, []float64{9, 3}},
		"the oldest stands for fewer": {[]float64{7, 1, 2, 3, 4}, 2, []float64{7, 4}},
		"none":                        {nil, 3, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got := Fold(c.values, c.n)
			if !slices.Equal(got, c.want) {
				t.Errorf("folded %v to %v, want %v", c.values, got, c.want)
			}
		})
	}
}

func TestLineHasAGapWhereNothingIsKnown(t *testing.T) {
	b := box{width: 100, height: 10, top: 10}
	if got, want := b.line([]float64{0, 10, nan, 10, 10, 10}), "M0 10L20 0M60 0L100 0"; got != want {
		t.Errorf("line is %q, want %q", got, want)
	}
	if got, want := b.area([]float64{nan, 5, 5}), "M50 5L100 5L100 10L50 10Z"; got != want {
		t.Errorf("area is %q, want %q", got, want)
	}
}

func TestGraphTellsEveryValue(t *testing.T) {
	g := Graph{Title: `Rates of "a<b"`, Unit: Rate, Step: 10 * time.Second, Series: []Series{
		{Name: "in", Values: []float64{1, 2, 3.5}}, {Name: "out", Values: []float64{nan, 4}}}}
	html := string(g.HTML())
	wellFormed(t, html)
	for _, want := range []string{
		"Rates of &#34;a&lt;b&#34;", `<b class="s1">3.5/s</b> <b class="s2">4/s</b>`, "<span>10 s ago</span>",
		`<b class="s2">–</b>`, "<li>30 s ago</li>", "in now 3.5/s, at the most 3.5/s",
	} {
		if !strings.Contains(html, want) {
			t.Errorf("the graph does not have %q:\n%s", want, html)
		}
	}
	if strings.Contains(html, "style=") || strings.Contains(html, "<script") {
		t.Error("the graph has what a strict policy forbids")
	}
}

func TestGraphOfADayIsNoLargerThanThatOfAnHour(t *testing.T) {
	values := make([]float64, 8640)
	values[8639] = 77
	g := Graph{Title: "Depth", Step: 10 * time.Second, Series: []Series{{Name: "depth", Values: values}}}
	html := string(g.HTML())
	wellFormed(t, html)
	if n := strings.Count(html, "<li><p>"); n > graphPoints {
		t.Errorf("%d values are drawn, more than %d", n, graphPoints)
	}
	if !strings.Contains(html, "<span>8 min ago</span>") || !strings.Contains(html, ">77</b>") {
		t.Error("the step was not folded along with the values, or the newest value is lost")
	}
}

func TestGraphBeginsWhereSomethingIsKnown(t *testing.T) {
	values := make([]float64, 360)
	for i := range values {
		values[i] = nan
	}
	for name, c := range map[string]struct {
		known int
		want  string
	}{
		"five minutes at the least": {3, "<li>5 min ago</li>"},
		"all that is known":         {180, "<li>30 min ago</li>"},
	} {
		t.Run(name, func(t *testing.T) {
			young := slices.Clone(values)
			for i := range c.known {
				young[len(young)-1-i] = 7
			}
			g := Graph{Title: "Depth", Step: 10 * time.Second, Series: []Series{{"depth", young}, {"in flight", values}}}
			if html := string(g.HTML()); !strings.Contains(html, c.want) {
				t.Errorf("the axis does not begin with %s", c.want)
			}
			if len(young) != len(values) {
				t.Error("the values of the caller were changed")
			}
		})
	}
}

func TestNothingKnownIsSaid(t *testing.T) {
	if html := string(Graph{Title: "Depth"}.HTML()); !strings.Contains(html, "Nothing is known yet") {
		t.Errorf("an empty graph reads %s", html)
	}
	if html := string(Spark([]float64{nan, nan}, Count)); strings.Contains(html, "svg") {
		t.Errorf("a sparkline of nothing is %s", html)
	}
}

func TestSparkline(t *testing.T) {
	html := string(Spark([]float64{0, 40, 12}, Rate))
	wellFormed(t, html)
	if !strings.Contains(html, `aria-label="now 12/s, at the most 40/s"`) {
		t.Errorf("the sparkline does not say what it shows: %s", html)
	}
}

func wellFormed(t *testing.T, html string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(html))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatalf("not well formed: %v in %s", err, html)
		}
	}
}

func BenchmarkGraph(b *testing.B) {
	values := make([]float64, 360)
	for i := range values {
		values[i] = float64(i * i % 97)
	}
	g := Graph{Title: "Depth", Step: 10 * time.Second, Series: []Series{{"depth", values}, {"in flight", values}}}
	b.ReportAllocs()
	for b.Loop() {
		_ = g.HTML()
	}
}

func BenchmarkSpark(b *testing.B) {
	values := make([]float64, 360)
	for i := range values {
		values[i] = float64(i * i % 97)
	}
	b.ReportAllocs()
	for b.Loop() {
		_ = Spark(values, Count)
	}
}
