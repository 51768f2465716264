package gossip

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"
)

// Handle makes f answer calls of that kind. Set all handlers before Run.
func (m *Mesh) Handle(kind string, f func(ctx context.Context, from string, body []byte) ([]byte, error)) {
	m.handlersMu.Lock()
	defer m.handlersMu.Unlock()
	m.handlers[kind] = f
}

func (m *Mesh) handler(kind string) Handler {
	m.handlersMu.RLock()
	defer m.handlersMu.RUnlock()
	return m.handlers[kind]
}

// Call asks a member, over its link or one that is made for it, and returns the answer of its handler.
func (m *Mesh) Call(ctx context.Context, id, kind string, body []byte) ([]byte, error) {
	if id == m.cfg.ID {
		f := m.handler(kind)
		if f == nil {
			return nil, ErrNoHandler
		}
		return f(ctx, id, body)
	}
	l, err := m.linkTo(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("call %s: %w", kind, err)
	}
	l.used.Store(int64(time.Since(l.born)))
	answer, err := l.call(ctx, kind, body)
	if err != nil {
		return nil, fmt.Errorf("call %s: %w", kind, err)
	}
	return answer, nil
}

// takeRequest starts a handler, if not too many are at work already.
func (l *link) takeRequest(payload []byte) error {
	req, err := decodeRequest(payload)
	if err != nil {
		return err
	}
	m := l.mesh
	serve := m.serverFor(l, req)
	if serve == nil {
		l.respond(req.id, answerUnknown, nil)
		return nil
	}
	select {
	case m.serving <- struct{}{}:
	default:
		m.stats.refusedCalls.Add(1)
		l.respond(req.id, answerBusy, nil)
		return nil
	}
	if !l.life.group.start(func() {
		defer func() { <-m.serving }()
		l.serve(req, serve)
	}) {
		<-m.serving
	}
	return nil
}

// reply sends one part of an answer.
type reply func(kind answer, body []byte) error

// server answers one request, in one part or more.
type server func(ctx context.Context, reply reply)

// serverFor finds who answers: the mesh itself for what its members ask each other, else a handler.
func (m *Mesh) serverFor(l *link, req request) server {
	if s := m.syncServer(l, req); s != nil {
		return s
	}
	f := m.handler(req.kind)
	if f == nil {
		return nil
	}
	return func(ctx context.Context, reply reply) {
		body, err := f(ctx, l.peer.id, req.body)
		switch {
		case err != nil:
			_ = reply(answerError, []byte(err.Error()))
		case len(body) > maxBody:
			_ = reply(answerError, []byte(ErrTooLarge.Error()))
		default:
			_ = reply(answerLast, body)
		}
	}
}

func (l *link) serve(req request, s server) {
	ctx, cancel := context.WithTimeout(l.life.ctx, min(req.patience, callPatience))
	defer cancel()
	l.startServing(req.id, cancel)
	defer l.stopServing(req.id)
	streaming := false
	s(ctx, func(kind answer, body []byte) error {
		frame := l.responseFrame(req.id, kind, body)
		streaming = streaming || kind == answerMore
		queue := l.queueFor(frame)
		if streaming {
			queue = l.bulk // the parts of one answer must not overtake each other
		}
		return l.send(ctx, queue, frame)
	})
}

func (l *link) startServing(id uint32, cancel context.CancelFunc) {
	l.calls.mu.Lock()
	defer l.calls.mu.Unlock()
	if l.calls.serving == nil {
		l.calls.serving = make(map[uint32]context.CancelFunc)
	}
	l.calls.serving[id] = cancel
	if l.closed() {
		cancel()
	}
}

func (l *link) stopServing(id uint32) {
	l.calls.mu.Lock()
	defer l.calls.mu.Unlock()
	delete(l.calls.serving, id)
}

func (l *link) respond(id uint32, kind answer, body []byte) { l.offer(l.responseFrame(id, kind, body)) }

func (l *link) responseFrame(id uint32, kind answer, body []byte) []byte {
	b := binary.BigEndian.AppendUint32(make([]byte, 0, 5+len(body)), id)
	return l.mesh.framer.frame(frameResponse, append(append(b, byte(kind)), body...))
}

// cancelServing ends the work for a peer that is gone.
func (l *link) cancelServing() {
	l.calls.mu.Lock()
	defer l.calls.mu.Unlock()
	for _, cancel := range l.calls.serving {
		cancel()
	}
}
