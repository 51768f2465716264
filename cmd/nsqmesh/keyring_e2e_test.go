package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nsqmesh/nsqmesh/cmd/cli"
)

// A mesh gets another key while it runs, and nobody notices.
func TestKeysAreRotatedUnderWay(t *testing.T) {
	const topic = "orders"
	var nodes []*process
	var files []string
	_, first, _ := editKeys("", "generate")
	_, second, _ := editKeys("", "generate")
	for range 3 {
		file := tempFile(t, first)
		flags := []string{"--gossip-key-file=" + file}
		if len(nodes) > 0 {
			flags = append(flags, "--gossip-seed="+nodes[0].addr.Gossip)
		}
		nodes, files = append(nodes, startNode(t, t.TempDir(), flags...)), append(files, file)
	}
	waitForNodes(t, 3, nodes...)
	for _, n := range nodes {
		post(t, n.nsqd("/pub?topic="+topic), "x")
	}
	for _, n := range nodes {
		waitFor(t, "all producers", func() bool { return n.names(topic, nodes...) })
	}
	var ends []func()
	for i, n := range nodes {
		ends = append(ends, watch(t, n, topic, nodes[(i+1)%3]), watch(t, n, topic, nodes[(i+2)%3]))
	}
	old, fresh := keyIDs(t, files[0])[0], ""
	times := 0
	everywhere := func(input string, args ...string) {
		t.Helper()
		times++
		for i, n := range nodes {
			if status, _, errOut := editKeys(input, append(args, "--file="+files[i])...); status != 0 {
				t.Fatalf("%v: %s", args, errOut)
			}
			n.signal(syscall.SIGHUP)
			waitFor(t, "the keys to be read", func() bool { return strings.Count(n.log.String(), "gossip keys read again") == times })
			time.Sleep(700 * time.Millisecond) // some probes, with some nodes ahead of others
		}
	}
	everywhere(second, "add")
	fresh = keyIDs(t, files[0])[1]
	everywhere("", "use", fresh)
	everywhere("", "remove", old)
	for _, end := range ends {
		end()
	}

	late := startNode(t, t.TempDir(), "--gossip-key-file="+tempFile(t, second), "--gossip-seed="+nodes[0].addr.Gossip)
	waitForNodes(t, 4, append(nodes, late)...)
	stranger := startNode(t, t.TempDir(), "--gossip-key-file="+tempFile(t, first), "--gossip-seed="+nodes[0].addr.Gossip)
	time.Sleep(2 * time.Second)
	if got := stranger.producers("/nodes"); len(got) != 1 {
		t.Errorf("with the old key one still sees %v", got)
	}
	waitForNodes(t, 4, append(nodes, late)...)
}

// A file that cannot be read leaves a node with the keys that it has.
func TestABrokenKeyFileChangesNothing(t *testing.T) {
	file := filepath.Join(t.TempDir(), "gossip.keys")
	editKeys("", "generate", "--file="+file)
	one := startNode(t, t.TempDir(), "--gossip-key-file="+file)
	two := startNode(t, t.TempDir(), "--gossip-key-file="+file, "--gossip-seed="+one.addr.Gossip)
	waitForNodes(t, 2, one, two)
	if err := os.WriteFile(file, []byte("# nothing\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	one.signal(syscall.SIGHUP)
	waitFor(t, "a complaint", func() bool { return strings.Contains(one.log.String(), "gossip keys stay as they are") })
	time.Sleep(time.Second)
	if got := one.producers("/nodes"); len(got) != 2 {
		t.Errorf("it sees %v", got)
	}
}

// editKeys runs nsqmesh keyring with an input.
func editKeys(input string, args ...string) (status int, out, errOut string) {
	var o, e bytes.Buffer
	status = run(append([]string{"keyring"}, args...), cli.Stdio{In: strings.NewReader(input), Out: &o, Err: &e})
	return status, o.String(), e.String()
}

// keyIDs are those that nsqmesh keyring list shows, in order.
func keyIDs(t testing.TB, file string) (all []string) {
	t.Helper()
	status, out, errOut := editKeys("", "list", "--file="+file)
	if status != cli.ExitOK {
		t.Fatalf("list: %s", errOut)
	}
	for line := range strings.Lines(out) {
		all = append(all, strings.Fields(line)[0])
	}
	return all
}
