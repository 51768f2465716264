package registry

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

const (
	maxGraves   = 1000 // deletes that a document remembers for deltas; whoever is behind them gets a snapshot
	graveLife   = 10 * time.Minute
	recentLimit = 4096 // changes that a delta finds without going through all entries
)

// instant is a time on this node's monotonic clock, counted from the start of the registry. 0 is never.
type instant = time.Duration

// document is what one node says, as far as this node has heard. Only its owner changes it; all others copy.
type document struct {
	owner      string
	node       Node   // what the owner says about itself
	generation uint64 // raised at each start of the owner
	version    uint64 // raised at each change
	floor      uint64 // deltas reach back to here
	entries    map[string]entry
	recent     []change // all changes above recentFrom, by version
	recentFrom uint64
	graves     []grave
	staged     *staging
	alive      bool
	since      instant   // when the owner was found dead; 0 while it is alive
	heard      time.Time // shown by /debug only
}

type entry struct {
	version uint64
	value   string
	expires instant
	deleted bool
}

type change struct {
	version uint64
	key     string
}

type grave struct {
	change
	at instant
}

// staging collects a snapshot that came in several parts. The document changes when the last one is there.
type staging struct {
	generation, version uint64
	after               string // the parts so far reach up to this key
	entries             map[string]entry
}

func newDocument(owner string) *document {
	return &document{owner: owner, entries: map[string]entry{}}
}

// behind reports whether the document is older than (generation, version).
func (d *document) behind(generation, version uint64) bool {
	return cmp.Or(cmp.Compare(d.generation, generation), cmp.Compare(d.version, version)) < 0
}

// set writes an entry of a version above all others.
func (d *document) set(key string, e entry, now instant) {
	d.entries[key] = e
	d.version = e.version
	d.recent = append(d.recent, change{e.version, key})
	if len(d.recent) > recentLimit {
		half := len(d.recent) / 2
		d.recentFrom = d.recent[half-1].version
		d.recent = slices.Delete(d.recent, 0, half)
	}
	if e.deleted {
		d.graves = append(d.graves, grave{change{e.version, key}, now})
		d.prune(now)
	}
}

// prune forgets deletes that are old or too many.
func (d *document) prune(now instant) {
	n := 0
	for n < len(d.graves) && (len(d.graves)-n > maxGraves || now-d.graves[n].at > graveLife) {
		g := d.graves[n]
		if e := d.entries[g.key]; e.deleted && e.version == g.version {
			delete(d.entries, g.key)
		}
		d.floor = max(d.floor, g.version)
		n++
	}
	d.graves = d.graves[n:] // append leaves what is cut off behind
}

// restart puts the same entries under a new generation.
func (d *document) restart(generation uint64) {
	maps.DeleteFunc(d.entries, func(_ string, e entry) bool { return e.deleted })
	d.generation, d.floor = generation, d.version
	d.graves, d.staged = nil, nil
}

// above returns the keys that changed after a version, the oldest change first.
func (d *document) above(version uint64) []change {
	if version < d.recentFrom {
		return d.aboveSlowly(version)
	}
	i, _ := slices.BinarySearchFunc(d.recent, version+1, func(c change, v uint64) int { return cmp.Compare(c.version, v) })
	var found []change
	for _, c := range d.recent[i:] {
		if d.entries[c.key].version == c.version {
			found = append(found, c)
		}
	}
	return found
}

func (d *document) aboveSlowly(version uint64) []change {
	var found []change
	for key, e := range d.entries {
		if e.version > version {
			found = append(found, change{e.version, key})
		}
	}
	slices.SortFunc(found, func(a, b change) int { return cmp.Compare(a.version, b.version) })
	return found
}

// deltas hands records that lead from a version to the newest, none larger than limit, to emit.
func (d *document) deltas(from uint64, now instant, limit int, emit func(kind byte, body []byte)) {
	changes := d.above(from)
	for start := true; start || len(changes) > 0; start = false {
		var entries []byte
		n := 0
		for n < len(changes) && len(entries) < limit-2*maxValue {
			entries = appendEntry(entries, changes[n].key, d.entries[changes[n].key], now)
			n++
		}
		to := d.version
		if n < len(changes) {
			to = changes[n-1].version
		}
		emit(recordDelta, append(appendHead(nil, d.owner, d.generation, from, to), entries...))
		from, changes = to, changes[n:]
	}
}

// snapshot hands records with all that lives, none larger than limit, to emit.
func (d *document) snapshot(now instant, limit int, emit func(kind byte, body []byte)) {
	keys := d.live()
	after := ""
	for start := true; start || len(keys) > 0; start = false {
		var entries []byte
		n := 0
		for n < len(keys) && len(entries) < limit-2*maxValue {
			entries = appendEntry(entries, keys[n], d.entries[keys[n]], now)
			n++
		}
		last := uint64(0)
		if n == len(keys) {
			last = 1
		}
		head := appendText(appendHead(nil, d.owner, d.generation, d.version, last), after)
		emit(recordSnapshot, append(head, entries...))
		if n > 0 {
			after = keys[n-1]
		}
		keys = keys[n:]
	}
}

// live returns the keys of all entries that are not deleted, sorted.
func (d *document) live() []string {
	keys := make([]string, 0, len(d.entries))
	for key, e := range d.entries {
		if !e.deleted {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// hash is the document's share in the hash of all. It is the same on every node, in every release.
func (d *document) hash() uint64 {
	h := uint64(14695981039346656037)
	for i := range len(d.owner) {
		h = (h ^ uint64(d.owner[i])) * 1099511628211
	}
	return mix(mix(h^d.generation) + d.version)
}

// mix spreads every bit over all 64: hashes of documents are combined by XOR.
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
