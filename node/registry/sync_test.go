package registry

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// said is a chunk of one record, as some owner would send it.
func said(kind byte, owner string, numbers []uint64, after string, entries ...keyed) []byte {
	body := appendHead(nil, owner, numbers...)
	if kind == recordSnapshot {
		body = appendText(body, after)
	}
	for _, e := range entries {
		body = appendEntry(body, e.key, e.entry, 0)
	}
	return appendRecord([]byte{wireVersion}, kind, body)
}

func delta(owner string, generation, from, to uint64, entries ...keyed) []byte {
	return said(recordDelta, owner, []uint64{generation, from, to}, "", entries...)
}

func whole(owner string, generation, to uint64, entries ...keyed) []byte {
	return said(recordSnapshot, owner, []uint64{generation, to, 1}, "", entries...)
}

func at(owner string, generation, version uint64) []byte {
	return said(recordAt, owner, []uint64{generation, version}, "")
}

func says(version uint64, k string) keyed {
	return keyed{key: k, entry: entry{version: version, value: stamped{stamp: Stamp{version, id(7)}}.encode(id(7))}}
}

func unsays(version uint64, k string) keyed {
	return keyed{key: k, entry: entry{version: version, deleted: true}}
}

func TestApply(t *testing.T) {
	const gen = 5
	base := []keyed{says(1, "t/a"), says(2, "t/b")} // all cases start with generation 5, version 2
	cases := map[string]struct {
		chunk   []byte
		version uint64
		gen     uint64
		topics  []string
		want    bool // that something is asked for
	}{
		"a delta that follows is applied":                {delta(id(7), gen, 2, 3, says(3, "t/c")), 3, gen, []string{"a", "b", "c"}, false},
		"a delta that overlaps is applied":               {delta(id(7), gen, 0, 3, says(1, "t/a"), says(3, "t/c")), 3, gen, []string{"a", "b", "c"}, false},
		"a delta that is known already is refused":       {delta(id(7), gen, 0, 2, unsays(1, "t/a")), 2, gen, []string{"a", "b"}, false},
		"a delta beyond a gap is asked for":              {delta(id(7), gen, 3, 4, says(4, "t/d")), 2, gen, []string{"a", "b"}, true},
		"a delta of an older generation is refused":      {delta(id(7), gen-1, 2, 9, says(9, "t/x")), 2, gen, []string{"a", "b"}, false},
		"a delta of a newer generation asks for all":     {delta(id(7), gen+1, 0, 1, says(1, "t/x")), 2, gen, []string{"a", "b"}, true},
		"an announcement of what is known is ignored":    {at(id(7), gen, 2), 2, gen, []string{"a", "b"}, false},
		"an announcement of news asks":                   {at(id(7), gen, 3), 2, gen, []string{"a", "b"}, true},
		"an announcement of a new generation asks":       {at(id(7), gen+1, 1), 2, gen, []string{"a", "b"}, true},
		"an announcement of an old generation is stale":  {at(id(7), gen-1, 100), 2, gen, []string{"a", "b"}, false},
		"a delete in a delta deletes":                    {delta(id(7), gen, 2, 3, unsays(3, "t/a")), 3, gen, []string{"b"}, false},
		"what a snapshot omits does not exist":           {whole(id(7), gen, 3, says(3, "t/c")), 3, gen, []string{"c"}, false},
		"a snapshot of an older version is refused":      {whole(id(7), gen, 1, says(1, "t/x")), 2, gen, []string{"a", "b"}, false},
		"a snapshot of an older generation is refused":   {whole(id(7), gen-1, 99, says(1, "t/x")), 2, gen, []string{"a", "b"}, false},
		"a snapshot of a newer generation replaces all":  {whole(id(7), gen+1, 1, says(1, "t/x")), 1, gen + 1, []string{"x"}, false},
		"a first part of a snapshot changes nothing yet": {said(recordSnapshot, id(7), []uint64{gen, 9, 0}, "", says(3, "t/c")), 2, gen, []string{"a", "b"}, false},
		"a last part without the first is asked for":     {said(recordSnapshot, id(7), []uint64{gen, 9, 1}, "t/b", says(3, "t/c")), 2, gen, []string{"a", "b"}, true},
		"an unknown version of a chunk is passed over":   {append([]byte{99}, delta(id(7), gen, 2, 3, says(3, "t/c"))[1:]...), 2, gen, []string{"a", "b"}, false},
		"an unknown record is passed over":               {appendRecord(appendRecord([]byte{wireVersion}, 77, []byte("?")), recordAt, at(id(7), gen, 2)[3:]), 2, gen, []string{"a", "b"}, false},
		"an entry of an unknown kind is kept":            {delta(id(7), gen, 2, 3, says(3, "Z/what")), 3, gen, []string{"a", "b"}, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r := newTest(1)
			if _, err := r.Merge(delta(id(7), gen, 0, 2, base...)); err != nil {
				t.Fatal(err)
			}
			want, err := r.Merge(c.chunk)
			if err != nil {
				t.Fatal(err)
			}
			d := r.docs[id(7)]
			if d.version != c.version || d.generation != c.gen || (want != nil) != c.want {
				t.Errorf("is at %d/%d, asks %v", d.generation, d.version, want != nil)
			}
			if got := r.View().Topics(); !slices.Equal(got, c.topics) {
				t.Errorf("topics are %v", got)
			}
		})
	}
}

