package gossip

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// What members ask each other about the state. The kinds start with a byte that no caller's kind starts with.
const (
	kindHash  = "\x00hash"  // our hash; answer: nothing if equal, else the peer's digest
	kindOffer = "\x00offer" // our digest: pull what you lack
	kindPull  = "\x00pull"  // requests; answer: chunks
)

const (
	hashPatience = 2 * time.Second
	pullPatience = 30 * time.Second
	stall        = 5 * time.Second // a pull without a chunk for so long is given up
	maxPull      = 16 << 20        // bytes of one answer; what is left is asked for again
	maxAnswering = 8
	pullRounds   = 64

	hashesDiffer = 1 // stands before the digest, which may be empty
)

// syncer makes the state the same everywhere. One goroutine (syncLoop) exchanges hashes and digests with one peer at a
// time, so that a node that joins thirty others takes the state from one of them, and finds the others equal.
type syncer struct {
	mu      sync.Mutex
	due     map[string][]byte // members to sync with before the next random one, with their digest if they sent it
	wake    chan struct{}
	serving chan struct{}
}

func newSyncer() *syncer {
	return &syncer{due: make(map[string][]byte), wake: make(chan struct{}, 1), serving: make(chan struct{}, maxAnswering)}
}

// soon asks for a sync with a member. A digest that came with the wish saves asking for it.
func (s *syncer) soon(id string, digest []byte) {
	s.mu.Lock()
	if digest != nil || s.due[id] == nil {
		s.due[id] = digest
	}
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *syncer) next() (id string, digest []byte, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, digest = range s.due {
		delete(s.due, id)
		return id, digest, true
	}
	return "", nil, false
}

// syncLoop serves wishes at once and, when there are none, picks a random linked peer every second or so, and sooner
// after two states were found to differ.
func (m *Mesh) syncLoop(ctx context.Context) {
	timer := time.NewTimer(jitter(m.profile.sync))
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-m.syncer.wake:
			for id, digest, ok := m.syncer.next(); ok && ctx.Err() == nil; id, digest, ok = m.syncer.next() {
				if l := m.links.get(id); l != nil {
					m.syncWith(ctx, l, digest)
				}
			}
			continue
		case <-timer.C:
		}
		pause := m.profile.sync
		if l := m.randomLink(); l != nil && !m.syncWith(ctx, l, nil) {
			pause /= 5
		}
		timer.Reset(jitter(pause))
	}
}

func (m *Mesh) randomLink() *link {
	if all := m.links.list(); len(all) > 0 {
		return all[rand.IntN(len(all))]
	}
	return nil
}

// syncWith reports whether the two states were found equal.
func (m *Mesh) syncWith(ctx context.Context, l *link, digest []byte) (equal bool) {
	if digest == nil {
		var err error
		if digest, err = m.askDigest(ctx, l); err != nil {
			return true // no reason to hurry
		}
		m.stats.syncs.Add(1)
		if digest == nil {
			m.stats.inSync.Store(true)
			return true
		}
		m.offer(ctx, l)
	}
	err := m.pullMissing(ctx, l, digest)
	if err != nil {
		m.log.Debug("sync failed", "member", l.peer.name, "error", err)
	}
	m.stats.inSync.Store(err == nil && m.cfg.State.Missing(digest) == nil)
	return false
}

// askDigest compares hashes. It returns nil if they are equal.
func (m *Mesh) askDigest(ctx context.Context, l *link) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, hashPatience)
	defer cancel()
	answer, err := l.call(ctx, kindHash, binary.BigEndian.AppendUint64(nil, m.cfg.State.Hash()))
	if err != nil || len(answer) == 0 {
		return nil, err
	}
	return answer[1:], nil // which is not nil, even if it is empty
}

// offer gives the peer our digest, so that it pulls at the same time as we do.
func (m *Mesh) offer(ctx context.Context, l *link) {
	ctx, cancel := context.WithTimeout(ctx, hashPatience)
	defer cancel()
	if digest := m.cfg.State.Digest(); len(digest) <= maxBody {
		_, _ = l.call(ctx, kindOffer, digest) // it will find out by itself, only later
	}
}

