package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/nsqmesh/nsqmesh/cmd/cli"
)

// Real processes: the test binary runs itself as a node, so that a node can be killed, and so that what is tested is
// what ships.

const (
	nodeVariable = "NSQMESH_TEST_NODE" // set for a process that is to be a node
	patience     = 30 * time.Second    // for whatever should take a moment
)

func TestMain(m *testing.M) {
	if os.Getenv(nodeVariable) == "1" {
		go diesWithParent()
		main()
	}
	os.Exit(m.Run())
}

// diesWithParent ends a node whose test was cut off and could not stop it.
func diesWithParent() {
	_, _ = io.Copy(io.Discard, os.Stdin)
	os.Exit(cli.ExitFault)
}

// process is a node in a process of its own.
type process struct {
	t      testing.TB
	dir    string
	flags  []string
	within []string // a command that runs the node, if not this test itself does
	log    processLog
	addr   addresses // where it listens since its last start

	cmd    *exec.Cmd
	stdin  io.Closer
	exited chan struct{} // closed when the process is gone
}

// startNode starts a node on loopback, on any ports unless flags say which, and waits until it is ready. It is stopped with the test.
func startNode(t testing.TB, dir string, flags ...string) *process {
	t.Helper()
	p := &process{t: t, dir: dir, flags: slices.Concat(
		[]string{"serve", "--data-path=" + dir, "--broadcast-address=127.0.0.1", "--stop-grace=200ms"}, anyPorts, flags)}
	t.Cleanup(p.end)
	p.start()
	return p
}

// start runs the node with its flags and more, of which the last one of a name counts.
func (p *process) start(more ...string) {
	p.t.Helper()
	file := filepath.Join(p.dir, addressFile)
	_ = os.Remove(file) // that of a killed node
	p.launch(more)
	waitFor(p.t, "a node that is ready", func() bool {
		b, err := os.ReadFile(file)
		if !p.running() {
			p.t.Fatalf("the node ended before it was ready: %v", p.cmd.ProcessState)
		}
		p.addr = addresses{}
		return err == nil && json.Unmarshal(b, &p.addr) == nil
	})
}

func (p *process) launch(more []string) {
	p.t.Helper()
	command := slices.Concat(p.within, os.Args[:1], p.flags, more)
	p.cmd = exec.Command(command[0], command[1:]...)
	// The race detector would wait a second at every exit.
	p.cmd.Env = append(os.Environ(), nodeVariable+"=1", "GORACE=atexit_sleep_ms=0 halt_on_error=1")
	p.cmd.Stdout, p.cmd.Stderr = &p.log, &p.log
	stdin, err := p.cmd.StdinPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.stdin, p.exited = stdin, make(chan struct{})
	go func(cmd *exec.Cmd, exited chan struct{}) {
		_ = cmd.Wait()
		close(exited)
	}(p.cmd, p.exited)
}

func (p *process) running() bool {
	select {
	case <-p.exited:
		return false
	default:
		return true
	}
}

// kill is kill -9: the node can do nothing about it.
func (p *process) kill() {
	p.t.Helper()
	p.signal(syscall.SIGKILL)
	p.await()
}

func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Errorf("signal %v: %v", s, err)
	}
}

// stop is SIGTERM: the node must end by itself, soon and in order. It returns how long that took.
func (p *process) stop() time.Duration {
	p.t.Helper()
	begin := time.Now()
	p.signal(syscall.SIGTERM)
	p.await()
	if !p.cmd.ProcessState.Success() {
		p.t.Errorf("a stopped node ended with %v", p.cmd.ProcessState)
	}
	if _, err := os.Stat(filepath.Join(p.dir, addressFile)); err == nil {
		p.t.Errorf("a stopped node left %s behind", addressFile)
	}
	return time.Since(begin)
}

func (p *process) await() {
	p.t.Helper()
	select {
	case <-p.exited:
	case <-time.After(patience):
		p.t.Fatal("the node does not end")
	}
}

// anyPorts let the system choose.
var anyPorts = []string{
	"--tcp-address=127.0.0.1:0", "--http-address=127.0.0.1:0", "--https-address=127.0.0.1:0",
	"--lookup-tcp-address=127.0.0.1:0", "--lookup-http-address=127.0.0.1:0", "--admin-http-address=127.0.0.1:0",
	"--gossip-address=127.0.0.1:0", "--cluster-address=127.0.0.1:0",
}

// fixedPorts are for a node that is to come back where it was.
func fixedPorts(t testing.TB) (flags []string) {
	t.Helper()
	for _, listener := range []string{"tcp", "http", "lookup-tcp", "lookup-http", "gossip", "cluster"} {
		flags = append(flags, fmt.Sprintf("--%s-address=127.0.0.1:%d", listener, freePort(t)))
	}
	return flags
}

var portsGiven sync.Map // to nodes of this process, of which some may be away

// freePort is free for TCP and UDP. It is below those that the system gives to outgoing connections, so that none of them
// takes it while its node is away.
func freePort(t testing.TB) int {
	t.Helper()
	for range 1000 {
		port := 10000 + rand.IntN(20000)
		address := fmt.Sprintf("127.0.0.1:%d", port)
		l, err := net.Listen("tcp", address)
		if err != nil {
			continue
		}
		l.Close()
		if u, err := net.ListenPacket("udp", address); err == nil {
			u.Close()
			if _, given := portsGiven.LoadOrStore(port, true); given {
				continue
			}
			return port
		}
	}
	t.Fatal("no port is free for both")
	return 0
}

// end stops what still runs, and tells what the node logged when the test failed.
func (p *process) end() {
	if p.cmd == nil || p.cmd.Process == nil {
		return
	}
	if p.running() {
		if p.t.Failed() {
			_, view := ask("GET", p.lookupd("/mesh"), nil)
			p.t.Logf("the node in %s sees this mesh:\n%s", p.dir, view)
		}
		_ = p.cmd.Process.Signal(syscall.SIGTERM)
	}
	select {
	case <-p.exited:
	case <-time.After(patience):
		_ = p.cmd.Process.Kill()
		p.t.Error("the node did not end on SIGTERM")
		<-p.exited
	}
	_ = p.stdin.Close()
	said := p.log.String()
	if strings.Contains(said, "DATA RACE") || strings.Contains(said, "panic:") {
		p.t.Error("the node crashed or has a data race")
	}
	if p.t.Failed() {
		p.t.Logf("the node in %s said:\n%s", p.dir, said)
	}
}

// processLog keeps the end of what a node writes, and more of it when it says why it crashed.
type processLog struct {
	mu   sync.Mutex
	text []byte
}

const keptLog = 16 << 10

func (l *processLog) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, b...)
	if extra := len(l.text) - keptLog; extra > keptLog && !bytes.Contains(l.text, []byte("DATA RACE")) && !bytes.Contains(l.text, []byte("panic:")) {
		l.text = slices.Delete(l.text, 0, extra)
	}
	return len(b), nil
}

func (l *processLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.text)
}

// waitFor polls until it is so.
func waitFor(t testing.TB, what string, so func() bool) time.Duration {
	t.Helper()
	begin := time.Now()
	for !so() {
		if time.Since(begin) > patience {
			t.Fatalf("waited in vain for %s", what)
		}
		time.Sleep(2 * time.Millisecond)
	}
	return time.Since(begin)
}
