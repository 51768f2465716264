package gossip

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"
)

var (
	ErrUnknownMember = errors.New("no such member")
	ErrUnreachable   = errors.New("member cannot be reached")
	ErrBusy          = errors.New("member is busy")
	ErrNoHandler     = errors.New("member does not know that call")
	ErrTooLarge      = errors.New("call body too large")
	ErrNotRunning    = errors.New("mesh is not running")
)

// RemoteError is an error that a handler returned on the other side.
type RemoteError struct{ Text string }

func (e *RemoteError) Error() string { return e.Text }

// Handler answers a call. The context ends with the caller's patience or the link.
type Handler func(ctx context.Context, from string, body []byte) ([]byte, error)

const (
	maxBody      = maxChunk + 32<<10
	maxServing   = 64 // handlers at work for others
	maxInbox     = 32 // chunks of one answer that wait to be taken
	callPatience = 30 * time.Second
)

type answer uint8

const (
	answerLast answer = iota
	answerMore
	answerError
	answerBusy
	answerUnknown
)

// calls are the requests that a link has open in both directions.
type calls struct {
	mu      sync.Mutex
	last    uint32
	waiting map[uint32]*call
	serving map[uint32]context.CancelFunc
}

// call is a request of ours. Its answer comes in one or more parts.
type call struct {
	mu     sync.Mutex
	parts  []part
	wake   chan struct{}
	failed bool
}

type part struct {
	kind answer
	body []byte
}

func (c *call) put(p part) {
	c.mu.Lock()
	if len(c.parts) >= maxInbox {
		c.failed = true
	} else {
		c.parts = append(c.parts, p)
	}
	c.mu.Unlock()
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

func (c *call) get() (p part, ok bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failed {
		return part{}, false, ErrTooLarge
	}
	if len(c.parts) == 0 {
		return part{}, false, nil
	}
	p = c.parts[0]
	c.parts = c.parts[1:]
	return p, true, nil
}

func (l *link) open() (uint32, *call) {
	c := &call{wake: make(chan struct{}, 1)}
	l.calls.mu.Lock()
	defer l.calls.mu.Unlock()
	if l.calls.waiting == nil {
		l.calls.waiting = make(map[uint32]*call)
	}
	l.calls.last++
	l.calls.waiting[l.calls.last] = c
	return l.calls.last, c
}

// finish forgets a call and tells the peer, if it may still be at work.
func (l *link) finish(id uint32, answered bool) {
	l.calls.mu.Lock()
	delete(l.calls.waiting, id)
	l.calls.mu.Unlock()
	if !answered {
		l.offer(plainFrame(frameCancel, binary.BigEndian.AppendUint32(nil, id)))
	}
}

// stream asks the peer and passes every part of its answer to each, in order.
func (l *link) stream(ctx context.Context, kind string, body []byte, each func([]byte) error) error {
	if len(body) > maxBody {
		return ErrTooLarge
	}
	patience := callPatience
	if end, ok := ctx.Deadline(); ok {
		patience = time.Until(end)
	}
	id, c := l.open()
	answered := false
	defer func() { l.finish(id, answered) }()
	request := l.mesh.framer.frame(frameRequest, encodeRequest(request{id, patience, kind, body}))
	if err := l.send(ctx, l.queueFor(request), request); err != nil {
		return l.unreachable(err)
	}
	for {
		p, ok, err := c.get()
		switch {
		case err != nil:
			return err
		case !ok:
			if err := l.await(ctx, c); err != nil {
				return err
			}
			continue
		case p.kind != answerMore:
			answered = true
		}
		if err := p.err(); err != nil {
			return err
		}
		if err := each(p.body); err != nil || answered {
			return err
		}
	}
}

func (l *link) queueFor(frame []byte) chan []byte {
	if len(frame) > smallFrame {
		return l.bulk
	}
	return l.small
}

func (l *link) await(ctx context.Context, c *call) error {
	select {
	case <-c.wake:
		return nil
	case <-l.done:
		return l.unreachable(errLinkClosed)
	case <-ctx.Done():
		return fmt.Errorf("wait for %s: %w", l.peer.name, ctx.Err())
	}
}

func (l *link) unreachable(err error) error {
	if errors.Is(err, errLinkClosed) {
		return fmt.Errorf("%w: %s: %w", ErrUnreachable, l.peer.name, err)
	}
	return err
}

func (p part) err() error {
	switch p.kind {
	case answerError:
		return &RemoteError{Text: string(p.body)}
	case answerBusy:
		return ErrBusy
	case answerUnknown:
		return ErrNoHandler
	}
	return nil
}

// call is a stream of one part.
func (l *link) call(ctx context.Context, kind string, body []byte) ([]byte, error) {
	var result []byte
	err := l.stream(ctx, kind, body, func(b []byte) error { result = b; return nil })
	return result, err
}

func (l *link) takeResponse(payload []byte) error {
	r := reader{rest: payload}
	id, kind := r.uint32(), answer(r.uint8())
	if r.bad {
		return errMalformed
	}
	l.calls.mu.Lock()
	c := l.calls.waiting[id]
	l.calls.mu.Unlock()
	if c != nil {
		c.put(part{kind, r.rest})
	}
	return nil
}

func (l *link) takeCancel(payload []byte) error {
	r := reader{rest: payload}
	id := r.uint32()
	l.calls.mu.Lock()
	cancel := l.calls.serving[id]
	l.calls.mu.Unlock()
	if cancel != nil {
		cancel()
	}
	return r.err()
}

type request struct {
	id       uint32
	patience time.Duration
	kind     string
	body     []byte
}

func encodeRequest(r request) []byte {
	b := binary.BigEndian.AppendUint32(nil, r.id)
	b = binary.BigEndian.AppendUint32(b, uint32(max(0, min(r.patience, time.Hour).Milliseconds())))
	return append(appendText(b, r.kind), r.body...)
}

func decodeRequest(b []byte) (request, error) {
	r := reader{rest: b}
	req := request{id: r.uint32(), patience: time.Duration(r.uint32()) * time.Millisecond, kind: r.text()}
	req.body = r.rest
	return req, r.err()
}