// pullMissing pulls until nothing that the digest speaks of is missing, or until pulling does not help.
func (m *Mesh) pullMissing(ctx context.Context, l *link, digest []byte) error {
	for range pullRounds {
		want := m.cfg.State.Missing(digest)
		if want == nil {
			return nil
		}
		before := m.cfg.State.Hash()
		if err := m.pull(ctx, l, [][]byte{want}); err != nil {
			return err
		}
		if m.cfg.State.Hash() == before {
			return nil
		}
	}
	return nil
}

// pull asks for chunks and merges them as they come.
func (m *Mesh) pull(ctx context.Context, l *link, wants [][]byte) error {
	ctx, cancel := context.WithTimeout(ctx, pullPatience)
	defer cancel()
	m.stats.pulls.Add(1)
	watch := time.AfterFunc(stall, cancel)
	defer watch.Stop()
	return l.stream(ctx, kindPull, encodeWants(wants), func(chunk []byte) error {
		watch.Reset(stall)
		if len(chunk) == 0 {
			return nil
		}
		return m.merge(l.peer.id, chunk)
	})
}

// merge takes a chunk from a member and remembers what it said to be missing.
func (m *Mesh) merge(from string, chunk []byte) error {
	m.stats.merges.Add(1)
	want, err := m.cfg.State.Merge(chunk)
	if err != nil {
		m.stats.badChunks.Add(1)
		return fmt.Errorf("merge: %w", err)
	}
	if want != nil {
		m.hints.add(from, want)
	}
	return nil
}

func encodeWants(wants [][]byte) []byte {
	var b []byte
	for _, w := range wants {
		b = appendBlock(b, w)
	}
	return b
}

func decodeWants(b []byte) ([][]byte, error) {
	var wants [][]byte
	r := reader{rest: b}
	for len(r.rest) > 0 && !r.bad {
		if len(wants) > maxHints {
			return nil, errMalformed
		}
		wants = append(wants, r.block())
	}
	return wants, r.err()
}

// syncServer answers what other members ask about the state.
func (m *Mesh) syncServer(l *link, req request) server {
	switch req.kind {
	case kindHash:
		return func(_ context.Context, reply reply) { _ = reply(answerLast, m.compare(req.body)) }
	case kindOffer:
		m.syncer.soon(l.peer.id, req.body)
		return func(_ context.Context, reply reply) { _ = reply(answerLast, nil) }
	case kindHeard:
		return func(_ context.Context, reply reply) { _ = reply(answerLast, m.serveHeard(req.body)) }
	case kindPull:
		return func(_ context.Context, reply reply) { m.serveChunks(req.body, reply) }
	}
	return nil
}

func (m *Mesh) compare(body []byte) []byte {
	r := reader{rest: body}
	if theirs := r.uint64(); !r.bad && theirs == m.cfg.State.Hash() {
		return nil
	}
	digest := m.cfg.State.Digest()
	if len(digest) >= maxBody {
		return nil
	}
	return append([]byte{hashesDiffer}, digest...)
}

func (m *Mesh) serveChunks(body []byte, reply reply) {
	select {
	case m.syncer.serving <- struct{}{}:
		defer func() { <-m.syncer.serving }()
	default:
		_ = reply(answerBusy, nil)
		return
	}
	wants, err := decodeWants(body)
	if err != nil {
		_ = reply(answerError, []byte(err.Error()))
		return
	}
	sent := 0
	for _, want := range wants {
		for _, chunk := range m.cfg.State.Answer(want) {
			if reply(answerMore, chunk) != nil {
				return
			}
			if sent += len(chunk); sent >= maxPull {
				_ = reply(answerLast, nil)
				return
			}
		}
	}
	_ = reply(answerLast, nil)
}

// jitter spreads timers by a fifth, so that nodes that started together do not act together.
func jitter(d time.Duration) time.Duration {
	return d - d/5 + rand.N(d*2/5+1)
}
