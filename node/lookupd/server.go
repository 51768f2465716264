package lookupd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/nsqmesh/nsqmesh/node/registry"
)

// Registry takes in the stock nsqds that connect.
type Registry interface {
	Identify(registry.Producer) *registry.Guest
}

// Options are what a Server tells about its node.
type Options struct {
	BroadcastAddress string
	Hostname         string
	TCPPort          int // where it listens
	HTTPPort         int // where nsqds ask for channels
	Version          string
	Log              *slog.Logger
}

// Server serves the connections of stock nsqds.
type Server struct {
	o        Options
	registry Registry

	ctx  context.Context // ends with Close
	stop context.CancelFunc
	runs sync.WaitGroup // goroutines of connections

	mu        sync.Mutex
	closed    bool
	listeners map[net.Listener]struct{}
	conns     map[net.Conn]struct{}
}

// New returns a Server that serves nothing yet.
func New(o Options, r Registry) *Server {
	ctx, stop := context.WithCancel(context.Background())
	return &Server{
		o: o, registry: r, ctx: ctx, stop: stop,
		listeners: map[net.Listener]struct{}{}, conns: map[net.Conn]struct{}{},
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
		conn, err := l.Accept()
		switch {
		case err == nil:
			pause = 0
			s.start(conn)
		case errors.Is(err, net.ErrClosed) || s.ctx.Err() != nil:
			return nil
		case !passing(err):
			return fmt.Errorf("accept on %s: %w", l.Addr(), err)
		default:
			pause = min(max(2*pause, 5*time.Millisecond), time.Second)
			s.o.Log.Error("cannot accept connections for now", "address", l.Addr(), "err", err, "pause", pause)
			rest(s.ctx, pause)
		}
	}
}

// passing tells whether accepting may work again after a while: a client gave up, or the system is short of something.
func passing(err error) bool {
	return slices.ContainsFunc([]syscall.Errno{
		syscall.ECONNABORTED, syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM,
	}, func(e syscall.Errno) bool { return errors.Is(err, e) })
}

// rest waits for d, or until ctx ends.
func rest(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
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
func (s *Server) start(conn net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		_ = conn.Close()
		return
	}
	s.conns[conn] = struct{}{}
	s.runs.Go(func() {
		newSession(s, conn).run()
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.conns, conn)
	})
}

// Close stops accepting, closes all connections, whether they ever said anything or not, and waits until nothing of them
// is left.
func (s *Server) Close() {
	s.stop()
	s.mu.Lock()
	s.closed = true
	for l := range s.listeners {
		_ = l.Close()
	}
	for c := range s.conns {
		_ = c.Close()
	}
	s.mu.Unlock()
	s.runs.Wait()
}
