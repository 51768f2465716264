package lookupd

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"net"
	"strings"
	"time"

	"github.com/nsqmesh/nsqmesh/node/names"
	"github.com/nsqmesh/nsqmesh/node/registry"
)

const (
	magic       = "  V1"
	maxLine     = 4 << 10 // far above any command
	maxIdentify = 1 << 20

	magicPatience = time.Minute // whoever has not said by then what it speaks is no nsqd
	writePatience = 30 * time.Second
	closePatience = time.Second
	drainLimit    = 256 << 10
)

// fatal is an error that the client is told before its connection is closed. V1 knows no other kind.
type fatal string

func (f fatal) Error() string { return string(f) }

var errBadProtocol = fatal("E_BAD_PROTOCOL")

// session is one connection. Its answers are written when there is no further command to read.
type session struct {
	s     *Server
	conn  net.Conn
	r     *bufio.Reader
	w     *bufio.Writer
	guest *registry.Guest // nil before IDENTIFY
}

func newSession(s *Server, conn net.Conn) *session {
	c := &session{s: s, conn: conn, w: bufio.NewWriterSize(conn, 1024)}
	c.r = bufio.NewReaderSize(flushing{c}, maxLine)
	return c
}

// flushing sends what was answered before it waits for more.
type flushing struct{ c *session }

func (f flushing) Read(p []byte) (int, error) {
	if err := f.c.flush(); err != nil {
		return 0, err
	}
	return f.c.conn.Read(p)
}

func (c *session) flush() error {
	if c.w.Buffered() == 0 {
		return nil
	}
	_ = c.conn.SetWriteDeadline(time.Now().Add(writePatience))
	return c.w.Flush()
}

func (c *session) run() {
	log := c.s.o.Log.With("remote", c.conn.RemoteAddr().String())
	err := c.greet()
	for err == nil {
		err = c.command()
	}
	if f, told := errors.AsType[fatal](err); told {
		log.Warn("nsqd made an error", "err", f)
		_ = c.answer([]byte(f))
		c.part()
	} else if !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) {
		log.Info("connection of an nsqd broke", "err", err)
	}
	if c.guest != nil {
		c.guest.Disconnect()
		log.Info("nsqd left")
	}
	_ = c.conn.Close()
}

// part sees to it that the last answer arrives: closing with something unread would have the system throw it away.
func (c *session) part() {
	if c.flush() != nil {
		return
	}
	if half, ok := c.conn.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
	_ = c.conn.SetReadDeadline(time.Now().Add(closePatience))
	_, _ = io.Copy(io.Discard, io.LimitReader(c.conn, drainLimit))
}

func (c *session) greet() error {
	_ = c.conn.SetReadDeadline(time.Now().Add(magicPatience))
	var got [len(magic)]byte
	if _, err := io.ReadFull(c.r, got[:]); err != nil {
		return io.EOF // it said nothing, so it is told nothing
	}
	if string(got[:]) != magic {
		return errBadProtocol
	}
	return c.conn.SetReadDeadline(time.Time{})
}

// command reads and does one command.
func (c *session) command() error {
	line, err := c.r.ReadSlice('\n')
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		return fatal("E_INVALID command too long")
	case err != nil:
		return err
	}
	params := strings.Split(string(bytes.TrimSpace(line)), " ")
	answer, err := c.do(params[0], params[1:])
	if err != nil {
		return err
	}
	return c.answer(answer)
}

var ok = []byte("OK")

func (c *session) do(name string, params []string) ([]byte, error) {
	switch name {
	case "PING":
		if c.guest != nil {
			c.guest.Ping()
		}
		return ok, nil
	case "IDENTIFY":
		return c.identify()
	case "REGISTER":
		topic, channel, err := c.names(name, params)
		if err != nil {
			return nil, err
		}
		c.guest.Register(topic, channel)
		return ok, nil
	case "UNREGISTER":
		topic, channel, err := c.names(name, params)
		if err != nil {
			return nil, err
		}
		c.guest.Unregister(topic, channel)
		return ok, nil
	}
	return nil, fatal("E_INVALID invalid command " + name)
}

func (c *session) names(command string, params []string) (topic, channel string, err error) {
	if c.guest == nil {
		return "", "", fatal("E_INVALID client must IDENTIFY")
	}
	if len(params) == 0 {
		return "", "", fatal("E_INVALID " + command + " insufficient number of params")
	}
	topic = params[0]
	if len(params) > 1 {
		channel = params[1]
	}
	if !names.ValidTopic(topic) {
		return "", "", fatal("E_BAD_TOPIC " + command + " topic name '" + topic + "' is not valid")
	}
	if channel != "" && !names.ValidChannel(channel) {
		return "", "", fatal("E_BAD_CHANNEL " + command + " channel name '" + channel + "' is not valid")
	}
	return topic, channel, nil
}

// answer frames what the client is told. V1 has no frame type: a client tells errors by their text.
func (c *session) answer(payload []byte) error {
	frame := binary.BigEndian.AppendUint32(nil, uint32(len(payload)))
	_, err := c.w.Write(append(frame, payload...))
	return err
}

func (c *session) identify() ([]byte, error) {
	if c.guest != nil {
		return nil, fatal("E_INVALID cannot IDENTIFY again")
	}
	body, err := c.body()
	if err != nil {
		return nil, err
	}
	var p registry.Producer
	if err := json.Unmarshal(body, &p); err != nil {
		return nil, fatal("E_BAD_BODY IDENTIFY failed to decode JSON body")
	}
	if p.BroadcastAddress == "" || p.TCPPort == 0 || p.HTTPPort == 0 || p.Version == "" {
		return nil, fatal("E_BAD_BODY IDENTIFY missing fields")
	}
	p.RemoteAddress = c.conn.RemoteAddr().String()
	c.guest = c.s.registry.Identify(p)
	c.s.o.Log.Info("nsqd came", "remote", p.RemoteAddress, "broadcast", p.BroadcastAddress,
		"tcp", p.TCPPort, "http", p.HTTPPort, "version", p.Version)
	return c.s.o.identity(), nil
}

// body reads what follows IDENTIFY. Nothing is set aside for a size before its bytes have come.
func (c *session) body() ([]byte, error) {
	var prefix [4]byte
	if _, err := io.ReadFull(c.r, prefix[:]); err != nil {
		return nil, fatal("E_BAD_BODY IDENTIFY failed to read body size")
	}
	size := int32(binary.BigEndian.Uint32(prefix[:]))
	if size < 0 || size > maxIdentify {
		return nil, fatal("E_BAD_BODY IDENTIFY invalid body size")
	}
	body, err := io.ReadAll(io.LimitReader(c.r, int64(size)))
	if err != nil || len(body) < int(size) {
		return nil, fatal("E_BAD_BODY IDENTIFY failed to read body")
	}
	return body, nil
}

// identity answers IDENTIFY. An nsqd asks for channels at the address and HTTP port named there.
func (o Options) identity() []byte {
	b, _ := json.Marshal(struct { // strings and numbers cannot fail
		BroadcastAddress string `json:"broadcast_address"`
		Hostname         string `json:"hostname"`
		HTTPPort         int    `json:"http_port"`
		TCPPort          int    `json:"tcp_port"`
		Version          string `json:"version"`
	}{o.BroadcastAddress, o.Hostname, o.HTTPPort, o.TCPPort, o.Version})
	return b
}
