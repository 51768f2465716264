package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"time"
)

// wire is a connection of protocol V2 that does exactly what it is told: what the clients in use do by themselves would
// hide what a node did.
type wire struct {
	net.Conn
	in *bufio.Reader
}

const callPatience = 2 * time.Second

type frameKind uint32

const (
	frameResponse frameKind = iota
	frameError
	frameMessage
)

var errSurelyNot = errors.New("nothing was sent")

func dial(address string) (*wire, error) {
	conn, err := net.DialTimeout("tcp", address, callPatience)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errSurelyNot, err)
	}
	w := &wire{conn, bufio.NewReaderSize(conn, 64<<10)}
	_ = conn.SetDeadline(time.Now().Add(callPatience))
	if _, err := conn.Write([]byte("  V2")); err != nil {
		conn.Close()
		return nil, fmt.Errorf("%w: %w", errSurelyNot, err)
	}
	return w, nil
}

func (w *wire) send(b []byte) error {
	_ = w.SetWriteDeadline(time.Now().Add(callPatience))
	_, err := w.Write(b)
	return err
}

// frame reads the next one but heartbeats, which it answers.
func (w *wire) frame(wait time.Duration) (frameKind, []byte, error) {
	_ = w.SetReadDeadline(time.Now().Add(wait))
	for {
		if _, err := w.in.Peek(8); err != nil { // a timeout leaves what came where it is
			return 0, nil, err
		}
		head, _ := w.in.Peek(8)
		size, kind := binary.BigEndian.Uint32(head), frameKind(binary.BigEndian.Uint32(head[4:]))
		if size < 4 || size > 16<<20 {
			return 0, nil, fmt.Errorf("a frame of %d bytes", size)
		}
		_, _ = w.in.Discard(8)
		data := make([]byte, size-4)
		_ = w.SetReadDeadline(time.Now().Add(callPatience))
		if _, err := io.ReadFull(w.in, data); err != nil {
			return 0, nil, err
		}
		if kind != frameResponse || string(data) != "_heartbeat_" {
			return kind, data, nil
		}
		if err := w.send([]byte("NOP\n")); err != nil {
			return 0, nil, err
		}
	}
}

// call sends a command and reads its answer.
func (w *wire) call(command []byte) error {
	if err := w.send(command); err != nil {
		return err
	}
	kind, data, err := w.frame(callPatience)
	if err == nil && (kind != frameResponse || string(data) != "OK") {
		err = fmt.Errorf("the answer is %.100s", data)
	}
	return err
}

func pubCommand(topic string, body []byte) []byte {
	b := fmt.Appendf(nil, "PUB %s\n", topic)
	return append(binary.BigEndian.AppendUint32(b, uint32(len(body))), body...)
}

func dpubCommand(topic string, delay time.Duration, body []byte) []byte {
	b := fmt.Appendf(nil, "DPUB %s %d\n", topic, delay.Milliseconds())
	return append(binary.BigEndian.AppendUint32(b, uint32(len(body))), body...)
}

func mpubCommand(topic string, bodies [][]byte) []byte {
	payload := binary.BigEndian.AppendUint32(nil, uint32(len(bodies)))
	for _, body := range bodies {
		payload = append(binary.BigEndian.AppendUint32(payload, uint32(len(body))), body...)
	}
	b := fmt.Appendf(nil, "MPUB %s\n", topic)
	return append(binary.BigEndian.AppendUint32(b, uint32(len(payload))), payload...)
}

// sentNothing reports whether an error of an HTTP call says that the node was not reached.
func sentNothing(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }
