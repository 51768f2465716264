package lookupd

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"time"
)

const (
	pingPeriod   = 15 * time.Second
	peerPatience = time.Second // for a connection, and for each read and write
	retryDelay   = time.Second // doubled with each failure, up to the ping period
	maxEvents    = 4096
)

// event is how a topic of this node looked when it changed.
type event struct {
	topic    string
	exists   bool
	channels []string
}

// daemon is what an nsqlookupd says about itself when greeted.
type daemon struct {
	TCPPort          int    `json:"tcp_port"`
	HTTPPort         int    `json:"http_port"`
	Version          string `json:"version"`
	BroadcastAddress string `json:"broadcast_address"`
}

// peer is one stock nsqlookupd. Its connection is made anew when there is something to say and the old one broke.
type peer struct {
	p    *Peers
	addr string
	wake chan struct{}
	stop context.CancelFunc

	conn net.Conn                       // nil while there is none; the goroutine's
	told map[string]map[string]struct{} // topics and channels registered over conn; the goroutine's
	dead bool                           // the last attempt to connect failed; logged once

	mu     sync.Mutex
	events []event
	lost   bool // events were too many: everything is to be compared
	info   daemon
}

func newPeer(p *Peers, addr string) *peer {
	return &peer{p: p, addr: addr, wake: make(chan struct{}, 1)}
}

func (x *peer) enqueue(events []event) {
	x.mu.Lock()
	if len(x.events)+len(events) > maxEvents {
		x.events, x.lost = nil, true
	} else {
		x.events = append(x.events, events...)
	}
	x.mu.Unlock()
	select {
	case x.wake <- struct{}{}:
	default:
	}
}

func (x *peer) take() (events []event, lost bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	events, lost = x.events, x.lost
	x.events, x.lost = nil, false
	return events, lost
}

// run says what there is to say, and PING every 15 s. A peer that cannot be reached is tried again a little later.
func (x *peer) run(ctx context.Context) {
	unhook := context.AfterFunc(ctx, func() { x.interrupt() })
	defer unhook()
	defer x.drop()
	delay := time.Duration(0)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		connected := x.conn != nil
		select {
		case <-ctx.Done():
			return
		case <-x.wake:
		case <-timer.C:
			if connected && x.command(ctx, "PING") != nil {
				connected = false
			}
			timer.Reset(pingPeriod)
		}
		if x.catchUp(ctx, connected) == nil {
			delay = 0
			continue
		}
		delay = min(max(2*delay, retryDelay), pingPeriod)
		timer.Reset(delay)
	}
}

