package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"testing"
	"time"
)

// wire is a connection of protocol V2 that does exactly what a test says: go-nsq would answer and reconnect by itself.
type wire struct {
	t testing.TB
	net.Conn
	in *bufio.Reader
}

func dialWire(t testing.TB, address string) *wire {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	w := &wire{t, conn, bufio.NewReader(conn)}
	w.send("  V2")
	return w
}

func (w *wire) send(format string, args ...any) {
	w.t.Helper()
	if _, err := fmt.Fprintf(w, format, args...); err != nil {
		w.t.Fatal(err)
	}
}

// The types of frames.
const (
	frameResponse = 0
	frameError    = 1
	frameMessage  = 2
)

func (w *wire) frame() (kind uint32, data []byte) {
	w.t.Helper()
	var head [8]byte
	if _, err := io.ReadFull(w.in, head[:]); err != nil {
		w.t.Fatal(err)
	}
	data = make([]byte, binary.BigEndian.Uint32(head[:])-4)
	if _, err := io.ReadFull(w.in, data); err != nil {
		w.t.Fatal(err)
	}
	return binary.BigEndian.Uint32(head[4:]), data
}

// wireMessage is a message as it comes to a consumer.
type wireMessage struct {
	timestamp int64
	attempts  uint16
	id, body  string
}

// message skips what is no message.
func (w *wire) message() wireMessage {
	w.t.Helper()
	for {
		kind, data := w.frame()
		if kind == frameError {
			w.t.Fatalf("got the error %s", data)
		}
		if kind == frameMessage {
			return parseMessage(data)
		}
	}
}

// parseMessage reads the data of a message frame, which is that of a record on disk.
func parseMessage(data []byte) wireMessage {
	return wireMessage{
		timestamp: int64(binary.BigEndian.Uint64(data)), attempts: binary.BigEndian.Uint16(data[8:]),
		id: string(data[10:26]), body: string(data[26:]),
	}
}

func (w *wire) messages(n int) (all []wireMessage) {
	w.t.Helper()
	for range n {
		all = append(all, w.message())
	}
	return all
}

// answer is the next frame but heartbeats and messages, with its error code if it is an error.
func (w *wire) answer() string {
	w.t.Helper()
	for {
		if kind, data := w.frame(); kind == frameError || kind == frameResponse && string(data) != "_heartbeat_" {
			return string(data)
		}
	}
}
