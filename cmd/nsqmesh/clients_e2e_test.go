package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// The stock clients against real nodes: go-nsq by its own tests, nsqjs by a small program.

// TestGoNSQPassesItsOwnTests runs the tests that go-nsq has for a stock nsqd. They want the stock ports and dial a public
// address on purpose, so both sides run in a network of their own that leads nowhere. Two of them name a client
// certificate that go-nsq's repository lacks; they ignore that and run without one.
func TestGoNSQPassesItsOwnTests(t *testing.T) {
	within := newNetwork(t)
	folder := moduleFolder(t, "github.com/nsqio/go-nsq")
	tests := filepath.Join(t.TempDir(), "go-nsq.test")
	mustRun(t, exec.Command("go", "test", "-c", "-o", tests, "github.com/nsqio/go-nsq"))

	dir := t.TempDir()
	node := &process{t: t, dir: dir, within: within, flags: append([]string{
		"serve", "--data-path=" + dir, "--broadcast-address=127.0.0.1"}, stockTLS(folder)...)}
	t.Cleanup(node.end)
	node.start()

	all := strings.Fields(mustRun(t, inFolder(folder, tests, "-test.list", "^Test")))
	out := mustRun(t, inFolder(folder, append(within, tests, "-test.v", "-test.timeout=60s")...))
	for _, name := range all {
		if !strings.Contains(out, "--- PASS: "+name+" ") {
			t.Errorf("%s did not pass:\n%s", name, out)
		}
	}
	t.Logf("%d tests passed", len(all))
}

// newNetwork returns the command that runs another one where there is nothing but a loopback.
func newNetwork(t *testing.T) (within []string) {
	if os.Geteuid() != 0 {
		t.Skip("only root may make a network namespace")
	}
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip("no command ip, which makes a network namespace: install iproute2")
	}
	name := fmt.Sprintf("nsqmesh-test-%d", os.Getpid())
	if out, err := exec.Command("ip", "netns", "add", name).CombinedOutput(); err != nil {
		t.Skipf("no network namespaces here: %v: %s", err, out)
	}
	t.Cleanup(func() { mustRun(t, exec.Command("ip", "netns", "delete", name)) })
	mustRun(t, exec.Command("ip", "-n", name, "link", "set", "lo", "up"))
	return []string{"ip", "netns", "exec", name}
}

func moduleFolder(t *testing.T, path string) string {
	return strings.TrimSpace(mustRun(t, exec.Command("go", "list", "-m", "-f", "{{.Dir}}", path)))
}

// stockTLS are the flags with which go-nsq's tests start a stock nsqd.
func stockTLS(goNSQ string) []string {
	test := filepath.Join(goNSQ, "test")
	return []string{
		"--tls-cert=" + filepath.Join(test, "server.pem"),
		"--tls-key=" + filepath.Join(test, "server.key"),
		"--tls-root-ca-file=" + filepath.Join(test, "ca.pem"),
	}
}

func inFolder(folder string, command ...string) *exec.Cmd {
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Dir = folder
	return cmd
}

func mustRun(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v:\n%s", cmd, err, out)
	}
	return string(out)
}

// TestJavaScriptClient publishes on one node and consumes by the lookup of another.
func TestJavaScriptClient(t *testing.T) {
	folder := installNSQJS(t)
	nodes := startMesh(t, 2, stockTLS(moduleFolder(t, "github.com/nsqio/go-nsq"))...)
	for name, options := range map[string]string{
		"plain":   `{}`,
		"deflate": `{"deflate": true}`,
		"TLS":     `{"tls": true, "tlsVerification": false}`,
	} {
		t.Run(name, func(t *testing.T) {
			out := mustRun(t, inFolder(folder, "node", "roundtrip.js", nodes[0].addr.TCP, nodes[1].addr.LookupHTTP, name, options))
			// "one" comes again and "later" comes late; which of them is first, the machine's load decides.
			got := strings.Fields(out)
			slices.Sort(got)
			if want := []string{"later", "one", "three", "two"}; !slices.Equal(got, want) {
				t.Errorf("got %q, want %q in some order", got, want)
			}
		})
	}
}

// installNSQJS returns a folder with the program and the client at the version that the lock file says.
func installNSQJS(t *testing.T) (folder string) {
	for _, command := range []string{"npm", "node"} {
		if _, err := exec.LookPath(command); err != nil {
			t.Skipf("no command %s to run the JavaScript client with", command)
		}
	}
	folder = t.TempDir()
	if err := os.CopyFS(folder, os.DirFS(filepath.Join("testdata", "nsqjs"))); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	npm := exec.CommandContext(ctx, "npm", "ci", "--omit=optional", "--ignore-scripts", "--no-audit", "--no-fund")
	npm.Dir = folder
	if out, err := npm.CombinedOutput(); err != nil {
		t.Skipf("npm cannot install the JavaScript client: %v:\n%s", err, out)
	}
	return folder
}
