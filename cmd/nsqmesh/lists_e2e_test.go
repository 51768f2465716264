package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/nsqmesh/nsqmesh/cmd/cli"
	"github.com/nsqmesh/nsqmesh/cmd/cluster"
	"github.com/nsqmesh/nsqmesh/cmd/tools"
)

// The tools that look: topics, channels, nodes, mesh, stat, and what the completion of shells makes of them.
func TestToolsThatLook(t *testing.T) {
	nodes := startMesh(t, 2)
	for i, n := range nodes {
		post(t, n.nsqd("/topic/create?topic=orders"), "")
		post(t, n.nsqd("/channel/create?topic=orders&channel=billing"), "")
		post(t, n.nsqd("/mpub?topic=orders"), strings.Repeat("x\n", 3+i))
	}
	post(t, nodes[1].nsqd("/topic/create?topic=other"), "")
	post(t, nodes[1].nsqd("/channel/pause?topic=orders&channel=billing"), "")
	waitFor(t, "both topics", func() bool {
		return nodes[0].names("other", nodes[1]) && nodes[0].names("orders", nodes...)
	})
	waitFor(t, "the pause on both", func() bool { return nodes[0].topic("orders").channel("billing").Paused })

	t.Run("topics", func(t *testing.T) {
		var got struct{ Topics []tools.TopicRow }
		mustUse(t, nodes[0], "", &got, "topics")
		if len(got.Topics) != 2 || got.Topics[0].Topic != "orders" || got.Topics[0].Messages != 7 || got.Topics[0].Nodes != 2 ||
			got.Topics[0].Backlog != 7 || !slices.Equal(got.Topics[0].Channels, []string{"billing"}) || got.Topics[1].Topic != "other" {
			t.Errorf("%+v", got)
		}
		if _, out, _ := useTool(t, nodes[0], "", "topics", "--names", "o*s"); out != "orders\n" {
			t.Errorf("names: %q", out)
		}
		if _, out, _ := useTool(t, nodes[0], "", "topics", "--nsqd-http-address="+nodes[0].addr.HTTP); strings.Count(out, "\n") != 2 || !strings.Contains(out, "orders") {
			t.Errorf("of one node: %q", out)
		}
	})
	t.Run("channels", func(t *testing.T) {
		_, out, _ := useTool(t, nodes[0], "", "channels", "orders")
		if f := strings.Fields(strings.Split(out, "\n")[1]); f[0] != "billing" || f[1] != "7" || f[len(f)-1] != "paused" {
			t.Errorf("%s", out)
		}
		if strings.Contains(out, "\x1b") {
			t.Error("colours where there is no terminal")
		}
		if status, _, errOut := useTool(t, nodes[0], "", "channels", "nothing"); status != cli.ExitFault || !strings.Contains(errOut, "topic nothing is not known") {
			t.Errorf("ended with %d: %s", status, errOut)
		}
	})
	t.Run("stat", func(t *testing.T) {
		var got struct{ Rows []tools.StatRow }
		mustUse(t, nodes[0], "", &got, "stat", "--count=1", "--interval=50ms", "--topic=orders")
		if len(got.Rows) != 2 || got.Rows[1].Channel != "billing" || got.Rows[1].Depth != 7 || got.Rows[1].In != 0 {
			t.Errorf("%+v", got)
		}
		_, out, _ := useTool(t, nodes[0], "", "stat", "--count=2", "--interval=50ms", "--topic=orders", "--channel=billing")
		lines := strings.Split(out, "\n")
		want := "      0       0 |       7       7       0     0     0 |       0       0            7       0"
		if len(lines) != 5 || !strings.HasPrefix(lines[0], "------rate------+") || lines[2] != want || lines[3] != want {
			t.Errorf("%s", out)
		}
		p := startTool(t, nodes[0], "stat", "--interval=50ms")
		waitFor(t, "two tables", func() bool { return strings.Count(p.out.String(), "TOPIC") == 2 })
		p.interrupt()
		if status, _, errOut := useTool(t, nodes[0], "", "stat", "--topic=orders", "--channel=nothing"); status != cli.ExitFault || !strings.Contains(errOut, "failed to find channel(nothing)") {
			t.Errorf("ended with %d: %s", status, errOut)
		}
	})
	t.Run("completion", func(t *testing.T) { completesInBash(t, nodes[0]) })
	t.Run("nodes and mesh", func(t *testing.T) {
		var got struct{ Nodes []tools.NodeRow }
		mustUse(t, nodes[0], "", &got, "nodes")
		if len(got.Nodes) != 2 || got.Nodes[0].Health != "OK" || got.Nodes[0].HTTP == "" || got.Nodes[0].Depth+got.Nodes[1].Depth != 7 {
			t.Errorf("%+v", got)
		}
		var mesh cluster.Report
		mustUse(t, nodes[1], "", &mesh, "mesh", "--check", "--expect=2", "--wait=20s")
		if len(mesh.Members) != 2 || !mesh.Agree {
			t.Errorf("%+v", mesh)
		}
		if status, _, errOut := useTool(t, nodes[1], "", "mesh", "--check", "--expect=3", "--wait=100ms"); status != cli.ExitFault || !strings.Contains(errOut, "2 of 3 members are alive") {
			t.Errorf("ended with %d: %s", status, errOut)
		}
		nodes[1].kill()
		waitFor(t, "the death to be known", func() bool {
			status, out, _ := useTool(t, nodes[0], "", "mesh", "--check")
			return status == cli.ExitFault && strings.Contains(out, "1 alive")
		})
		if status, _, errOut := useTool(t, nodes[0], "", "topics", "--nsqd-http-address="+nodes[1].addr.HTTP); status != cli.ExitFault || !strings.Contains(errOut, "incomplete") {
			t.Errorf("ended with %d: %s", status, errOut)
		}
	})
}

