package registry

import (
	"slices"
	"time"
)

const (
	hintPause  = 30 * time.Millisecond // changes within it share one broadcast
	hintAge    = time.Second           // what was broadcast that long ago has gone round
	hintSize   = 700
	hintSpread = 64 // more changes than that never fit
)

// sent is what the last broadcasts of the own document said.
type sent struct {
	generation, to uint64
	base           uint64 // what everybody may be taken to have: deltas start there
	at             instant
}

// hint returns the broadcast that is due for the own document, if any. The first change after a quiet time is told at
// once. It is a delta where that is small, otherwise it only tells that there is a new version.
func (r *Registry) hint() []byte {
	d := r.own
	if r.peers == nil || !r.shown(d) || r.sent.generation == d.generation && r.sent.to == d.version {
		return nil
	}
	now := r.now()
	if next := r.sent.at + hintPause; r.sent.at != 0 && now < next {
		r.schedule(next)
		return nil
	}
	r.rebase(now)
	chunk := r.small(r.sent.base, now)
	if chunk == nil && r.sent.base < r.sent.to {
		r.sent.base = r.sent.to
		chunk = r.small(r.sent.base, now)
	}
	if chunk == nil {
		r.sent.base = d.version
		chunk = appendRecord([]byte{wireVersion}, recordAt, appendHead(nil, d.owner, d.generation, d.version))
	}
	r.sent.to, r.sent.at = d.version, now
	return chunk
}

// rebase starts deltas later when what was told is old. A broadcast takes the place of the one before, which may not have
// gone out everywhere yet; so what that one said is said again for a while.
func (r *Registry) rebase(now instant) {
	switch {
	case r.sent.generation != r.own.generation:
		r.sent.generation, r.sent.base, r.sent.to = r.own.generation, r.own.floor, r.own.floor
	case now-r.sent.at > hintAge:
		r.sent.base = r.sent.to
	}
}

// small returns a chunk with all changes above a version, nil if it would be large or not lead on.
func (r *Registry) small(from uint64, now instant) []byte {
	if from < r.own.floor || from >= r.own.version {
		return nil
	}
	changes := r.own.above(from)
	if len(changes) > hintSpread {
		return nil
	}
	body := appendHead(nil, r.own.owner, r.own.generation, from, r.own.version)
	for _, c := range changes {
		body = appendEntry(body, c.key, r.own.entries[c.key], now)
	}
	if len(body) > hintSize {
		return nil
	}
	return appendRecord([]byte{wireVersion}, recordDelta, slices.Clip(body))
}
