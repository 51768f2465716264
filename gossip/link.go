package gossip

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

const (
	smallQueue    = 256
	smallFrame    = 64 << 10 // larger frames wait behind the small ones, which carry pings
	writePatience = 5 * time.Second
)

var errLinkClosed = errors.New("link closed")

// link is one connection to one process of a member. One goroutine reads it, one writes it. Who sends never waits for
// the wire, except for what he chose to wait for: a full queue drops pushes, and anti-entropy repairs that.
type link struct {
	mesh    *Mesh
	life    *life
	peer    hello
	conn    net.Conn
	dialled bool // by us
	born    time.Time

	small, bulk chan []byte
	done        chan struct{}
	closing     sync.Once
	deliberate  atomic.Bool // closed by us for a reason of our own: no suspicion follows

	heard atomic.Int64 // nanoseconds since born
	used  atomic.Int64 // the same, of the last call that somebody made
	rtt   atomic.Int64

	asking atomic.Bool // others are being asked about its silence

	calls calls
}

func newLink(m *Mesh, life *life, conn net.Conn, peer hello, dialled bool) *link {
	return &link{
		mesh: m, life: life, peer: peer, conn: conn, dialled: dialled, born: time.Now(),
		small: make(chan []byte, smallQueue), bulk: make(chan []byte, 1), done: make(chan struct{}),
	}
}

func (l *link) heardAt() time.Time { return l.born.Add(time.Duration(l.heard.Load())) }
func (l *link) usedAt() time.Time  { return l.born.Add(time.Duration(l.used.Load())) }

func (l *link) closed() bool {
	select {
	case <-l.done:
		return true
	default:
		return false
	}
}

// close may be called by anybody, any number of times.
func (l *link) close() {
	l.closing.Do(func() {
		close(l.done)
		_ = l.conn.Close()
	})
}

// drop closes a link that we do not want any more.
func (l *link) drop() {
	l.deliberate.Store(true)
	l.close()
}

// offer queues a frame if there is room.
func (l *link) offer(frame []byte) bool {
	queue := l.small
	if len(frame) > smallFrame {
		queue = l.bulk
	}
	select {
	case <-l.done:
		return false
	default:
	}
	select {
	case queue <- frame:
		return true
	default:
		return false
	}
}

// send queues a frame, or waits until there is room.
func (l *link) send(ctx context.Context, queue chan []byte, frame []byte) error {
	select {
	case queue <- frame:
		return nil
	case <-l.done:
		return errLinkClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

// write puts queued frames on the wire, small ones first, and flushes when nothing more is queued.
func (l *link) write() {
	defer l.close()
	w := bufio.NewWriterSize(l.conn, 16<<10)
	for {
		frame := l.next(w)
		if frame == nil {
			return
		}
		_ = l.conn.SetWriteDeadline(time.Now().Add(writePatience))
		if _, err := w.Write(frame); err != nil {
			return
		}
		l.mesh.stats.linkOut.Add(uint64(len(frame)))
	}
}

func (l *link) next(w *bufio.Writer) []byte {
	select {
	case frame := <-l.small:
		return frame
	default:
	}
	select {
	case frame := <-l.small:
		return frame
	case frame := <-l.bulk:
		return frame
	default:
	}
	if w.Flush() != nil {
		return nil
	}
	select {
	case frame := <-l.small:
		return frame
	case frame := <-l.bulk:
		return frame
	case <-l.done:
		return nil
	}
}

// Read makes every byte that arrives a sign of life, also those of a large frame on a slow network.
func (l *link) Read(b []byte) (int, error) {
	n, err := l.conn.Read(b)
	if n > 0 {
		l.heard.Store(int64(time.Since(l.born)))
		l.mesh.stats.linkIn.Add(uint64(n))
	}
	return n, err
}

// read hands every frame to the mesh until the link ends.
func (l *link) read() {
	defer l.close()
	r := bufio.NewReaderSize(l, 8<<10)
	for {
		t, payload, err := readFrame(r, maxFrame)
		if err == nil {
			t, payload, err = l.mesh.framer.open(t, payload)
		}
		if err == nil {
			err = l.take(t, payload)
		}
		if err != nil {
			return
		}
	}
}

// take handles one frame. Nothing here may block: the peer's pings wait behind it. Frames of unknown types are skipped,
// so that later versions can have more of them.
func (l *link) take(t frameType, payload []byte) error {
	switch t {
	case framePing:
		l.offer(plainFrame(framePong, payload))
	case framePong:
		return l.takePong(payload)
	case framePush:
		return l.mesh.takePush(l, payload)
	case frameRequest:
		return l.takeRequest(payload)
	case frameResponse:
		return l.takeResponse(payload)
	case frameCancel:
		return l.takeCancel(payload)
	case frameGoodbye:
		l.mesh.table.parted(l.peer.id, l.peer.instance)
	case frameSuspect:
		return l.mesh.takeSuspect(payload)
	}
	return nil
}

// ping carries the time since the link was made, which comes back in the pong.
func (l *link) ping() {
	l.offer(plainFrame(framePing, binary.BigEndian.AppendUint64(nil, uint64(time.Since(l.born)))))
}

func (l *link) takePong(payload []byte) error {
	r := reader{rest: payload}
	sent := time.Duration(r.uint64())
	if age := time.Since(l.born); sent >= 0 && sent <= age {
		l.rtt.Store(int64(age - sent))
	}
	return r.err()
}