// completesInBash runs the script in bash, with a command of our name in the path.
func completesInBash(t *testing.T, node *process) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("there is no bash")
	}
	script := `source <(nsqmesh completion bash)
complete_words() { COMP_WORDS=("$@"); COMP_CWORD=$(($#-1)); _nsqmesh; echo "${COMPREPLY[@]}"; }
complete_words nsqmesh to
complete_words nsqmesh pub --to
complete_words nsqmesh pub --topic =
complete_words nsqmesh pub --topic = ot
complete_words nsqmesh tail or
complete_words nsqmesh help me
complete_words nsqmesh serve --data
complete_words nsqmesh completion ""
complete_words nsqmesh pub --output = ""
`
	want := []string{"to-file to-http topics", "--topic=", "orders other", "other", "orders", "mesh", "--data-path=", "bash zsh fish", ""}
	cmd := exec.Command(bash, "-c", script)
	cmd.Env = []string{"PATH=" + commandFolder(t) + ":" + os.Getenv("PATH")}
	p := startCommand(t, node, cmd)
	if status := p.status(); status != cli.ExitOK || !slices.Equal(p.out.lines(), want) {
		t.Errorf("ended with %d: %q; %s", status, p.out.lines(), p.err.String())
	}
}

// commandFolder holds a command nsqmesh that is this test.
func commandFolder(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Symlink(self, filepath.Join(dir, "nsqmesh")); err != nil {
		t.Fatal(err)
	}
	return dir
}

// Other shells are not on every machine: what they are told is looked at in text.
func TestCompletionsOfOtherShells(t *testing.T) {
	for shell, want := range map[string][]string{
		"zsh":  {"'to-file:archive topics to files'", `'*--topic=[topic to publish to]:topic:_nsqmesh_topics'`, "'*:word:(bash zsh fish)'"},
		"fish": {"-a to-file -d 'archive topics to files'", "-l output-dir -r -F -d 'folder for files'", "-l topic -x -a '(__nsqmesh_topics)'"},
	} {
		_, out, _ := nsqmesh("completion", shell)
		for _, text := range want {
			if !strings.Contains(out, text) {
				t.Errorf("%s: %s is missing", shell, text)
			}
		}
		if path, err := exec.LookPath(shell); err == nil {
			file := filepath.Join(t.TempDir(), "script")
			if err := os.WriteFile(file, []byte(out), 0o600); err != nil {
				t.Fatal(err)
			}
			if said, err := exec.Command(path, "-n", file).CombinedOutput(); err != nil {
				t.Errorf("%s: %v: %s", shell, err, said)
			}
		}
	}
}
