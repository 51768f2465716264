package registry

import (
	"cmp"
	"encoding/binary"
	"errors"
	"slices"
	"time"

	"github.com/nsqmesh/nsqmesh/node/seeded"
)

// maxAnswer bounds one Answer. A document is never cut, and what is left out is asked for again in the next round.
const maxAnswer = 8 << 20

// maxOwners is far above any mesh.
const maxOwners = 1 << 16

// Hash is equal on two nodes when they have heard the same.
func (r *Registry) Hash() uint64 { return r.sum.Load() }

// Digest says which version of each document this node has.
func (r *Registry) Digest() []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	b := []byte{wireVersion}
	for _, d := range r.docs {
		if r.shown(d) {
			b = appendHead(b, d.owner, d.generation, d.version)
		}
	}
	return b
}

// mark is a line of a digest or of a request.
type mark struct {
	owner               string
	generation, version uint64
}

func (m mark) behind(d *document) bool {
	return cmp.Or(cmp.Compare(m.generation, d.generation), cmp.Compare(m.version, d.version)) < 0
}

// decodeMarks returns nothing at all if there is something wrong.
func decodeMarks(b []byte) []mark {
	r := reader{b: b}
	if r.octet() != wireVersion {
		return nil
	}
	var marks []mark
	for len(r.b) > 0 {
		marks = append(marks, mark{r.owner(), r.number(), r.number()})
	}
	if r.bad {
		return nil
	}
	return marks
}

// Missing returns a request for what the sender of a digest has and this node lacks; nil if that is nothing.
func (r *Registry) Missing(digest []byte) []byte {
	marks := decodeMarks(digest)
	r.mu.Lock()
	defer r.commitMerge()
	w := newWanted()
	for _, m := range marks {
		w.add(r, m.owner, m.generation, m.version)
	}
	return w.request()
}

// wanted collects a request. The same document is asked for once.
type wanted struct {
	owners map[string]struct{}
	b      []byte
}

// add asks for a document if the given version is news.
func (w *wanted) add(r *Registry, owner string, generation, version uint64) {
	if owner == r.opts.ID {
		r.refute(generation, version)
		return
	}
	d := r.docs[owner]
	if _, dup := w.owners[owner]; dup || r.buried(owner, generation) || d != nil && !d.behind(generation, version) {
		return
	}
	if d == nil {
		d = newDocument(owner)
	}
	w.owners[owner] = struct{}{}
	w.b = appendHead(w.b, owner, d.generation, d.version)
}

func newWanted() wanted { return wanted{owners: map[string]struct{}{}} }

func (w *wanted) request() []byte {
	if w.b == nil {
		return nil
	}
	return append([]byte{wireVersion}, w.b...)
}

// Answer returns chunks for a request: a delta where one leads from what the asker has, otherwise a snapshot.
func (r *Registry) Answer(want []byte) [][]byte {
	marks := decodeMarks(want)
	r.mu.Lock()
	defer r.mu.Unlock()
	a := answer{}
	for _, m := range marks {
		if a.size < maxAnswer {
			r.answer(&a, m)
		}
	}
	return a.chunks
}

func (r *Registry) answer(a *answer, m mark) {
	d := r.docs[m.owner]
	if d == nil || !r.shown(d) || !m.behind(d) {
		return
	}
	now := r.now()
	d.prune(now)
	if m.generation == d.generation && m.version >= d.floor {
		d.deltas(m.version, now, maxRecord, a.add)
		return
	}
	d.snapshot(now, maxRecord, a.add)
}

// answer packs records into chunks.
type answer struct {
	chunks [][]byte
	size   int
}

func (a *answer) add(kind byte, body []byte) {
	last := len(a.chunks) - 1
	if last < 0 || len(a.chunks[last])+len(body)+binary.MaxVarintLen64+1 > maxChunk {
		a.chunks = append(a.chunks, []byte{wireVersion})
		last++
	}
	a.chunks[last] = appendRecord(a.chunks[last], kind, body)
	a.size += len(body)
}

// Merge takes a chunk, or a hint that came by broadcast. If that tells of something it lacks, it returns a request for it.
// A chunk that cannot be read changes nothing.
func (r *Registry) Merge(chunk []byte) (want []byte, err error) {
	records, skipped, err := decodeChunk(chunk)
	r.foreign.Add(uint64(skipped))
	if errors.Is(err, errUnknown) {
		r.foreign.Add(1)
		return nil, nil // a newer release speaks; it also speaks so that we understand
	}
	if err != nil {
		r.garbage.Add(1)
		return nil, err
	}
	alive := r.ask(records)
	r.mu.Lock()
	defer r.commitMerge()
	w := newWanted()
	for _, rec := range records {
		r.apply(&w, rec, alive)
	}
	return w.request(), nil
}

