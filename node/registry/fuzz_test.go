package registry

import (
	"bytes"
	"maps"
	"math/rand/v2"
	"testing"
)

func FuzzMerge(f *testing.F) {
	_, chunks := life(rand.New(rand.NewPCG(1, 1)), 1)
	for _, c := range chunks {
		f.Add(c)
	}
	f.Add(whole(id(7), 1, 9, says(5, "t/a"), says(6, "x/a/"+id(7))))
	f.Fuzz(func(t *testing.T, chunk []byte) {
		r := newTest(2)
		r.SetTopic("t", with("c"))
		before, hash := content(r), r.Hash()
		want, err := r.Merge(chunk)
		if err != nil && (!maps.Equal(before, content(r)) || r.Hash() != hash || want != nil) {
			t.Error("garbage changed something")
		}
		if err != nil {
			return
		}
		// Whatever was taken can be handed on, and means the same there.
		other := New(Options{ID: id(60)}, &crowd{})
		for _, c := range r.Answer(other.Missing(r.Digest())) {
			if _, err := other.Merge(c); err != nil {
				t.Errorf("handed on, it is not understood: %v", err)
			}
		}
		for owner, d := range r.docs {
			if o := other.docs[owner]; r.shown(d) && (o == nil || o.version != d.version || o.generation != d.generation) {
				t.Errorf("handed on, the document of %s is not the same", owner)
			}
		}
		if v := r.View(); bytes.Contains(v.NodesJSON(), []byte("\n")) {
			t.Error("names get out unchecked")
		}
	})
}

func FuzzRequests(f *testing.F) {
	r := newTest(2)
	r.SetTopic("t", with("c"))
	f.Add(r.Digest())
	f.Add(appendHead([]byte{wireVersion}, id(2), 1, 1))
	f.Add(appendHead([]byte{wireVersion}, id(2), 0, 0))
	f.Fuzz(func(t *testing.T, b []byte) {
		r.refuted = nil
		r.Missing(b)
		for _, chunk := range r.Answer(b) {
			if _, _, err := decodeChunk(chunk); err != nil {
				t.Errorf("an answer cannot be read: %v", err)
			}
		}
	})
}

func FuzzValues(f *testing.F) {
	f.Add(Node{Name: "n", BroadcastAddress: "a", TCPPort: 1}.encode())
	f.Add(encodeGuest(Producer{RemoteAddress: "a:1"}, true))
	f.Add(buried{3, Stamp{4, id(2)}}.encode(id(1)))
	f.Fuzz(func(t *testing.T, value string) {
		n := decodeNode(value)
		if decodeNode(n.encode()) != n {
			t.Errorf("%+v does not come back", n)
		}
		g, silent := decodeGuest(value)
		if again, s := decodeGuest(encodeGuest(g, silent)); again != g || s != silent {
			t.Errorf("%+v does not come back", g)
		}
		b := decodeBuried(value, id(1))
		if b.stamp.Node != "" && decodeBuried(b.encode(id(1)), id(1)) != b {
			t.Errorf("%+v does not come back", b)
		}
	})
}

func FuzzKey(f *testing.F) {
	for _, k := range []string{"n", "t/a", "c/a/b", "g/1", "r/1/a", "h/1/a/b", "k/a", "x/a/" + id(1) + "/2", "f/" + id(1)} {
		f.Add(k)
	}
	f.Fuzz(func(t *testing.T, k string) {
		s, ok := parseKey(k)
		if !ok {
			return
		}
		parts := map[byte][]string{
			kindGuest: {s.guest}, kindForget: {s.owner}, kindTombstone: {s.topic, s.owner, s.guest},
			kindGuestTopic: {s.guest, s.topic}, kindGuestChannel: {s.guest, s.topic, s.channel},
			kindPolicy: {s.pattern},
		}[s.kind]
		if parts == nil {
			parts = []string{s.topic, s.channel}
		}
		if again, _ := parseKey(key(s.kind, parts...)); again != s {
			t.Errorf("%q is %+v, and that is %+v", k, s, again)
		}
	})
}

func TestStampText(t *testing.T) {
	s := Stamp{12, id(3)}
	text, _ := s.MarshalText()
	var again Stamp
	if err := again.UnmarshalText(text); err != nil || again != s {
		t.Errorf("%s is %v, %v", text, again, err)
	}
	for _, bad := range []string{"", "1", "1.x", "x." + id(1), "-1." + id(1), "9999999999999999999." + id(1)} {
		if err := again.UnmarshalText([]byte(bad)); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}
