package registry

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"time"
)

// A chunk is a version byte and records, each with a type and a length, so that a node of an older release can pass over
// what it does not know. Numbers are uvarints, owners 16 raw bytes, texts have their length before them.
const (
	wireVersion = 1

	recordAt       = 1 // owner, generation, version: "there is that version"
	recordDelta    = 2 // owner, generation, from, to, entries
	recordSnapshot = 3 // owner, generation, version, last (0 or 1), after, entries: all that live with keys above after

	maxChunk  = 1 << 20
	maxRecord = maxChunk - 64
	maxKey    = 512
	maxValue  = 4096
	maxNumber = 1 << 62
	maxTTL    = 100 * 24 * time.Hour

	entryDeleted = 1
	entryExpires = 2
)

var (
	errMalformed = errors.New("malformed")
	errUnknown   = errors.New("unknown version")
)

// record is one piece of a chunk.
type record struct {
	kind       byte
	owner      string
	generation uint64
	from, to   uint64 // a snapshot and an announcement have to only
	after      string
	last       bool
	entries    []keyed
}

// keyed is an entry on its way, with the time it has left.
type keyed struct {
	key string
	entry
	ttl time.Duration // 0 is for ever
}

func validID(id string) bool {
	b, err := hex.DecodeString(id)
	return err == nil && len(b) == 16 && hex.EncodeToString(b) == id
}

func appendOwner(b []byte, owner string) []byte {
	b, _ = hex.AppendDecode(b, []byte(owner)) // ids are checked where they come in
	return b
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendRecord(b []byte, kind byte, body []byte) []byte {
	b = binary.AppendUvarint(append(b, kind), uint64(len(body)))
	return append(b, body...)
}

func appendHead(b []byte, owner string, numbers ...uint64) []byte {
	b = appendOwner(b, owner)
	for _, n := range numbers {
		b = binary.AppendUvarint(b, n)
	}
	return b
}

func appendEntry(b []byte, key string, e entry, now instant) []byte {
	var flags byte
	if e.deleted {
		flags |= entryDeleted
	} else if e.expires != 0 {
		flags |= entryExpires
	}
	b = binary.AppendUvarint(append(b, flags), e.version)
	b = appendText(b, key)
	if flags&entryExpires != 0 {
		b = binary.AppendUvarint(b, uint64(max(1, (e.expires-now).Milliseconds())))
	}
	if !e.deleted {
		b = appendText(b, e.value)
	}
	return b
}

// reader takes a received chunk apart. After the first thing that does not fit it yields zeros only, and bad is set.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) number() uint64 {
	n, size := binary.Uvarint(r.b)
	if size <= 0 || n > maxNumber {
		r.b, r.bad = nil, true
		return 0
	}
	r.b = r.b[size:]
	return n
}

func (r *reader) take(n uint64) []byte {
	if n > uint64(len(r.b)) {
		r.b, r.bad = nil, true
		return nil
	}
	taken := r.b[:n]
	r.b = r.b[n:]
	return taken
}

func (r *reader) octet() byte {
	if b := r.take(1); len(b) == 1 {
		return b[0]
	}
	return 0
}

func (r *reader) text(limit uint64) string {
	n := r.number()
	if n > limit {
		r.b, r.bad = nil, true
		return ""
	}
	return string(r.take(n))
}

func (r *reader) owner() string { return hex.EncodeToString(r.take(16)) }

// decodeChunk reads a whole chunk before anything of it is applied, so that garbage at its end changes nothing.
// It also returns how many records it passed over.
func decodeChunk(chunk []byte) (records []record, skipped int, err error) {
	r := reader{b: chunk}
	if r.octet() != wireVersion {
		return nil, 0, errUnknown
	}
	for len(r.b) > 0 {
		kind := r.octet()
		body := reader{b: r.take(r.number())}
		if r.bad {
			return nil, 0, errMalformed
		}
		if kind < recordAt || kind > recordSnapshot {
			skipped++
			continue
		}
		rec := body.record(kind)
		if body.bad {
			return nil, 0, errMalformed
		}
		records = append(records, rec)
	}
	return records, skipped, nil
}

func (r *reader) record(kind byte) record {
	rec := record{kind: kind, owner: r.owner(), generation: r.number()}
	if kind == recordDelta {
		rec.from = r.number()
	}
	rec.to = r.number()
	if kind == recordSnapshot {
		rec.last = r.number() == 1
		rec.after = r.text(maxKey)
	}
	if kind == recordDelta && rec.from >= rec.to {
		r.bad = true
	}
	for kind != recordAt && len(r.b) > 0 && !r.bad {
		rec.entries = append(rec.entries, r.entry(&rec))
	}
	return rec
}

func (r *reader) entry(rec *record) keyed {
	flags := r.octet()
	k := keyed{entry: entry{version: r.number(), deleted: flags&entryDeleted != 0}, key: r.text(maxKey)}
	if flags&entryExpires != 0 {
		k.ttl = min(time.Duration(r.number()), maxTTL/time.Millisecond) * time.Millisecond
		k.ttl = max(k.ttl, time.Millisecond)
	}
	if !k.deleted {
		k.value = r.text(maxValue)
	}
	outside := k.version <= rec.from || k.version > rec.to
	deletedInSnapshot := k.deleted && rec.kind == recordSnapshot
	if k.key == "" || outside || deletedInSnapshot || flags&^(entryDeleted|entryExpires) != 0 {
		r.bad = true
	}
	return k
}