func TestSnapshotInParts(t *testing.T) {
	r := newTest(1)
	part := func(last uint64, after string, e ...keyed) {
		if _, err := r.Merge(said(recordSnapshot, id(7), []uint64{2, 9, last}, after, e...)); err != nil {
			t.Fatal(err)
		}
	}
	part(0, "", says(5, "t/a"))
	part(0, "", says(5, "t/a")) // a second sender is a little behind the first
	part(0, "t/a", says(6, "t/b"))
	part(0, "t/a", says(6, "t/b"))
	if got := r.View().Topics(); len(got) != 0 {
		t.Errorf("half a snapshot shows %v", got)
	}
	part(1, "t/b", says(9, "t/c"))
	if got := r.View().Topics(); !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("topics are %v", got)
	}
}

func TestLargeDocumentsComeInChunks(t *testing.T) {
	a, b := newTest(1), newTest(2)
	many := map[string]Topic{}
	for i := range 30000 {
		many[fmt.Sprintf("a.topic.with.quite.a.long.name.%06d", i)] = with("archive")
	}
	a.SetTopics(many)
	for _, chunk := range a.Answer(b.Missing(a.Digest())) {
		if len(chunk) > maxChunk {
			t.Fatalf("a chunk has %d bytes", len(chunk))
		}
	}
	pull(t, b, a)     // deltas from 0
	b.Channels("any") // the view may wait while building it is slow, but not for those who must know
	if got := len(b.View().Topics()); got != len(many) {
		t.Errorf("%d topics came by delta", got)
	}
	a.refute(a.own.generation, a.own.version+1)
	a.SetTopic("one.more", with())
	pull(t, b, a)     // a snapshot
	b.Channels("any") // the view may wait while building it is slow, but not for those who must know
	if got := len(b.View().Topics()); got != len(many)+1 {
		t.Errorf("%d topics came by snapshot", got)
	}
	pull(t, a, b)
	if a.Hash() != b.Hash() {
		t.Error("hashes differ")
	}
}

func TestBehindTheFloorIsASnapshot(t *testing.T) {
	a, b := newTest(1), newTest(2)
	a.SetTopic("stays", with())
	a.SetTopic("goes", with())
	pull(t, b, a)
	a.RemoveTopic("goes")
	for i := range maxGraves + 10 {
		name := fmt.Sprint("t", i)
		a.SetTopic(name, with())
		a.RemoveTopic(name)
	}
	if a.own.floor == 0 || len(a.own.graves) != maxGraves || len(a.own.entries) > maxGraves+3 {
		t.Fatalf("floor %d, %d graves, %d entries", a.own.floor, len(a.own.graves), len(a.own.entries))
	}
	pull(t, b, a)
	if got := b.View().Topics(); !slices.Equal(got, []string{"stays"}) {
		t.Errorf("topics are %v", got)
	}
	c := newTest(3) // from one that has itself only a snapshot
	pull(t, c, b)
	if c.docs[id(1)].version != a.own.version {
		t.Error("the copy of a copy is older")
	}
}

func TestRefutation(t *testing.T) {
	r := newTest(1)
	r.SetTopic("mine", with())
	r.SetTopic("past", with())
	r.RemoveTopic("past")
	if want, _ := r.Merge(delta(id(1), 9, 0, 4, says(4, "t/forged"))); want != nil {
		t.Error("a node asks others for its own document")
	}
	if r.own.generation != 10 {
		t.Fatalf("generation is %d", r.own.generation)
	}
	if got := r.View().Topics(); !slices.Equal(got, []string{"mine"}) {
		t.Errorf("topics are %v", got)
	}
	r.Merge(at(id(1), 10, r.own.version+1)) // a clone that says more under the same generation
	if r.own.generation != 11 || r.Contested() {
		t.Fatalf("generation is %d, contested %v", r.own.generation, r.Contested())
	}
	r.Missing(appendHead([]byte{wireVersion}, id(1), 12, 1))
	if r.own.generation != 13 || !r.Contested() {
		t.Fatalf("generation is %d, contested %v", r.own.generation, r.Contested())
	}
	r.Merge(at(id(1), 20, 1))
	if r.own.generation != 13 {
		t.Error("two clones would raise their generations for ever")
	}
}

