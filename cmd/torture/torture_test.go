package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nsqmesh/nsqmesh/node/seeded"
)

// built is where the nodes that ship are, those that can break promises, and this program; each is linked once.
var built = sync.OnceValue(func() (err error) {
	if programs, err = os.MkdirTemp("", "torture"); err != nil {
		return err
	}
	for _, args := range [][]string{
		{"-o", filepath.Join(programs, "nsqmesh"), "../nsqmesh"},
		{"-tags=seeded", "-o", filepath.Join(programs, "seeded"), "../nsqmesh"},
		{"-o", filepath.Join(programs, "torture"), "."},
	} {
		if out, err := exec.Command("go", append([]string{"build", "-ldflags=-s -w"}, args...)...).CombinedOutput(); err != nil {
			return fmt.Errorf("build %v: %w: %s", args, err, out)
		}
	}
	return nil
})

var programs string // the folder that they are in

func TestMain(m *testing.M) {
	status := m.Run()
	_ = os.RemoveAll(programs)
	os.Exit(status)
}

func program(t *testing.T, name string) string {
	t.Helper()
	if err := built(); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(programs, name)
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
	bin := program(t, "nsqmesh")
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

// The program itself, with what needs root and namespaces where they can be had.
func TestTheProgramWithEveryFault(t *testing.T) {
	t.Parallel()
	out, err := exec.Command(program(t, "torture"), "-bin="+program(t, "nsqmesh"), "-seconds=8", "-setting=mixed", "-rate=500", "-seed=4", "-dir="+t.TempDir()).CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Error(err)
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