// ask finds out, without the lock, which owners of documents that are new here are alive.
func (r *Registry) ask(records []record) map[string]bool {
	r.mu.Lock()
	var unknown []string
	for _, rec := range records {
		if r.docs[rec.owner] == nil {
			unknown = append(unknown, rec.owner)
		}
	}
	peers := r.peers
	r.mu.Unlock()
	alive := map[string]bool{}
	for _, owner := range unknown {
		alive[owner] = peers != nil && peers.Alive(owner)
	}
	return alive
}

// apply takes one record. What is not newer is refused; what does not follow on what is here is asked for.
func (r *Registry) apply(w *wanted, rec record, alive map[string]bool) {
	d := r.docs[rec.owner]
	follows := d != nil && rec.kind == recordDelta && rec.generation == d.generation && rec.from <= d.version
	switch {
	case rec.owner == r.opts.ID || r.buried(rec.owner, rec.generation):
		w.add(r, rec.owner, rec.generation, rec.to)
	case d != nil && !d.behind(rec.generation, rec.to), d == nil && len(r.docs) >= maxOwners:
	case follows:
		r.applyDelta(d, rec)
	case rec.kind == recordDelta && rec.from == 0 && d == nil:
		r.applyDelta(r.adopt(rec, alive), rec)
	case rec.kind == recordSnapshot:
		if d == nil {
			d = r.adopt(record{owner: rec.owner}, alive)
		}
		r.applySnapshot(w, d, rec)
	default:
		w.add(r, rec.owner, rec.generation, rec.to)
	}
}

// adopt starts the copy of a document that was not known here.
func (r *Registry) adopt(rec record, alive map[string]bool) *document {
	d := newDocument(rec.owner)
	d.generation, d.alive, d.heard = rec.generation, alive[rec.owner], time.Now()
	r.docs[rec.owner] = d
	r.setAlive(d, d.alive)
	return d
}

func (r *Registry) applyDelta(d *document, rec record) {
	slices.SortFunc(rec.entries, func(a, b keyed) int { return cmp.Compare(a.version, b.version) })
	now := r.now()
	for _, k := range rec.entries {
		if k.version <= d.version {
			continue
		}
		if seeded.Sometimes(seeded.LoseDelta, 10) {
			continue
		}
		e := k.arrived(now)
		d.set(k.key, e, now)
		r.index(d, k.key, e)
	}
	d.version, d.heard = rec.to, time.Now()
	r.rehash(d)
}

// arrived starts the remaining time of an entry on the clock of this node.
func (k keyed) arrived(now instant) entry {
	e := k.entry
	if k.ttl > 0 {
		e.expires = now + k.ttl
	}
	return e
}

// applySnapshot collects the parts of a snapshot and replaces the document with it when the last one is there.
func (r *Registry) applySnapshot(w *wanted, d *document, rec record) {
	if rec.after == "" && (d.staged == nil || d.staged.generation != rec.generation || d.staged.version != rec.to) {
		d.staged = &staging{generation: rec.generation, version: rec.to, entries: map[string]entry{}}
	}
	s := d.staged
	if s == nil || s.generation != rec.generation || s.version != rec.to || s.after < rec.after {
		w.add(r, rec.owner, rec.generation, rec.to) // a part before this one was lost
		return
	}
	now := r.now()
	for _, k := range rec.entries {
		s.entries[k.key] = k.arrived(now)
		s.after = max(s.after, k.key)
	}
	if rec.last {
		r.replace(d, s)
	}
}

// replace makes the document what a snapshot says: what that omits does not exist.
func (r *Registry) replace(d *document, s *staging) {
	old, same := d.entries, d.generation == s.generation
	d.entries, d.generation, d.version = s.entries, s.generation, s.version
	d.floor, d.recentFrom, d.recent, d.graves, d.staged = s.version, s.version, nil, nil, nil
	d.heard = time.Now()
	for k, e := range old {
		if _, lives := s.entries[k]; !lives && !e.deleted {
			r.index(d, k, entry{deleted: true})
		}
	}
	for k, e := range s.entries {
		before, had := old[k]
		if had && same && before.version == e.version && before.expires <= e.expires {
			s.entries[k] = before // a second copy must not live longer
			continue
		}
		r.index(d, k, e)
	}
	if !same {
		r.touchAll(d) // tombstones are for a registration of one generation
	}
	r.rehash(d)
}
