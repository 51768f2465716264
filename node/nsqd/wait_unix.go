//go:build unix

package nsqd

import (
	"fmt"
	"io"
	"net"
	"syscall"
)

// waiter waits for input without holding a buffer. net.Conn.Read wants one for as long as it waits; here it is taken from
// the pool when the kernel is asked, and goes back when there is nothing yet. The system calls are those of net.Conn.Read,
// deadlines and Close work alike. A quiet connection so costs no read buffer: 16 KB less for each of 10,000 consumers.
// BenchmarkIdleConsumers shows what remains. The plain twin is conn.fill, used for everything that is no socket.
type waiter struct {
	socket syscall.RawConn
	try    func(fd uintptr) bool // made once, since a method value is an allocation

	s   *scratch
	n   int
	err error
}

// newWaiter returns nil where c is no TCP or Unix socket.
func newWaiter(c net.Conn) *waiter {
	switch c.(type) {
	case *net.TCPConn, *net.UnixConn:
	default:
		return nil
	}
	socket, err := c.(syscall.Conn).SyscallConn()
	if err != nil {
		return nil
	}
	w := &waiter{socket: socket}
	w.try = w.read
	return w
}

// wait returns when there is input, with the scratch whose first n bytes of input it is.
func (w *waiter) wait() (s *scratch, n int, err error) {
	w.err = nil
	err = w.socket.Read(w.try)
	s, n, w.s = w.s, w.n, nil
	if err == nil {
		err = w.err
	}
	if err != nil {
		if s != nil {
			s.release()
		}
		return nil, 0, err
	}
	return s, n, nil
}

// read tries once. It reports false when there is nothing to read yet.
func (w *waiter) read(fd uintptr) bool {
	s := scratches.Get().(*scratch)
	for {
		n, err := syscall.Read(int(fd), s.input)
		switch {
		case err == syscall.EINTR:
			continue
		case err == syscall.EAGAIN:
			s.release()
			return false
		case err != nil:
			w.err = fmt.Errorf("read: %w", err)
		case n == 0:
			w.err = io.EOF
		}
		w.s, w.n = s, n
		return true
	}
}
