package main

import (
	"encoding/json"
	"flag"
	"slices"
	"strconv"
	"testing"

	"github.com/nsqmesh/nsqmesh/cmd/cli"
)

// A node's CPU per message must not grow beyond so many times that of the bare broker, both measured in turn on the same
// machine. The ratio hardly depends on the machine, and little on what else it does, since only the server's own CPU time
// counts. The limits are half as much again as what a node needs, so that noise does not fail them and a slip does.
var costLimits = []struct {
	what  string
	flags []string
	limit float64
}{
	{"MPUB of 200 messages", []string{"pub", "--seconds=60", "--count=400000"}, 1.6},
	{"consuming those", []string{"sub", "--seconds=60"}, 1.8},
	{"PUB", []string{"pub", "--batch=1", "--pipeline=64", "--seconds=60", "--count=250000"}, 1.6},
	{"consuming these", []string{"sub", "--seconds=60"}, 1.8},
	{"PUB and consuming at 20,000/s", []string{"latency", "--rate=20000", "--seconds=1.5"}, 1.6},
}

const guardRounds = 5

var guard = flag.Bool("guard", false, "run TestCostGuard, which takes a minute and wants a machine that is not too busy")

// TestCostGuard is what make bench-guard runs.
func TestCostGuard(t *testing.T) {
	if !*guard {
		t.Skip("only with -guard")
	}
	ratios, nodes, bares := make([][]float64, len(costLimits)), make([][]float64, len(costLimits)), make([][]float64, len(costLimits))
	for range guardRounds {
		var node, bare []float64
		t.Run("node", func(t *testing.T) { node = costsOfNode(t) })
		t.Run("bare broker", func(t *testing.T) { bare = costsOfBare(t) })
		if t.Failed() {
			return
		}
		for i := range costLimits {
			nodes[i], bares[i] = append(nodes[i], node[i]), append(bares[i], bare[i])
			ratios[i] = append(ratios[i], node[i]/bare[i])
		}
	}
	for i, c := range costLimits {
		ratio := middle(ratios[i])
		t.Logf("%-30s %.2f times a bare broker (limit %.1f; rounds %.2f; CPU %.2f and %.2f us)",
			c.what, ratio, c.limit, ratios[i], middle(nodes[i]), middle(bares[i]))
		if ratio > c.limit {
			t.Errorf("%s: a node needs %.2f times the CPU of a bare broker, more than %.1f", c.what, ratio, c.limit)
		}
	}
}

func middle(rounds []float64) float64 {
	slices.Sort(rounds)
	return rounds[len(rounds)/2]
}

func costsOfNode(t *testing.T) []float64 {
	node := startNode(t, t.TempDir(), "--mem-queue-size=10000000")
	return costsOf(t, node.addr.TCP, node.cmd.Process.Pid)
}

func costsOfBare(t *testing.T) []float64 {
	address, pid := startBare(t)
	return costsOf(t, address, pid)
}

// costsOf are the microseconds of CPU that a message costs the server, in the order of costLimits.
func costsOf(t *testing.T, address string, pid int) (costs []float64) {
	for _, c := range costLimits {
		f := benchFigures(t, append(c.flags, "--address="+address, "--pid="+strconv.Itoa(pid))...)
		if f["server_cpu_us_per_message"] <= 0 {
			t.Fatalf("%s cost nothing: %v", c.what, f)
		}
		costs = append(costs, f["server_cpu_us_per_message"])
	}
	return costs
}

// benchFigures runs a scenario of nsqmesh bench in this process.
func benchFigures(t *testing.T, args ...string) map[string]float64 {
	t.Helper()
	status, out, errOut := nsqmesh(append(append([]string{"bench"}, args...), "--output=json")...)
	var result struct{ Figures map[string]float64 }
	if err := json.Unmarshal([]byte(out), &result); status != cli.ExitOK || err != nil {
		t.Fatalf("bench %v: exit status %d, %v, %s", args, status, err, errOut)
	}
	return result.Figures
}
