package main

import (
	"flag"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

// Figures of the mesh as docs/mesh.md has them: make bench-mesh prints the table.

var (
	meshFigures = flag.Bool("mesh-figures", false, "run TestMeshFigures, which takes some minutes and wants a machine that is not busy")
	meshLarge   = flag.Int("mesh-large", 0, "also simulate a mesh of this many `nodes`, which takes minutes and gigabytes")
	meshChanges = flag.Int("mesh-changes", 100_000, "how many changes the figures on loss are of; a tenth in a larger mesh")
)

// figureTable is what was measured, row by row.
type figureTable struct{ rows []string }

func (f *figureTable) add(t *testing.T, what, where, aim, got string) {
	row := fmt.Sprintf("| %s | %s | %s | %s |", what, where, aim, got)
	t.Log(row)
	f.rows = append(f.rows, row)
}

func (f *figureTable) String() string {
	return "| what | where | aim | measured |\n|---|---|---|---|\n" + strings.Join(f.rows, "\n")
}

// spread is median / 99 %.
func spread(all []time.Duration) string {
	slices.Sort(all)
	at := func(share float64) time.Duration { return all[int(math.Ceil(share*float64(len(all))))-1] }
	return fmt.Sprintf("%s / %s of %d", precise(at(0.5)), precise(at(0.99)), len(all))
}

func precise(d time.Duration) string {
	switch {
	case d < 10*time.Millisecond:
		return d.Round(100 * time.Microsecond).String()
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	}
	return d.Round(10 * time.Millisecond).String()
}

func TestMeshFigures(t *testing.T) {
	if !*meshFigures {
		t.Skip("make bench-mesh runs this")
	}
	table := &figureTable{}
	t.Run("processes", func(t *testing.T) { measureProcesses(t, table) })
	for _, nodes := range []int{5, 50} {
		t.Run(fmt.Sprint("simulated ", nodes), func(t *testing.T) { measureSimulated(t, table, nodes) })
	}
	if *meshLarge > 0 {
		t.Run("large", func(t *testing.T) { measureLarge(t, table, *meshLarge) })
	}
	fmt.Printf("\n%s\n\n", table)
}
