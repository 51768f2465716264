package bench

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"github.com/nsqmesh/nsqmesh/cmd/cli"
)

// The client's side of protocol V2, as small and as cheap as it can be: the client must not be what is measured.

const (
	answerFrame  = 0
	errorFrame   = 1
	messageFrame = 2

	headBytes   = 8        // size and type
	messageHead = 8 + 2    // time and attempts
	messageID   = 16       // behind the head
	leastBuffer = 64 << 10 // at least
	saneFrame   = 64 << 20 // what claims to be larger is no frame
	dialTimeout = 5 * time.Second
)

// benchConn is a connection to a server. One goroutine reads; writes are whole commands and may come from others.
type benchConn struct {
	net.Conn
	r      *bufio.Reader
	maxRdy int // what the server allows
}

// dialServer connects and introduces itself. Messages will be of this size.
func dialServer(ctx context.Context, address string, size int) (*benchConn, error) {
	return dialWith(ctx, address, max(leastBuffer, 16*size), `{"client_id":"nsqmesh bench","user_agent":"`+cli.UserAgent("bench")+`","feature_negotiation":true}`)
}

func dialWith(ctx context.Context, address string, buffer int, identity string) (*benchConn, error) {
	dialer := net.Dialer{Timeout: dialTimeout}
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("connect (is a server there? --address says where): %w", err)
	}
	c := &benchConn{Conn: conn, r: bufio.NewReaderSize(conn, buffer)}
	if err := c.identify(identity); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

func (c *benchConn) identify(identity string) error {
	var answer struct {
		MaxRdyCount  int  `json:"max_rdy_count"`
		AuthRequired bool `json:"auth_required"`
	}
	data, err := c.ask(appendBody([]byte("  V2IDENTIFY\n"), identity))
	switch {
	case err != nil:
		return err
	case json.Unmarshal(data, &answer) != nil:
		return fmt.Errorf("%s does not speak protocol V2 of nsqd: it answered %.40q", c.RemoteAddr(), data)
	case answer.AuthRequired:
		return errors.New("the server wants AUTH, which bench has not: measure one without --auth-http-address")
	}
	c.maxRdy = answer.MaxRdyCount
	return nil
}

// ask sends a command and waits for its answer.
func (c *benchConn) ask(command []byte) ([]byte, error) {
	_ = c.SetDeadline(time.Now().Add(dialTimeout))
	defer c.SetDeadline(time.Time{})
	if _, err := c.Write(command); err != nil {
		return nil, lostServer(err)
	}
	kind, data, err := c.frame()
	if err == nil && kind == messageFrame {
		err = errors.New("a message came where an answer was due")
	}
	return data, err
}

// subscribe makes the topic and the channel if they are missing. Nothing is delivered before ready.
func (c *benchConn) subscribe(topic, channel string) error {
	_, err := c.ask([]byte("SUB " + topic + " " + channel + "\n"))
	return err
}

// ready asks for up to n messages at a time, or what the server allows.
func (c *benchConn) ready(n int) error {
	_, err := fmt.Fprintf(c, "RDY %d\n", min(n, c.maxRdy))
	return lostServer(err)
}

// frame reads the next answer or message, and answers heartbeats by itself. The data is good until the next call.
// An answer that is an error is returned as one.
func (c *benchConn) frame() (kind uint32, data []byte, err error) {
	for {
		head, err := c.r.Peek(headBytes)
		if err != nil {
			return 0, nil, lostServer(err)
		}
		size := int64(binary.BigEndian.Uint32(head)) + 4
		if size < headBytes || size > saneFrame {
			return 0, nil, fmt.Errorf("%s does not speak protocol V2 of nsqd (is that its HTTP port?): %q", c.RemoteAddr(), head)
		}
		frame, err := c.take(int(size))
		if err != nil {
			return 0, nil, lostServer(err)
		}
		kind, data = binary.BigEndian.Uint32(frame[4:]), frame[headBytes:]
		switch {
		case kind == errorFrame:
			return kind, data, explainRefusal(string(data))
		case kind == answerFrame && string(data) == "_heartbeat_":
			if _, err := c.Write([]byte("NOP\n")); err != nil {
				return 0, nil, lostServer(err)
			}
		default:
			return kind, data, nil
		}
	}
}

// take reads n bytes, without a copy if they fit into the buffer.
func (c *benchConn) take(n int) ([]byte, error) {
	if n > c.r.Size() {
		b, err := io.ReadAll(io.LimitReader(c.r, int64(n))) // no memory for what is only announced
		if err == nil && len(b) < n {
			err = io.ErrUnexpectedEOF
		}
		return b, err
	}
	b, err := c.r.Peek(n)
	if err == nil {
		_, err = c.r.Discard(n) // the bytes stay until the buffer is filled again
	}
	return b, err
}

// drained tells that no further answer or message is here already.
func (c *benchConn) drained() bool { return c.r.Buffered() < headBytes }

func (c *benchConn) close() { c.Close() }

// closeOn closes the connection when ctx ends, which wakes whoever reads or writes.
func (c *benchConn) closeOn(ctx context.Context) (stop func() bool) {
	return context.AfterFunc(ctx, c.close)
}

type benchConns []*benchConn

func (all benchConns) close() {
	for _, c := range all {
		c.close()
	}
}

// lostServer says what the end of a connection means.
func lostServer(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("the server does not answer: %w", err)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the server closed the connection (its log says why)")
	}
	return fmt.Errorf("lost the server: %w", err)
}

// The commands.

// appendBody appends a body behind its size.
func appendBody(b []byte, body string) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(body))), body...)
}

func appendPub(b []byte, topic, body string) []byte {
	return appendBody(append(b, "PUB "+topic+"\n"...), body)
}

// appendMpub appends a command that publishes the same body n times.
func appendMpub(b []byte, topic, body string, n int) []byte {
	b = append(b, "MPUB "+topic+"\n"...)
	b = binary.BigEndian.AppendUint32(b, uint32(4+n*(4+len(body))))
	b = binary.BigEndian.AppendUint32(b, uint32(n))
	for range n {
		b = appendBody(b, body)
	}
	return b
}

// appendFin finishes a message, whose frame's data this is.
func appendFin(b, message []byte) []byte {
	b = append(b, "FIN "...)
	b = append(b, message[messageHead:messageHead+messageID]...)
	return append(b, '\n')
}

// benchBody is a body of so many letters.
func benchBody(size int) string {
	const letters = "abcdefghijklmnopqrstuvwxyz"
	return strings.Repeat(letters, size/len(letters)+1)[:size]
}
