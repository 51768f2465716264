package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/nsqmesh/nsqmesh/cmd/cli"
	"github.com/nsqmesh/nsqmesh/cmd/tools"
)

// takeAll takes n messages of a topic with tail, on a channel that stays.
func takeAll(t testing.TB, node *process, topic string, n int) []string {
	t.Helper()
	status, out, errOut := useTool(t, node, "", "tail", "--channel=drain", "-n", strconv.Itoa(n), topic)
	if status != cli.ExitOK {
		t.Fatalf("tail ended with %d: %s", status, errOut)
	}
	return strings.Split(strings.TrimSuffix(out, "\n"), "\n")
}

func TestPub(t *testing.T) {
	node := startNode(t, t.TempDir(), "--max-msg-size=1000")
	t.Run("lines of standard input", func(t *testing.T) {
		var s tools.PubSummary
		mustUse(t, node, "one\n\ntwo\nthree", &s, "pub", "--topic=lines")
		if s.Messages != 3 || s.Bytes != 11 || s.Empty != 1 || s.Twice != 0 || s.Nodes[node.addr.TCP] != 3 {
			t.Errorf("%+v", s)
		}
		if got := takeAll(t, node, "lines", 3); !slices.Equal(got, []string{"one", "two", "three"}) {
			t.Errorf("got %q", got)
		}
	})
	t.Run("files, in order, to a node by name", func(t *testing.T) {
		dir := t.TempDir()
		var want []string
		for _, name := range []string{"a", "b"} {
			var text strings.Builder
			for i := range 3000 {
				want = append(want, fmt.Sprintf("%s%d", name, i))
				fmt.Fprintf(&text, "%s%d\n", name, i)
			}
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text.String()), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		status, out, errOut := useTool(t, node, "", "pub", "--topic=files", "--nsqd-tcp-address="+node.addr.TCP,
			filepath.Join(dir, "a"), filepath.Join(dir, "b"))
		if status != cli.ExitOK || out != "" || !strings.Contains(errOut, "published 6,000 messages") {
			t.Errorf("ended with %d: %q, %q", status, out, errOut)
		}
		if got := takeAll(t, node, "files", 6000); !slices.Equal(got, want) {
			t.Errorf("got other messages, or in another order: %.200q", got)
		}
	})
	t.Run("a message that is too large is found among others", func(t *testing.T) {
		status, _, errOut := useTool(t, node, "1\n2\n"+strings.Repeat("x", 1001)+"\n4\n", "pub", "--topic=large")
		if status != cli.ExitFault || !strings.Contains(errOut, "message 3 (1001 B): E_BAD_MESSAGE") || !strings.Contains(errOut, "published 2 messages") {
			t.Errorf("ended with %d: %s", status, errOut)
		}
		if got := takeAll(t, node, "large", 2); !slices.Equal(got, []string{"1", "2"}) {
			t.Errorf("got %q", got)
		}
	})
	t.Run("a rate", func(t *testing.T) {
		var s tools.PubSummary
		mustUse(t, node, strings.Repeat("x\n", 40), &s, "pub", "--topic=slow", "--rate=100")
		if s.Seconds < 0.3 || s.Seconds > 5 {
			t.Errorf("40 messages at 100 a second took %v s", s.Seconds)
		}
	})
	t.Run("deferred", func(t *testing.T) {
		mustUse(t, node, "a\nb\n", new(tools.PubSummary), "pub", "--topic=later", "--defer=1h")
		post(t, node.nsqd("/channel/create?topic=later&channel=c"), "")
		waitFor(t, "two deferred messages", func() bool { return node.topic("later").channel("c").Deferred == 2 })
	})
	t.Run("what was read before Ctrl-C is published", func(t *testing.T) {
		p := startTool(t, node, "pub", "--topic=cut", "--rate=5")
		fmt.Fprint(p.in, strings.Repeat("1\n", 2000)) // less than a pipe holds: read at once
		waitFor(t, "the first message", func() bool { return node.topic("cut").MessageCount > 0 })
		p.interrupt()
		if n := node.topic("cut").MessageCount; n != 2000 || !strings.Contains(p.err.String(), "interrupted") {
			t.Errorf("%d messages; %s", n, p.err.String())
		}
	})
}

