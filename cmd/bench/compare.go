package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/nsqmesh/nsqmesh/cmd/cli"
)

// compareTool is bench without a scenario.
type compareTool struct {
	compare bool
	output  cli.OutputForm
}

func newCompareTool() *compareTool { return &compareTool{output: cli.NewOutputForm()} }

func (t *compareTool) Flags(f *cli.Flags) {
	f.Add(&t.compare, "compare", "print the ratios of the figures in two files of --output=json, the second to the first")
	t.output.Add(f)
}

func (t *compareTool) Run(_ context.Context, words []string, std cli.Stdio) error {
	if !t.compare {
		return noScenario(words)
	}
	if len(words) != 2 {
		return cli.WrongUsage("--compare takes two files, not %d", len(words))
	}
	a, err := readResults(words[0])
	if err != nil {
		return err
	}
	b, err := readResults(words[1])
	if err != nil {
		return err
	}
	all := compareResults(a, b)
	if len(all) == 0 {
		return fmt.Errorf("%s and %s have no scenario in common", words[0], words[1])
	}
	if t.output.Json() {
		return cli.PrintJSON(std.Out, all)
	}
	for _, c := range all {
		c.print(std)
	}
	return nil
}

// rounds are the results of one scenario with the same settings.
type rounds []*benchResult

// readResults reads the results of a file, in the order in which scenarios come in it.
func readResults(path string) (all []rounds, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	for d := json.NewDecoder(f); ; {
		r := newBenchResult("")
		switch err := d.Decode(r); {
		case errors.Is(err, io.EOF) && len(all) > 0:
			return all, nil
		case errors.Is(err, io.EOF):
			return nil, fmt.Errorf("read %s: it is empty", path)
		case err != nil || r.Scenario == "" || len(r.Figures) == 0:
			return nil, fmt.Errorf("read %s: not from nsqmesh bench SCENARIO --output=json", path)
		}
		if at := slices.IndexFunc(all, func(same rounds) bool { return same.kind() == r.kind() }); at >= 0 {
			all[at] = append(all[at], r)
		} else {
			all = append(all, rounds{r})
		}
	}
}

// kind is what must be the same for figures to be comparable.
func (r *benchResult) kind() string { return r.Scenario + " " + r.settingsLine() }

func (s rounds) kind() string { return s[0].kind() }

// median of the results that have the figure.
func (s rounds) median(name string) (v float64, ok bool) {
	var all []float64
	for _, r := range s {
		if v, ok := r.Figures[name]; ok {
			all = append(all, v)
		}
	}
	if len(all) == 0 {
		return 0, false
	}
	slices.Sort(all)
	return (all[(len(all)-1)/2] + all[len(all)/2]) / 2, true
}

// comparison of what two files say about one scenario.
type comparison struct {
	Scenario string           `json:"scenario"`
	Settings map[string]int   `json:"settings"`
	Rounds   [2]int           `json:"rounds"`
	Figures  []comparedFigure `json:"figures"`
}

type comparedFigure struct {
	Name  string  `json:"name"`
	A     float64 `json:"a"`
	B     float64 `json:"b"`
	Ratio float64 `json:"ratio"`
	figure
}

func compareResults(as, bs []rounds) (all []comparison) {
	for _, a := range as {
		for _, b := range bs {
			if a.kind() == b.kind() {
				all = append(all, comparison{a[0].Scenario, a[0].Settings, [2]int{len(a), len(b)}, compareFigures(a, b)})
			}
		}
	}
	return all
}

func compareFigures(a, b rounds) (all []comparedFigure) {
	for _, f := range figures {
		x, inA := a.median(f.name)
		y, inB := b.median(f.name)
		if f.compare && inA && inB && x != 0 {
			all = append(all, comparedFigure{f.name, x, y, y / x, f})
		}
	}
	return all
}

// print marks what differs by more than noise.
func (c comparison) print(std cli.Stdio) {
	p := cli.NewPaint(std.Out, std.Environ)
	about := &benchResult{Scenario: c.Scenario, Settings: c.Settings}
	fmt.Fprintf(std.Out, "%s, medians of %d and %d\n", p.Title(about.kind()), c.Rounds[0], c.Rounds[1])
	t := cli.Table{Head: []string{"figure", " A", " B", " B/A"}}
	for _, f := range c.Figures {
		mark := p.Good
		switch worse := f.Ratio > 1 == f.lower; {
		case f.Ratio > .95 && f.Ratio < 1.05:
			mark = nil
		case worse:
			mark = p.Bad
		}
		t.Add(cli.Plain(f.label), cli.Plain(readable(f.A)), cli.Plain(readable(f.B)), cli.Painted(fmt.Sprintf("%.2fx", f.Ratio), mark))
	}
	t.Print(std.Out, p)
}
