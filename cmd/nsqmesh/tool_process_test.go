package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/nsqmesh/nsqmesh/cmd/cli"
	"github.com/nsqmesh/nsqmesh/cmd/cluster"
)

// toolVariable is set for a process of the test binary that is to be a tool.
const toolVariable = "NSQMESH_TEST_TOOL"

func init() {
	if os.Getenv(toolVariable) == "1" {
		main()
	}
}

// toolProcess is a tool in a process of its own, which gets real signals.
type toolProcess struct {
	t        testing.TB
	cmd      *exec.Cmd
	in       io.WriteCloser
	out, err safeBuffer
	exited   chan struct{}
}

// startTool starts a tool that finds the mesh through a node.
func startTool(t testing.TB, node *process, args ...string) *toolProcess {
	t.Helper()
	return startCommand(t, node, exec.Command(os.Args[0], args...))
}

func startCommand(t testing.TB, node *process, cmd *exec.Cmd) *toolProcess {
	t.Helper()
	p := &toolProcess{t: t, cmd: cmd, exited: make(chan struct{})}
	cmd.Env = append(os.Environ(), cmd.Env...)
	cmd.Env = append(cmd.Env, toolVariable+"=1", "GORACE=atexit_sleep_ms=0 halt_on_error=1",
		cluster.LookupVariableName+"="+node.addr.LookupHTTP)
	cmd.Stdout, cmd.Stderr = &p.out, &p.err
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var err error
	if p.in, err = cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = cmd.Wait()
		close(p.exited)
	}()
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		<-p.exited
		if t.Failed() {
			t.Logf("%v said:\n%s\nand printed:\n%.2000s", cmd.Args[1:], p.err.String(), p.out.String())
		}
	})
	return p
}

func (p *toolProcess) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// status waits for the end.
func (p *toolProcess) status() int {
	p.t.Helper()
	select {
	case <-p.exited:
	case <-time.After(patience):
		p.t.Fatalf("%v does not end; it said %s", p.cmd.Args[1:], p.err.String())
	}
	return p.cmd.ProcessState.ExitCode()
}

// interrupt is Ctrl-C, after which a tool must end well.
func (p *toolProcess) interrupt() {
	p.t.Helper()
	p.signal(syscall.SIGINT)
	if status := p.status(); status != cli.ExitOK {
		p.t.Fatalf("%v ended with %d on Ctrl-C: %s", p.cmd.Args[1:], status, p.err.String())
	}
}

// useTool runs a tool to its end.
func useTool(t testing.TB, node *process, in string, args ...string) (status int, out, errOut string) {
	t.Helper()
	p := startTool(t, node, args...)
	if _, err := io.WriteString(p.in, in); err != nil && !strings.Contains(err.Error(), "pipe") {
		t.Fatal(err)
	}
	p.in.Close()
	status = p.status()
	return status, p.out.String(), p.err.String()
}

// mustUse is useTool for what has to work, with its output as JSON.
func mustUse(t testing.TB, node *process, in string, into any, args ...string) {
	t.Helper()
	status, out, errOut := useTool(t, node, in, append(args, "--output=json")...)
	if status != cli.ExitOK {
		t.Fatalf("%v ended with %d: %s", args, status, errOut)
	}
	if err := json.Unmarshal([]byte(out), into); err != nil {
		t.Fatalf("%v printed %q: %v", args, out, err)
	}
}

// safeBuffer is read while a process writes to it.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func (s *safeBuffer) lines() []string {
	return strings.Split(strings.TrimSuffix(s.String(), "\n"), "\n")
}