func TestPubOfAFileThatIsCut(t *testing.T) {
	node := startNode(t, t.TempDir())
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte(strings.Repeat("1234\n", 100000)), 0o600); err != nil {
		t.Fatal(err)
	}
	p := startTool(t, node, "pub", "--topic=file", "--rate=20", file)
	waitFor(t, "the first message", func() bool { return node.topic("file").MessageCount > 0 })
	p.signal(syscall.SIGINT)
	if status := p.status(); status != cli.ExitFault {
		t.Errorf("ended with %d", status)
	}
	n := node.topic("file").MessageCount
	if n == 0 || n == 100000 || !strings.Contains(p.err.String(), fmt.Sprintf("interrupted: what is left begins at %s, byte %d\n", file, 5*n)) {
		t.Errorf("%d messages; %s", n, p.err.String())
	}
}

func TestPubFailsOver(t *testing.T) {
	nodes := startMesh(t, 2)
	t.Run("from a node that is down", func(t *testing.T) {
		status, _, errOut := useTool(t, nodes[0], "x\n", "pub", "--topic=down", "--nsqd-tcp-address=127.0.0.1:1", "--nsqd-tcp-address="+nodes[1].addr.TCP)
		if status != cli.ExitOK || !strings.Contains(errOut, "127.0.0.1:1 does not take messages") {
			t.Errorf("ended with %d: %s", status, errOut)
		}
		if nodes[1].topic("down").MessageCount != 1 {
			t.Error("the message is not there")
		}
	})
	t.Run("to every node", func(t *testing.T) {
		var s tools.PubSummary
		mustUse(t, nodes[0], "x\ny\n", &s, "pub", "--topic=every", "--all", "--nsqd-tcp-address="+nodes[0].addr.TCP, "--nsqd-tcp-address="+nodes[1].addr.TCP)
		if s.Messages != 2 || nodes[0].topic("every").MessageCount != 2 || nodes[1].topic("every").MessageCount != 2 {
			t.Errorf("%+v", s)
		}
	})
	t.Run("when all are down", func(t *testing.T) {
		status, _, errOut := useTool(t, nodes[0], "x\n", "pub", "--topic=down", "--nsqd-tcp-address=127.0.0.1:1", "--retry=300ms")
		if status != cli.ExitFault || !strings.Contains(errOut, "no node takes messages") || strings.Count(errOut, "does not take") != 1 {
			t.Errorf("ended with %d: %s", status, errOut)
		}
	})
	t.Run("from a node that says nothing any more", func(t *testing.T) {
		p := startTool(t, nodes[0], "pub", "--topic=mute", "--nsqd-tcp-address="+nodes[1].addr.TCP, "--nsqd-tcp-address="+nodes[0].addr.TCP,
			"--producer-opt=heartbeat_interval,1s", "--producer-opt=read_timeout,1200ms")
		fmt.Fprintln(p.in, "1")
		waitFor(t, "the first message", func() bool { return nodes[1].topic("mute").MessageCount == 1 })
		if err := nodes[1].cmd.Process.Signal(syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(p.in, "2")
		waitFor(t, "the second one elsewhere", func() bool { return nodes[0].topic("mute").MessageCount == 1 })
		if err := nodes[1].cmd.Process.Signal(syscall.SIGCONT); err != nil {
			t.Fatal(err)
		}
		p.interrupt()
		if !strings.Contains(p.err.String(), "published 2 messages") || !strings.Contains(p.err.String(), "up to 1 message may be there twice") {
			t.Errorf("said %s", p.err.String())
		}
	})
	t.Run("from a node that is killed", func(t *testing.T) {
		const total = 20_000
		post(t, nodes[1].nsqd("/topic/create?topic=killed"), "")
		p := startTool(t, nodes[0], "pub", "--topic=killed", "--nsqd-tcp-address="+nodes[1].addr.TCP, "--nsqd-tcp-address="+nodes[0].addr.TCP)
		taken := 0
		for i := range total {
			if i == total/2 {
				waitFor(t, "half of the messages", func() bool { return nodes[1].topic("killed").MessageCount > 0 })
				taken = nodes[1].topic("killed").MessageCount
				nodes[1].kill()
			}
			fmt.Fprintf(p.in, "%d\n", i)
		}
		p.in.Close()
		if status := p.status(); status != cli.ExitOK {
			t.Fatalf("ended with %d: %s", status, p.err.String())
		}
		if n := nodes[0].topic("killed").MessageCount; taken+n < total/2 || n < total/2 {
			t.Errorf("one node had taken %d, the other took %d", taken, n)
		}
		if !strings.Contains(p.err.String(), "on "+nodes[0].addr.TCP+" and "+nodes[1].addr.TCP) && !strings.Contains(p.err.String(), "on "+nodes[1].addr.TCP+" and "+nodes[0].addr.TCP) {
			t.Errorf("the summary does not tell where they are: %s", p.err.String())
		}
	})
}
