package main

import (
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nsqmesh/nsqmesh/node/seeded"
)

// program builds the nodes that are tortured, as they ship but for the tags.
func program(t *testing.T, tags string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "nsqmesh")
	if out, err := exec.Command("go", "build", "-tags="+tags, "-o", path, "../nsqmesh").CombinedOutput(); err != nil {
		t.Fatalf("build the nodes: %v\n%s", err, out)
	}
	return path
}

func torturing(t *testing.T, cfg config) *verdict {
	t.Helper()
	cfg.nodes, cfg.rate, cfg.quiet, cfg.dir = 3, 500, true, t.TempDir()
	if cfg.equal == 0 {
		cfg.equal = 30 * time.Second
	}
	v, err := run(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	var table strings.Builder
	v.print(&table)
	t.Log(&table)
	return v
}

func TestNodesKeepWhatTheyPromise(t *testing.T) {
	bin := program(t, "")
	for setting, faults := range map[string][]string{
		"memory": {"kill", "pause", "restart", "garbage", "slow"},
		"disk":   {"kill", "restart"},
	} {
		t.Run(setting, func(t *testing.T) {
			t.Parallel()
			if v := torturing(t, config{bin: bin, setting: setting, faults: faults, seed: 3, load: 6 * time.Second}); !v.good() {
				t.Error(v.wrong[0])
			}
		})
	}
}

// A suite that notices nothing is worth nothing: nodes that break a promise on purpose must be found out.
func TestNodesThatBreakPromisesAreFoundOut(t *testing.T) {
	bin := program(t, "seeded")
	for fault, sign := range map[seeded.Fault]string{
		seeded.AckBeforeAppend: "messages lost",
		seeded.ForgetFinish:    "after it was finished",
		seeded.DropDeferred:    "messages lost",
		seeded.LoseDelta:       "do not tell the same",
		seeded.SkipFlush:       "messages lost",
	} {
		t.Run(string(fault), func(t *testing.T) {
			t.Parallel()
			cfg := config{bin: bin, setting: "memory", seed: 3, load: 4 * time.Second, env: []string{seeded.Variable + "=" + string(fault)}}
			if fault == seeded.LoseDelta {
				cfg.equal = 3 * time.Second
			}
			if sign == "messages lost" {
				cfg.faults = []string{"restart"}
			}
			v := torturing(t, cfg)
			if !strings.Contains(strings.Join(v.wrong, "\n"), sign) {
				t.Errorf("no sign of it: %v", v.wrong)
			}
		})
	}
}

func TestFlags(t *testing.T) {
	for _, bad := range [][]string{{"-faults=nothing"}, {"-setting=x"}, {"-nodes=1"}, {"-seconds=0"}, {"-rate=0"}, {"-x"}} {
		if _, err := parse(bad); err == nil {
			t.Errorf("%v was taken", bad)
		}
	}
	a, err := parse([]string{"-faults=kill,pause", "-seed=5"})
	if err != nil || len(a.faults) != 2 || a.seed != 5 {
		t.Errorf("%+v, %v", a, err)
	}
	(&verdict{run: &torture{cfg: &a, ledger: newLedger(1)}}).print(io.Discard)
}
