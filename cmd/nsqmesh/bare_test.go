package main

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// A bare broker: one queue in memory, handed on in batches, and nothing else. No topics, disk, timeouts or figures. What
// a message costs it is about the least that the protocol costs, on whatever machine this runs, so it is what a node is
// compared with.

const bareVariable = "NSQMESH_TEST_BARE" // set for a process that is to be one

// TestBareBroker is the bare broker in a process that startBare has started, and nothing in others.
func TestBareBroker(t *testing.T) {
	if os.Getenv(bareVariable) == "" {
		t.Skip("this is no process of a bare broker")
	}
	go diesWithParent()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println(l.Addr())
	broker := &bareBroker{}
	broker.change.L = &broker.mu
	for {
		c, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		go func() { _ = broker.serve(c) }()
	}
}

// startBare returns its address and process id.
func startBare(t testing.TB) (address string, pid int) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestBareBroker$")
	cmd.Env = append(os.Environ(), bareVariable+"=1")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		_ = cmd.Wait()
	})
	address, err = bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(address), cmd.Process.Pid
}

type bareMessage struct {
	id   uint64
	body []byte
}

// bareBroker is the queue of all topics and channels.
type bareBroker struct {
	mu     sync.Mutex
	change sync.Cond // messages, room of a consumer, or its end
	queue  []bareMessage
	lastID uint64
}

type bareConsumer struct {
	rdy      int
	inFlight map[uint64]bareMessage
	gone     bool
}

func (b *bareBroker) put(bodies [][]byte) {
	b.mu.Lock()
	for _, body := range bodies {
		b.lastID++
		b.queue = append(b.queue, bareMessage{b.lastID, body})
	}
	b.mu.Unlock()
	b.change.Broadcast()
}

// take waits for messages and for room for them; none is the end.
func (b *bareBroker) take(c *bareConsumer, batch []bareMessage) []bareMessage {
	const most = 256
	b.mu.Lock()
	defer b.mu.Unlock()
	for !c.gone && (len(b.queue) == 0 || len(c.inFlight) >= c.rdy) {
		b.change.Wait()
	}
	if c.gone {
		return nil
	}
	n := min(len(b.queue), c.rdy-len(c.inFlight), most)
	batch = append(batch, b.queue[:n]...)
	clear(b.queue[:n])
	if b.queue = b.queue[n:]; len(b.queue) == 0 {
		b.queue = nil
	}
	for _, m := range batch {
		c.inFlight[m.id] = m
	}
	return batch
}

// adjust changes a consumer and lets it look again.
func (b *bareBroker) adjust(change func()) {
	b.mu.Lock()
	change()
	b.mu.Unlock()
	b.change.Broadcast()
}

func (b *bareBroker) deliver(w io.Writer, c *bareConsumer) error {
	var out []byte
	for batch := b.take(c, nil); len(batch) > 0; batch = b.take(c, batch[:0]) {
		out = out[:0]
		for _, m := range batch {
			out = binary.BigEndian.AppendUint32(out, uint32(4+8+2+16+len(m.body)))
			out = append(out, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1)
			out = hex.AppendEncode(out, binary.BigEndian.AppendUint64(nil, m.id))
			out = append(out, m.body...)
		}
		if _, err := w.Write(out); err != nil {
			return err
		}
	}
	return nil
}

// bareConn collects what has come in until nothing more is there, and then acts once.
type bareConn struct {
	net.Conn
	in       *bufio.Reader
	out      []byte
	broker   *bareBroker
	consumer *bareConsumer
	bodies   [][]byte
	finished []uint64
}

func (b *bareBroker) serve(raw net.Conn) error {
	defer raw.Close()
	c := &bareConn{Conn: raw, in: bufio.NewReaderSize(raw, 64<<10), broker: b, consumer: &bareConsumer{inFlight: map[uint64]bareMessage{}}}
	defer b.adjust(func() { c.consumer.gone = true })
	if _, err := c.in.Discard(len("  V2")); err != nil {
		return err
	}
	for {
		line, err := c.in.ReadSlice('\n')
		if err == nil {
			err = c.command(string(line[:len(line)-1]))
		}
		if err == nil && c.in.Buffered() == 0 {
			err = c.act()
		}
		if err != nil {
			return err
		}
	}
}

func (c *bareConn) command(line string) error {
	switch {
	case strings.HasPrefix(line, "FIN "):
		id, err := strconv.ParseUint(line[len("FIN "):], 16, 64)
		c.finished = append(c.finished, id)
		return err
	case strings.HasPrefix(line, "PUB "):
		body, err := c.body()
		c.bodies = append(c.bodies, body)
		c.answer("OK")
		return err
	case strings.HasPrefix(line, "MPUB "):
		body, err := c.body()
		for rest := body[min(4, len(body)):]; len(rest) > 4; {
			end := 4 + binary.BigEndian.Uint32(rest)
			c.bodies = append(c.bodies, rest[4:end])
			rest = rest[end:]
		}
		c.answer("OK")
		return err
	case line == "IDENTIFY":
		_, err := c.body()
		c.answer(`{"max_rdy_count":2500}`)
		return err
	case strings.HasPrefix(line, "SUB "):
		c.answer("OK")
		err := c.act()
		go func() { _ = c.broker.deliver(c, c.consumer) }()
		return err
	case strings.HasPrefix(line, "RDY "):
		n, err := strconv.Atoi(line[len("RDY "):])
		c.broker.adjust(func() { c.consumer.rdy = n })
		return err
	}
	return errors.New("unknown command " + line)
}

func (c *bareConn) body() ([]byte, error) {
	size := make([]byte, 4)
	if _, err := io.ReadFull(c.in, size); err != nil {
		return nil, err
	}
	body := make([]byte, binary.BigEndian.Uint32(size))
	_, err := io.ReadFull(c.in, body)
	return body, err
}

func (c *bareConn) answer(data string) {
	c.out = binary.BigEndian.AppendUint32(c.out, uint32(4+len(data)))
	c.out = append(c.out, 0, 0, 0, 0)
	c.out = append(c.out, data...)
}

func (c *bareConn) act() error {
	if len(c.bodies) > 0 {
		c.broker.put(c.bodies)
		c.bodies = c.bodies[:0]
	}
	if len(c.finished) > 0 {
		c.broker.adjust(func() {
			for _, id := range c.finished {
				delete(c.consumer.inFlight, id)
			}
		})
		c.finished = c.finished[:0]
	}
	if len(c.out) == 0 {
		return nil
	}
	_, err := c.Write(c.out)
	c.out = c.out[:0]
	return err
}
