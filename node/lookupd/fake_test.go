package lookupd

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// fake is a stock nsqlookupd that writes down what it hears.
type fake struct {
	l    net.Listener
	info string

	mu    sync.Mutex
	log   []string
	conns []net.Conn
	mute  bool
}

func newFake(t *testing.T, httpAddr string) *fake {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &fake{l: l, info: `{"broadcast_address":"","tcp_port":1,"http_port":2,"version":"x"}`}
	if httpAddr != "" {
		host, port, _ := net.SplitHostPort(httpAddr)
		f.info = fmt.Sprintf(`{"broadcast_address":%q,"tcp_port":1,"http_port":%s,"version":"x"}`, host, port)
	}
	go f.serve()
	t.Cleanup(func() { _ = l.Close(); f.drop() })
	return f
}

func (f *fake) addr() string { return f.l.Addr().String() }

func (f *fake) serve() {
	for {
		c, err := f.l.Accept()
		if err != nil {
			return
		}
		f.mu.Lock()
		f.conns = append(f.conns, c)
		f.mu.Unlock()
		go f.session(c)
	}
}

func (f *fake) session(c net.Conn) {
	r := bufio.NewReader(c)
	head := make([]byte, 4)
	if _, err := io.ReadFull(r, head); err != nil {
		return
	}
	f.note("magic " + string(head))
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			f.note("closed")
			return
		}
		answer := "E_WHATEVER not today"
		if line == "IDENTIFY\n" {
			var size [4]byte
			_, _ = io.ReadFull(r, size[:])
			body := make([]byte, binary.BigEndian.Uint32(size[:]))
			_, _ = io.ReadFull(r, body)
			line, answer = "IDENTIFY "+string(body)+"\n", f.info
		}
		f.answer(c, strings.TrimSuffix(line, "\n"), answer)
	}
}

// answer writes a line down and answers it in one step: who has seen the line in the log may end the connection and the
// other side has its answer nevertheless.
func (f *fake) answer(c net.Conn, line, answer string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.log = append(f.log, line)
	if !f.mute {
		_, _ = c.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(answer))), answer...))
	}
}

func (f *fake) note(s string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.log = append(f.log, s)
}

func (f *fake) setMute(mute bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mute = mute
}

func (f *fake) drop() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.conns {
		_ = c.Close()
	}
	f.conns = nil
}

// heard waits until the log holds all of want, in that order, and forgets what it holds.
func (f *fake) heard(t *testing.T, want ...string) []string {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		f.mu.Lock()
		rest := want
		for _, line := range f.log {
			if len(rest) > 0 && (line == rest[0] || strings.HasSuffix(rest[0], "*") && strings.HasPrefix(line, strings.TrimSuffix(rest[0], "*"))) {
				rest = rest[1:]
			}
		}
		if len(rest) == 0 {
			log := f.log
			f.log = nil
			f.mu.Unlock()
			return log
		}
		log := slices.Clone(f.log)
		f.mu.Unlock()
		if time.Now().After(end) {
			t.Fatalf("not heard: %q\nonly: %q", rest, log)
		}
	}
}
