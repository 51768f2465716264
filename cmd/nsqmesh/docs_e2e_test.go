package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nsqmesh/nsqmesh/cmd/cli"
)

// exampleTime is how long an example that has no end of its own runs.
const exampleTime = 5 * time.Second

// Every command of docs/tools.md does what it should, on nodes and files that are there.
func TestCommandsInDocs(t *testing.T) {
	page, err := os.ReadFile("../../docs/tools.md")
	if err != nil {
		t.Fatal(err)
	}
	examples := shellLines(string(page))
	if len(examples) < 30 {
		t.Fatalf("%d commands in docs/tools.md", len(examples))
	}
	if _, err := exec.LookPath("jq"); err != nil {
		t.Skip("examples need jq")
	}
	here, there := startNode(t, t.TempDir()), startNode(t, t.TempDir())
	sink := newSink(t, 200)
	places := strings.NewReplacer(
		"127.0.0.1:4150", here.addr.TCP, "127.0.0.1:4151", here.addr.HTTP, "127.0.0.1:4161", here.addr.LookupHTTP,
		"10.1.0.7:4150", there.addr.TCP, "10.1.0.7:4161", there.addr.LookupHTTP,
		"127.0.0.1:8080", strings.TrimPrefix(sink.URL, "http://"),
	)
	commands := commandFolder(t)
	feed(t, here, "orders", "refunds", "clicks", "audit.logins")
	post(t, here.nsqd("/channel/create?topic=orders&channel=billing"), "")
	t.Run("examples", func(t *testing.T) {
		for i, line := range examples {
			t.Run(fmt.Sprint(i+1), func(t *testing.T) {
				t.Parallel()
				example(t, here, commands, places.Replace(line))
			})
		}
	})
}

// shellLines are the commands of a page that are meant for a shell.
func shellLines(page string) (all []string) {
	for i, part := range strings.Split(page, "```") {
		if block, ok := strings.CutPrefix(part, "sh\n"); ok && i%2 == 1 {
			block = strings.ReplaceAll(strings.TrimSpace(block), "\\\n", "")
			all = append(all, strings.Split(block, "\n")...)
		}
	}
	return all
}

// feed publishes to topics until the test ends.
func feed(t *testing.T, node *process, topics ...string) {
	t.Helper()
	for _, topic := range topics {
		post(t, node.nsqd("/pub?topic="+topic), `{"region":"eu"}`)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for ctx.Err() == nil {
			for _, topic := range topics {
				ask("POST", node.nsqd("/pub?topic="+topic), strings.NewReader(`{"region":"eu"}`))
			}
			time.Sleep(20 * time.Millisecond)
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
}

// example runs a command; what does not end by itself gets Ctrl-C, as its reader would do.
func example(t *testing.T, node *process, commands, line string) {
	dir := t.TempDir()
	for _, name := range []string{"monday.log", "tuesday.log", "a.png", "b.png"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("{}\n{}\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	line = strings.ReplaceAll(line, "=/var/", "="+dir+"/var/")
	cmd := exec.Command("bash", "-e", "-o", "pipefail", "-c", line)
	cmd.Dir, cmd.Env = dir, []string{"PATH=" + commands + ":" + os.Getenv("PATH")}
	p := startCommand(t, node, cmd)
	p.in.Close()
	fine := []int{cli.ExitOK}
	select {
	case <-p.exited:
	case <-time.After(exampleTime):
		if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		fine = append(fine, -1, 128+int(syscall.SIGINT)) // on a busy machine it may not even have begun
	}
	if status := p.status(); !slices.Contains(fine, status) {
		t.Errorf("ended with %d:\n%s\n%s", status, line, p.err.String())
	}
}
