package cli

import (
	"flag"
	"slices"
	"strings"
	"testing"
)

func TestWordsAndFlagsMix(t *testing.T) {
	for line, want := range map[string][]string{
		"a --on b --n 3 c":    {"a", "b", "c"},
		"--n=3 a":             {"a"},
		"a -- --n b":          {"a", "--n", "b"},
		"--on":                nil,
		"-- -x":               {"-x"},
		"a --on=false -n 3 b": {"a", "b"},
	} {
		f := &Flags{FlagSet: flag.NewFlagSet("x", flag.ContinueOnError)}
		var on bool
		var n int
		f.Add(&on, "on", "")
		f.Add(&n, "n", "")
		if got, err := f.ParseWords(strings.Fields(line)); !slices.Equal(got, want) || err != nil {
			t.Errorf("%q: got %q, %v", line, got, err)
		}
	}
}
