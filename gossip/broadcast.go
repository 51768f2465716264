package gossip

import (
	"bytes"
	"context"
	"sync/atomic"

	"github.com/hashicorp/memberlist"
)

const (
	hintVersion = 1
	maxHint     = 1000     // bytes of a UDP hint; a larger message would wait in memberlist's queue for ever
	maxQueued   = 32 << 20 // bytes of chunks that wait to be merged
	queuedItems = 1024
)

// Broadcast tells everybody about a change, as well as can be without waiting: over all links at once and, if it is
// small, by gossip. A newer chunk of the same key replaces an older one that still waits. What gets lost is found by
// anti-entropy.
func (m *Mesh) Broadcast(key string, chunk []byte) {
	if len(key) > 255 || len(chunk) > maxChunk {
		m.stats.droppedPushes.Add(1)
		return
	}
	m.pushAll(m.framer.frame(framePush, append(appendText(nil, key), chunk...)), "")
	m.queueHint(fresh{from: m.cfg.ID, key: key, chunk: chunk})
}

func (m *Mesh) queueHint(f fresh) {
	hint := appendText([]byte{hintVersion}, f.from)
	hint = append(appendText(hint, f.key), f.chunk...)
	if len(hint) <= maxHint {
		m.udp.QueueBroadcast(&udpHint{key: f.key, message: hint})
	}
}

// pushAll queues a push on every link but that of the member it came from.
func (m *Mesh) pushAll(frame []byte, except string) {
	for _, l := range m.links.list() {
		switch {
		case l.peer.id == except:
		case l.offer(frame):
			m.stats.pushes.Add(1)
		default:
			m.stats.droppedPushes.Add(1)
		}
	}
}

// udpHint is a memberlist.NamedBroadcast.
type udpHint struct {
	key     string
	message []byte
}

func (h *udpHint) Name() string    { return h.key }
func (h *udpHint) Message() []byte { return h.message }
func (h *udpHint) Finished()       {}

func (h *udpHint) Invalidates(other memberlist.Broadcast) bool {
	o, ok := other.(*udpHint)
	return ok && o.key == h.key
}

// fresh is a chunk that came by push or hint.
type fresh struct {
	from, key string
	chunk     []byte
}

// inbox holds fresh chunks until they are merged. It is bounded in number and in bytes; what does not fit is dropped.
type inbox struct {
	ch    chan fresh
	bytes atomic.Int64
}

func newInbox() *inbox { return &inbox{ch: make(chan fresh, queuedItems)} }

func (q *inbox) put(f fresh) bool {
	n := int64(len(f.chunk))
	if q.bytes.Add(n) > maxQueued {
		q.bytes.Add(-n)
		return false
	}
	select {
	case q.ch <- f:
		return true
	default:
		q.bytes.Add(-n)
		return false
	}
}

// accept queues a fresh chunk; it never blocks.
func (m *Mesh) accept(f fresh) {
	if !m.inbox.put(f) {
		m.stats.droppedChunks.Add(1)
		m.syncer.soon(f.from, nil)
	}
}

// takePush is called by a link's reader, which does not use the payload again.
func (m *Mesh) takePush(l *link, payload []byte) error {
	r := reader{rest: payload}
	key := r.text()
	if r.bad {
		return errMalformed
	}
	m.accept(fresh{from: l.peer.id, key: key, chunk: r.rest})
	return nil
}

// takeHint is called by memberlist, which does use its buffer again.
func (m *Mesh) takeHint(b []byte) {
	r := reader{rest: b}
	version, from, key := r.uint8(), r.text(), r.text()
	if r.bad || version != hintVersion || from == m.cfg.ID {
		m.stats.badHints.Add(1)
		return
	}
	m.stats.hints.Add(1)
	m.accept(fresh{from: from, key: key, chunk: bytes.Clone(r.rest)})
}

// mergeLoop merges fresh chunks, one by one.
func (m *Mesh) mergeLoop(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case f := <-m.inbox.ch:
			m.inbox.bytes.Add(-int64(len(f.chunk)))
			m.mergeFresh(f)
		}
	}
}

// mergeFresh passes a chunk on once if it was news and if its sender cannot have reached everybody by itself.
func (m *Mesh) mergeFresh(f fresh) {
	before := m.cfg.State.Hash()
	if err := m.merge(f.from, f.chunk); err != nil {
		m.log.Debug("chunk not understood", "member", f.from, "error", err)
		return
	}
	switch {
	case m.cfg.State.Hash() == before || !m.sparse():
	case len(m.links.list()) == 0:
		m.queueHint(f)
	default:
		m.pushAll(m.framer.frame(framePush, append(appendText(nil, f.key), f.chunk...)), f.from)
	}
}

// sparse reports whether there are members that we have no link to.
func (m *Mesh) sparse() bool { return len(m.links.list()) < m.table.countAlive() }
