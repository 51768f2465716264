package nsqd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/nsqmesh/nsqmesh/node/queue"
)

// Broker turns valid names into topics and channels, and makes those that are missing.
type Broker interface {
	Topic(name string) (*queue.Topic, error)
	Channel(topic, channel string) (*queue.Channel, error)
}

// Server serves the connections of producers and consumers.
type Server struct {
	o      Options
	broker Broker

	ctx  context.Context // ends with Close
	stop context.CancelFunc
	runs sync.WaitGroup // goroutines of connections

	mu        sync.Mutex
	closed    bool
	listeners map[net.Listener]struct{}
	conns     map[*conn]struct{}
	accepted  uint64
}

// New returns a Server that serves nothing yet.
func New(o Options, b Broker) *Server {
	ctx, stop := context.WithCancel(context.Background())
	return &Server{
		o: o, broker: b,
		ctx: ctx, stop: stop,
		listeners: map[net.Listener]struct{}{},
		conns:     map[*conn]struct{}{},
	}
}

// Serve accepts connections until Close, or until l is closed. Whatever else ends it is an error.
func (s *Server) Serve(l net.Listener) error {
	if !s.open(l) {
		return l.Close()
	}
	defer s.forget(l)
	var pause time.Duration
	for {
		raw, err := l.Accept()
		switch {
		case err == nil:
			pause = 0
			s.start(raw)
		case errors.Is(err, net.ErrClosed) || s.ctx.Err() != nil:
			return nil
		case !passing(err):
			return fmt.Errorf("accept on %s: %w", l.Addr(), err)
		default:
			pause = min(max(2*pause, 5*time.Millisecond), time.Second)
			s.o.Log.Error("cannot accept connections for now", "address", l.Addr(), "err", err, "pause", pause)
			s.sleep(pause)
		}
	}
}

// passing tells whether accepting may work again after a while: a client gave up, or the system is short of something.
func passing(err error) bool {
	return slices.ContainsFunc([]syscall.Errno{
		syscall.ECONNABORTED, syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM,
	}, func(e syscall.Errno) bool { return errors.Is(err, e) })
}

// sleep waits for d, or until Close.
func (s *Server) sleep(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-s.ctx.Done():
	}
}

func (s *Server) open(l net.Listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.listeners[l] = struct{}{}
	}
	return !s.closed
}

func (s *Server) forget(l net.Listener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.listeners, l)
}

// start serves one connection in its own goroutine.
func (s *Server) start(raw net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		raw.Close()
		return
	}
	s.accepted++
	c := newConn(s, s.accepted, raw)
	s.conns[c] = struct{}{}
	s.runs.Go(func() {
		c.run()
		s.drop(c)
	})
}

func (s *Server) drop(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
}

// Close stops accepting, closes all connections and waits until nothing of them is left. Clients see their connection end
// without a word, as those of a stock nsqd do.
func (s *Server) Close() {
	s.stop()
	s.mu.Lock()
	s.closed = true
	for l := range s.listeners {
		l.Close()
	}
	for c := range s.conns {
		c.raw.Close()
	}
	s.mu.Unlock()
	s.runs.Wait()
}

// Connections is how many there are.
func (s *Server) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

// Disconnect cuts the connections from a remote address, as ClientStats has it, and returns how many there were. What is in
// flight to them comes back when it times out, as after any lost connection.
func (s *Server) Disconnect(address string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		if c.String() == address {
			c.raw.Close()
			n++
		}
	}
	return n
}

// Clients returns what is known of every connection, in the order in which they came.
func (s *Server) Clients() []ClientStats {
	s.mu.Lock()
	conns := make([]*conn, 0, len(s.conns))
	for c := range s.conns {
		conns = append(conns, c)
	}
	s.mu.Unlock()
	slices.SortFunc(conns, func(a, b *conn) int { return cmp.Compare(a.number, b.number) })
	stats := make([]ClientStats, len(conns))
	for i, c := range conns {
		stats[i] = c.stats()
	}
	return stats
}
