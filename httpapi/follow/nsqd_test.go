package follow

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nsqio/go-nsq"
)

// fakeNsqd speaks just enough of the protocol, and misbehaves as told.
type fakeNsqd struct {
	listener net.Listener

	mu     sync.Mutex
	conns  map[net.Conn]bool
	subs   int      // connections that have subscribed and are open
	total  int      // connections there ever were
	ready  string   // the last RDY
	queue  []string // bodies to be delivered to the next consumer that is ready
	taken  []string // commands with bodies, as "PUB topic body"
	answer func(command string) string
	mute   bool // says nothing at all
}

func startNsqd(t testing.TB, address string) *fakeNsqd {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	f := newNsqd(l)
	t.Cleanup(f.stop)
	return f
}

func newNsqd(l net.Listener) *fakeNsqd {
	f := &fakeNsqd{listener: l, conns: map[net.Conn]bool{}, answer: func(string) string { return "OK" }}
	go f.accept()
	return f
}

func (f *fakeNsqd) address() string { return f.listener.Addr().String() }
func (f *fakeNsqd) port() int       { return f.listener.Addr().(*net.TCPAddr).Port }

func (f *fakeNsqd) stop() {
	f.listener.Close()
	f.cut()
}

// cut ends all connections.
func (f *fakeNsqd) cut() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for c := range f.conns {
		c.Close()
	}
}

func (f *fakeNsqd) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

func (f *fakeNsqd) subscribed() (n int) {
	f.set(func() { n = f.subs })
	return n
}

func (f *fakeNsqd) published() (all []string) {
	f.set(func() { all = append(all, f.taken...) })
	return all
}

func (f *fakeNsqd) accept() {
	for {
		c, err := f.listener.Accept()
		if err != nil {
			return
		}
		f.set(func() { f.conns[c] = true; f.total++ })
		go func() {
			subscribed := f.serve(c)
			c.Close()
			f.set(func() {
				delete(f.conns, c)
				if subscribed {
					f.subs--
				}
			})
		}()
	}
}

func (f *fakeNsqd) serve(c net.Conn) (subscribed bool) {
	in := bufio.NewReader(c)
	if _, err := in.Discard(len(nsq.MagicV2)); err != nil {
		return false
	}
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return subscribed
		}
		words := strings.Fields(line)
		body := ""
		switch words[0] {
		case "IDENTIFY", "PUB", "MPUB", "DPUB":
			if body, err = readBody(in); err != nil {
				return subscribed
			}
		}
		var mute bool
		f.set(func() { mute = f.mute })
		if mute {
			continue
		}
		switch words[0] {
		case "IDENTIFY":
			reply(c, nsq.FrameTypeResponse, "OK")
		case "SUB":
			subscribed = true
			f.set(func() { f.subs++ })
			reply(c, nsq.FrameTypeResponse, "OK")
		case "RDY":
			f.set(func() { f.ready = words[1] })
			f.deliver(c)
		case "CLS":
			reply(c, nsq.FrameTypeResponse, "CLOSE_WAIT")
		case "PUB", "MPUB", "DPUB":
			f.take(c, strings.TrimSpace(line)+" "+body)
		}
	}
}

func (f *fakeNsqd) take(c net.Conn, command string) {
	var answer string
	f.set(func() {
		if answer = f.answer(command); answer == "OK" {
			f.taken = append(f.taken, command)
		}
	})
	switch {
	case answer == "":
	case answer == "OK":
		reply(c, nsq.FrameTypeResponse, answer)
	default:
		reply(c, nsq.FrameTypeError, answer)
	}
}

func (f *fakeNsqd) deliver(c net.Conn) {
	var queue []string
	f.set(func() { queue, f.queue = f.queue, nil })
	for _, body := range queue {
		reply(c, nsq.FrameTypeMessage, "\x00\x00\x00\x00\x00\x00\x00\x01\x00\x010123456789abcdef"+body)
	}
}

func readBody(in io.Reader) (string, error) {
	var size [4]byte
	if _, err := io.ReadFull(in, size[:]); err != nil {
		return "", err
	}
	body := make([]byte, binary.BigEndian.Uint32(size[:]))
	_, err := io.ReadFull(in, body)
	return string(body), err
}

func reply(c net.Conn, kind int32, text string) {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(text)+4))
	b = binary.BigEndian.AppendUint32(b, uint32(kind))
	_, _ = c.Write(append(b, text...))
}

// until waits for what should take a moment.
func until(t testing.TB, what string, so func() bool) time.Duration {
	t.Helper()
	begin := time.Now()
	for !so() {
		if time.Since(begin) > 20*time.Second {
			t.Fatalf("waited in vain for %s", what)
		}
		time.Sleep(time.Millisecond)
	}
	return time.Since(begin)
}
