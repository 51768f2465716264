package main

import (
	"net/http"
	"os"
	"strings"
	"testing"
)

// The commands of docs/raft.md work, in the order of the page, when what the page says about them is so.
func TestCommandsInTheRaftPage(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/raft.md")
	if err != nil {
		t.Fatal(err)
	}
	commands := shellLines(string(page))
	if len(commands) < 8 {
		t.Fatalf("%d commands in docs/raft.md", len(commands))
	}
	nodes := startCandidates(t, 3, 0)
	post(t, nodes[2].lookupd("/topic/create?topic=kept"), "")
	for _, line := range commands {
		words := strings.Fields(strings.NewReplacer("node1", "n0", "node3", "n2", "/var/lib/nsqmesh", nodes[0].dir).Replace(line))
		switch {
		case strings.Contains(line, "raft remove"):
			waitFor(t, "node1 leads", func() bool { return nodes[0].raft().Role == "leader" })
			nodes[2].kill()
		case strings.Contains(line, "raft recover"):
			waitForGroup(t, 2, 0, nodes[:2]...)
			nodes[0].kill()
			nodes[1].kill()
		}
		if status, out, errOut := useTool(t, nodes[0], "", words[1:]...); status != 0 || strings.Contains(line, "status") && !strings.Contains(out, "n0") {
			t.Errorf("%s: %d %s%s", line, status, out, errOut)
		}
		if strings.Contains(line, "raft recover") {
			nodes[0].start()
			waitForGroup(t, 1, 0, nodes[0])
		}
	}
	if nodes[0].raft().Authority || !strings.Contains(get(t, nodes[0].lookupd("/topics")), "kept") {
		t.Errorf("after raft off: %+v", nodes[0].raft())
	}
	if status, answer := ask(http.MethodPost, nodes[0].lookupd("/topic/delete?topic=kept"), nil); status != http.StatusOK {
		t.Errorf("delete by gossip of what raft created: %d %s", status, answer)
	}
	if strings.Contains(get(t, nodes[0].lookupd("/topics")), "kept") {
		t.Error("a topic that raft created outlives its delete by gossip")
	}
}
