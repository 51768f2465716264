package gossip

import (
	"cmp"
	"hash/fnv"
	"slices"
)

const (
	fullMesh    = 30
	ringLinks   = 3 // in larger meshes: to the next ones by id, so that the links never fall apart in groups
	randomLinks = 8 // and to some that are picked at random, once and for all
)

// wanted picks who this node links to by itself. The others are sorted by id.
func (m *Mesh) wanted(others []Member) map[string]bool {
	alive := make([]string, 0, len(others))
	for _, o := range others {
		if o.Status.Alive() {
			alive = append(alive, o.ID)
		}
	}
	if len(alive) > m.profile.full {
		alive = few(m.cfg.ID, alive)
	}
	wanted := make(map[string]bool, len(alive))
	for _, id := range alive {
		wanted[id] = true
	}
	return wanted
}

// few takes the next ids on the ring and those that rank first in an order of this node's own. The order depends on
// nothing but the two ids, so that members which come and go move few links.
func few(self string, sorted []string) []string {
	at, _ := slices.BinarySearch(sorted, self)
	picked := make([]string, 0, ringLinks+randomLinks)
	for i := range ringLinks {
		picked = append(picked, sorted[(at+i)%len(sorted)])
	}
	type ranked struct {
		id   string
		rank uint64
	}
	order := make([]ranked, len(sorted))
	for i, id := range sorted {
		order[i] = ranked{id, rank(self, id)}
	}
	slices.SortFunc(order, func(a, b ranked) int { return cmp.Compare(a.rank, b.rank) })
	for _, o := range order[:randomLinks] {
		picked = append(picked, o.id)
	}
	return picked
}

func rank(self, other string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(self))
	_, _ = h.Write([]byte{0})
	_, _ = h.Write([]byte(other))
	return scatter(h.Sum64())
}

// scatter makes every bit depend on every other: ids that differ in their last byte alone hash to neighbours, and all
// members would pick the same few.
func scatter(x uint64) uint64 {
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}
