package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"
)

// node is one node of the mesh, in a process of its own on addresses of its own.
type node struct {
	cfg    *config
	index  int
	dir    string
	host   string
	tcp    string
	http   string
	lookup string // HTTP
	gossip string
	flags  []string
	seeds  func() []string
	within []string // what runs the program, if not this one itself

	ports   []string // of all TCP listeners
	mounted bool

	fault  sync.Mutex // held by whoever does something to it
	mu     sync.Mutex // guards cmd; held while the process starts, for no signal may come before it is ready
	cmd    *exec.Cmd
	exited chan struct{}
}

const patience = 30 * time.Second

var errNotReady = errors.New("the node does not get ready")

func (n *node) String() string { return fmt.Sprint("node ", n.index) }

// launch starts the process and returns when it serves.
func (n *node) launch() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	log, err := os.OpenFile(filepath.Join(n.cfg.dir, fmt.Sprintf("node%d.log", n.index)), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	command := slices.Concat(n.within, []string{n.cfg.bin}, n.flags)
	for _, seed := range n.seeds() {
		command = append(command, "--gossip-seed="+seed)
	}
	n.cmd = exec.Command(command[0], command[1:]...)
	n.cmd.Env = append(os.Environ(), n.cfg.env...)
	n.cmd.Stdout, n.cmd.Stderr = log, log
	dieWithParent(n.cmd)
	if err := n.cmd.Start(); err != nil {
		return fmt.Errorf("start %v: %w", n, err)
	}
	n.exited = make(chan struct{})
	go func(cmd *exec.Cmd, exited chan struct{}) {
		_ = cmd.Wait()
		close(exited)
	}(n.cmd, n.exited)
	return n.await()
}

// await waits until the node serves, or has ended.
func (n *node) await() error {
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if !n.running() {
			return fmt.Errorf("%v: %w: it ended with %v", n, errNotReady, n.cmd.ProcessState)
		}
		if answer, err := client.Get("http://" + n.http + "/ping"); err == nil {
			answer.Body.Close()
			return nil
		}
	}
	return fmt.Errorf("%v: %w", n, errNotReady)
}

func (n *node) running() bool {
	select {
	case <-n.exited:
		return false
	default:
		return true
	}
}

func (n *node) signal(s syscall.Signal) {
	n.mu.Lock()
	defer n.mu.Unlock()
	_ = n.cmd.Process.Signal(s)
}

func (n *node) kill() {
	n.signal(syscall.SIGKILL)
	<-n.exited
}

// stop is a clean stop, which must succeed.
func (n *node) stop() error {
	n.signal(syscall.SIGCONT)
	n.signal(syscall.SIGTERM)
	select {
	case <-n.exited:
		if !n.cmd.ProcessState.Success() {
			return fmt.Errorf("%v: a stop ended with %v", n, n.cmd.ProcessState)
		}
		return nil
	case <-time.After(patience):
		n.kill()
		return fmt.Errorf("%v: it did not stop within %v", n, patience)
	}
}

var client = &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 32, DialContext: (&net.Dialer{Timeout: time.Second}).DialContext}}

func (n *node) post(path string, body []byte) error {
	answer, err := client.Post("http://"+n.http+path, "", bytes.NewReader(body))
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%d %s", answer.StatusCode, text)
	}
	return err
}

func get(ctx context.Context, url string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	answer, err := client.Do(req)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s", url, answer.Status)
	}
	return json.NewDecoder(answer.Body).Decode(into)
}