// catchUp brings the peer to what is now, over a new connection if the old one is or turns out to be broken.
func (x *peer) catchUp(ctx context.Context, connected bool) error {
	events, lost := x.take()
	if connected && !lost {
		if x.tell(ctx, events) == nil {
			return nil
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	err := x.connect(ctx)
	if err != nil {
		x.drop()
	}
	switch {
	case err != nil && ctx.Err() == nil && !x.dead:
		x.p.o.Log.Warn("nsqlookupd does not answer", "address", x.addr, "err", err)
	case err == nil:
		x.p.o.Log.Info("registered with nsqlookupd", "address", x.addr)
	}
	x.dead = err != nil
	return err
}

// connect greets the peer and registers everything, as a stock nsqd does: topics by name only where they have no channel.
func (x *peer) connect(ctx context.Context) error {
	x.drop()
	dialer := net.Dialer{Timeout: peerPatience}
	conn, err := dialer.DialContext(ctx, "tcp", x.addr)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	x.hold(conn)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	x.told = map[string]map[string]struct{}{}
	if err := x.write([]byte(magic)); err != nil {
		return fmt.Errorf("greet: %w", err)
	}
	if err := x.identify(); err != nil {
		return fmt.Errorf("identify: %w", err)
	}
	for _, topic := range x.p.queues.Topics() {
		if channels, exists := x.p.queues.Channels(topic); exists {
			if err := x.register(ctx, topic, channels, len(channels) == 0); err != nil {
				return err
			}
		}
	}
	return nil
}

func (x *peer) hold(conn net.Conn) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.conn = conn
}

// interrupt ends a read or write that is under way.
func (x *peer) interrupt() {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.conn != nil {
		_ = x.conn.Close()
	}
}

func (x *peer) drop() {
	x.interrupt()
	x.hold(nil)
	x.told = nil
}

// tell says how topics changed, from what this connection was told before.
func (x *peer) tell(ctx context.Context, events []event) error {
	for _, e := range events {
		if err := x.tellOne(ctx, e); err != nil {
			return err
		}
	}
	return nil
}

func (x *peer) tellOne(ctx context.Context, e event) error {
	told, known := x.told[e.topic]
	for channel := range told {
		if e.exists && slices.Contains(e.channels, channel) {
			continue
		}
		delete(told, channel)
		if err := x.command(ctx, "UNREGISTER "+e.topic+" "+channel); err != nil {
			return err
		}
	}
	switch {
	case e.exists:
		return x.register(ctx, e.topic, e.channels, !known)
	case known:
		delete(x.told, e.topic)
		return x.command(ctx, "UNREGISTER "+e.topic)
	}
	return nil
}

// register says what of a topic was not said yet, the topic's own name only if asked to.
func (x *peer) register(ctx context.Context, topic string, channels []string, byName bool) error {
	told := x.told[topic]
	if told == nil {
		told = map[string]struct{}{}
		x.told[topic] = told
	}
	if byName {
		if err := x.command(ctx, "REGISTER "+topic); err != nil {
			return err
		}
	}
	for _, channel := range channels {
		if _, done := told[channel]; done {
			continue
		}
		told[channel] = struct{}{}
		if err := x.command(ctx, "REGISTER "+topic+" "+channel); err != nil {
			return err
		}
	}
	return nil
}

// command says one thing and waits for the answer, which is not looked at: V1's errors close the connection.
func (x *peer) command(ctx context.Context, line string) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	err := x.write([]byte(line + "\n"))
	if err == nil {
		_, err = x.answer()
	}
	if err != nil {
		return fmt.Errorf("say %s: %w", line, err)
	}
	return nil
}

func (x *peer) write(b []byte) error {
	_ = x.conn.SetWriteDeadline(time.Now().Add(peerPatience))
	_, err := x.conn.Write(b)
	return err
}

var errTooLarge = errors.New("answer too large")

func (x *peer) answer() ([]byte, error) {
	_ = x.conn.SetReadDeadline(time.Now().Add(peerPatience))
	var prefix [4]byte
	if _, err := io.ReadFull(x.conn, prefix[:]); err != nil {
		return nil, err
	}
	size := int64(int32(binary.BigEndian.Uint32(prefix[:])))
	if size < 0 || size > x.p.o.MaxBodySize {
		return nil, errTooLarge
	}
	b, err := io.ReadAll(io.LimitReader(x.conn, size))
	if err == nil && int64(len(b)) < size {
		err = io.ErrUnexpectedEOF
	}
	return b, err
}

func (x *peer) identify() error {
	o := x.p.o
	body, _ := json.Marshal(struct { // strings and numbers cannot fail
		BroadcastAddress string `json:"broadcast_address"`
		Hostname         string `json:"hostname"`
		HTTPPort         int    `json:"http_port"`
		TCPPort          int    `json:"tcp_port"`
		Region           string `json:"topology_region"`
		Zone             string `json:"topology_zone"`
		Version          string `json:"version"`
	}{o.BroadcastAddress, o.Hostname, o.HTTPPort, o.TCPPort, o.Region, o.Zone, o.Version})
	b := binary.BigEndian.AppendUint32([]byte("IDENTIFY\n"), uint32(len(body)))
	if err := x.write(append(b, body...)); err != nil {
		return err
	}
	answer, err := x.answer()
	if err != nil {
		return err
	}
	var d daemon
	if err := json.Unmarshal(answer, &d); err != nil {
		return fmt.Errorf("answer %q: %w", answer, err)
	}
	if d.BroadcastAddress == "" {
		x.p.o.Log.Error("nsqlookupd names no broadcast address; it will not be asked for channels", "address", x.addr)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.info = d
	return nil
}
