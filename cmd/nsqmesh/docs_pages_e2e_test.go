package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// testedPages are those whose commands are run one after another, and how many commands there are at least.
var testedPages = map[string]int{
	"README.md":                  3,
	"docs/concepts.md":           8,
	"docs/metrics.md":            4,
	"docs/migration.md":          4,
	"docs/operations.md":         6,
	"docs/protocol-additions.md": 6,
}

// Every command that a page shows for a shell works, in the order of the page, on a mesh of three whose ports are those of make
// cluster.
func TestCommandsInPages(t *testing.T) {
	for _, tool := range []string{"curl", "jq", "make"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip("examples need " + tool)
		}
	}
	shell := newPageShell(t)
	for page, least := range testedPages {
		t.Run(page, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join("..", "..", page))
			if err != nil {
				t.Fatal(err)
			}
			commands := shellLines(string(text))
			if len(commands) < least {
				t.Fatalf("%d commands", len(commands))
			}
			shell.runAll(t, commands)
		})
	}
}

// pageShell is where the commands of a page are run.
type pageShell struct {
	dir, path string
	places    *strings.Replacer
	nodes     []*process
}

func newPageShell(t *testing.T) *pageShell {
	s := &pageShell{dir: t.TempDir(), path: commandFolder(t) + ":" + os.Getenv("PATH")}
	var places []string
	for n := 1; n <= 3; n++ {
		flags := []string{fmt.Sprint("--node-name=node", n)}
		if n > 1 {
			flags = append(flags, "--gossip-seed="+s.nodes[0].addr.Gossip)
		}
		node := startNode(t, t.TempDir(), flags...)
		s.nodes = append(s.nodes, node)
		digit := []string{"", "1", "2", "3"}[n]
		places = append(places, "127.0.0.1:4"+digit+"51", node.addr.HTTP, "127.0.0.1:4"+digit+"50", node.addr.TCP,
			"127.0.0.1:4"+digit+"61", node.addr.LookupHTTP, "127.0.0.1:4"+digit+"71", node.addr.AdminHTTP)
	}
	s.places = strings.NewReplacer(places...)
	waitFor(t, "three nodes that agree", func() bool {
		status, _, _ := useTool(t, s.nodes[2], "", "mesh", "--check", "--expect=3")
		return status == 0
	})
	return s
}

// runAll runs commands until one fails: the later ones may need what it did.
func (s *pageShell) runAll(t *testing.T, commands []string) {
	for _, line := range commands {
		if strings.HasPrefix(line, "make ") {
			s.run(t, line, "make -C "+s.root(t)+" -n "+strings.TrimPrefix(line, "make "))
		} else {
			s.run(t, line, s.places.Replace(strings.ReplaceAll(line, "curl ", "curl -sSf ")))
		}
		if t.Failed() {
			return
		}
	}
}

func (s *pageShell) root(t *testing.T) string {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// run gives what has no end of its own, or takes long on a busy machine, some time.
func (s *pageShell) run(t *testing.T, line, command string) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if strings.HasPrefix(command, "nsqmesh health") {
		command += " --nsqd-http-address=" + s.nodes[0].addr.HTTP
	}
	cmd := exec.CommandContext(ctx, "bash", "-e", "-o", "pipefail", "-c", command)
	cmd.Dir = s.dir
	cmd.Env = []string{"PATH=" + s.path, "HOME=" + s.dir, toolVariable + "=1", "NSQMESH_LOOKUPD=" + s.nodes[0].addr.LookupHTTP}
	cmd.WaitDelay = time.Second
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%s\nran as %s\n%v: %s", line, command, err, out)
	}
}
