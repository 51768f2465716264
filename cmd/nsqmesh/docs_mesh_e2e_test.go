package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The commands of docs/mesh.md work, one after another.
func TestCommandsInTheMeshPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/mesh.md")
	if err != nil {
		t.Fatal(err)
	}
	examples := shellLines(string(page))
	if len(examples) < 10 {
		t.Fatalf("%d commands in docs/mesh.md", len(examples))
	}
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("examples need curl")
	}
	node := startNode(t, t.TempDir())
	post(t, node.nsqd("/pub?topic=orders"), "x")
	commands, dir := commandFolder(t), t.TempDir()
	keys := filepath.Join(dir, "gossip.keys")
	for _, line := range examples {
		line = strings.ReplaceAll(line, "127.0.0.1:4161", node.addr.LookupHTTP)
		if strings.HasSuffix(line, "NEW-ID") {
			line = strings.Replace(line, "NEW-ID", keyIDs(t, keys)[1], 1)
		}
		if strings.HasSuffix(line, "OLD-ID") {
			line = strings.Replace(line, "OLD-ID", keyIDs(t, keys)[1], 1)
		}
		patience := 20 * time.Second
		endless := strings.Contains(line, "curl -N")
		if endless {
			patience = time.Second
		}
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		cmd := exec.CommandContext(ctx, "bash", "-e", "-c", "exec "+strings.Replace(line, "curl ", "curl -sSf ", 1))
		cmd.Dir, cmd.Env = dir, []string{"PATH=" + commands + ":" + os.Getenv("PATH"), toolVariable + "=1"}
		cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
		out, err := cmd.CombinedOutput()
		cancel()
		if (err != nil) != endless || strings.Contains(line, "curl") && !strings.Contains(string(out), `{"`) {
			t.Errorf("%s\n%v: %s", line, err, out)
		}
	}
	if got := keyIDs(t, keys); len(got) != 1 {
		t.Errorf("in the end the keys are %v", got)
	}
}