// life lets one owner do random things and records all that it sends.
func life(rng *rand.Rand, n int) (*Registry, [][]byte) {
	peers := &crowd{}
	r := New(Options{ID: id(n), Generation: 1}, peers)
	var sent [][]byte
	for range 20 + rng.IntN(40) {
		topic := fmt.Sprint("t", rng.IntN(6))
		switch rng.IntN(12) {
		case 0:
			r.RemoveTopic(topic)
		case 1:
			r.DeleteTopic(topic)
		case 2:
			r.CreateChannel(topic, "made")
		case 3:
			r.PauseTopic(topic, rng.IntN(2) == 0)
		case 4:
			r.refute(r.own.generation, r.own.version+1)
			r.refuted = nil
		case 5:
			r.SetNode(Node{Name: "n", BroadcastAddress: "a", TCPPort: 1 + rng.IntN(3)})
		default:
			r.SetTopic(topic, with(fmt.Sprint("c", rng.IntN(4))))
		}
		r.sent.at = 0 // no pause between broadcasts
		r.mu.Lock()
		r.commit()
		if rng.IntN(4) == 0 {
			sent = append(sent, r.Answer(appendHead([]byte{wireVersion}, id(n), r.own.generation, rng.Uint64N(r.own.version+1)))...)
			sent = append(sent, r.Answer(appendHead([]byte{wireVersion}, id(n), 0, 0))...)
		}
	}
	sent = append(sent, r.Answer(appendHead([]byte{wireVersion}, id(n), 0, 0))...)
	return r, append(sent, peers.heard()...)
}

// content is what a registry holds of all owners but itself.
func content(r *Registry) map[string]string {
	all := map[string]string{}
	for owner, d := range r.docs {
		if d == r.own {
			continue
		}
		all[owner] = fmt.Sprint(d.generation, "/", d.version)
		for k, e := range d.entries {
			if !e.deleted {
				all[owner+" "+k] = fmt.Sprint(e.version, " ", e.value)
			}
		}
	}
	return all
}

func shownBy(r *Registry) map[string]string {
	all := map[string]string{}
	for _, topic := range r.View().Topics() {
		all[topic] = string(r.View().Topic(topic).LookupJSON())
	}
	all["/nodes"] = string(r.View().NodesJSON())
	return all
}

var seeds = flag.Int("seeds", 200, "random histories that are merged in random orders")

func TestAnyOrderLeadsToOneState(t *testing.T) {
	for seed := range *seeds {
		rng := rand.New(rand.NewPCG(uint64(seed), 1))
		var chunks [][]byte
		var owners []*Registry
		for n := range 3 {
			r, sent := life(rng, n)
			owners, chunks = append(owners, r), append(chunks, sent...)
		}
		var first *Registry
		for range 2 {
			r := New(Options{ID: id(50)}, &crowd{})
			for i := range len(chunks) { // with repeats
				if _, err := r.Merge(chunks[rng.IntN(len(chunks))]); err != nil {
					t.Fatalf("seed %d, chunk %d: %v", seed, i, err)
				}
			}
			for _, o := range owners {
				pull(t, r, o)
				if d := r.docs[o.ID()]; d.version != o.own.version || d.generation != o.own.generation {
					t.Fatalf("seed %d: is at %d/%d", seed, d.generation, d.version)
				}
			}
			for k, e := range r.own.entries {
				t.Fatalf("seed %d: it says something itself: %s %v", seed, k, e)
			}
			if first == nil {
				first = r
				continue
			}
			if !maps.Equal(content(r), content(first)) || r.Hash() != first.Hash() {
				t.Fatalf("seed %d: states differ\n%v\n%v", seed, content(r), content(first))
			}
			if !maps.Equal(shownBy(r), shownBy(first)) {
				t.Fatalf("seed %d: views differ\n%v\n%v", seed, shownBy(r), shownBy(first))
			}
		}
	}
}

func TestVersionsNeverGoBack(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	_, chunks := life(rng, 1)
	r := New(Options{ID: id(50)}, &crowd{})
	var generation, version uint64
	for range 5000 {
		r.Merge(chunks[rng.IntN(len(chunks))])
		d := r.docs[id(1)]
		if d == nil {
			continue
		}
		if d.behind(generation, version) {
			t.Fatalf("from %d/%d back to %d/%d", generation, version, d.generation, d.version)
		}
		generation, version = d.generation, d.version
	}
}

func TestTimeLeftTravels(t *testing.T) {
	a, b, c := newTest(1), newTest(2), newTest(3)
	a.SetTopic("t", with())
	a.TombstoneProducer("t", "10.0.0.1:4151")
	b.started = b.started.Add(-time.Hour) // clocks that have nothing in common
	pull(t, b, a)
	b.started = b.started.Add(-30 * time.Second) // it holds the tombstone that long
	pull(t, c, b)
	k := key(kindTombstone, "t", id(1))
	if left := c.docs[id(1)].entries[k].expires - c.now(); left < 14*time.Second || left > 15*time.Second {
		t.Errorf("%v are left", left)
	}
	b.mu.Lock()
	want := appendHead([]byte{wireVersion}, id(1), 0, 0)
	b.mu.Unlock()
	for _, chunk := range a.Answer(want) { // a second copy with more time left
		c.Merge(chunk)
	}
	if left := c.docs[id(1)].entries[k].expires - c.now(); left > 15*time.Second {
		t.Errorf("a second copy prolonged it to %v", left)
	}
}
