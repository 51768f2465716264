package registry

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
)

func bare(t *testing.T, number int) *Registry {
	t.Helper()
	return New(Options{ID: fmt.Sprintf("%032x", number), Generation: 1}, nil)
}

func image(t *testing.T, r *Registry) string {
	t.Helper()
	var b bytes.Buffer
	if err := r.Agreed().Snapshot()(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestAgreedDeleteCoversWhatWasThereAndNothingLater(t *testing.T) {
	asker, other := bare(t, 1), bare(t, 2)
	for _, r := range []*Registry{asker, other} {
		r.SetTopic("t", Topic{Channels: []Channel{{Name: "c"}}})
	}
	asker.observe(Stamp{Counter: 10}) // it has heard of all that the other has
	cmd := asker.Proposal(Delete, "t", "", false)
	for _, r := range []*Registry{asker, other} {
		r.Agreed().Apply(7, cmd)
		created, here := r.Created("t", "")
		if i := r.IntentsOf("t"); !here || len(i) != 1 || !i[0].Covers(created) {
			t.Errorf("intents %v for what was created at %v", i, created)
		}
		if r.View().Topic("t") != nil || !r.DeletedLately("t") {
			t.Error("a deleted topic is shown")
		}
		r.RemoveTopic("t")
		r.SetTopic("t", Topic{})
		if created, _ := r.Created("t", ""); r.IntentsOf("t")[0].Covers(created) || r.View().Topic("t") == nil {
			t.Error("the delete covers what was created after it")
		}
	}
}

func TestAgreedIntentsAndThoseByGossipAreWeighedTogether(t *testing.T) {
	r := bare(t, 1)
	r.PauseTopic("t", true)
	r.Agreed().Apply(1, r.Proposal(Pause, "t", "", false))
	if i := r.IntentsOf("t"); len(i) != 1 || i[0].Paused {
		t.Errorf("agreed to resume what gossip paused: %v", i)
	}
	r.PauseTopic("t", true)
	if i := r.IntentsOf("t"); len(i) != 1 || !i[0].Paused {
		t.Errorf("paused by gossip after that: %v", i)
	}
}

func TestSameCommandsMakeTheSameMachine(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	proposers := []*Registry{bare(t, 1), bare(t, 2), bare(t, 3)}
	a, b := bare(t, 4), bare(t, 5)
	b.SetTopic("t1", Topic{Channels: []Channel{{Name: "c0"}}}) // what a node has of its own changes nothing
	kinds := []IntentKind{Create, Delete, Pause}
	for i := range 2000 {
		channel := ""
		if rng.IntN(2) == 0 {
			channel = fmt.Sprintf("c%d", rng.IntN(3))
		}
		cmd := proposers[rng.IntN(3)].Proposal(kinds[rng.IntN(3)], fmt.Sprintf("t%d", rng.IntN(5)), channel, rng.IntN(2) == 0)
		if rng.IntN(50) == 0 {
			cmd = cmd[:rng.IntN(len(cmd))]
		}
		a.Agreed().Apply(uint64(i+1), cmd)
		b.Agreed().Apply(uint64(i+1), cmd)
		if i%100 != 99 {
			continue
		}
		if image(t, a) != image(t, b) {
			t.Fatalf("two machines differ after command %d", i)
		}
		c := bare(t, 6)
		if err := c.Agreed().Restore(bytes.NewReader([]byte(image(t, a)))); err != nil || image(t, c) != image(t, a) {
			t.Fatalf("a snapshot does not restore what it was made of: %v", err)
		}
		b = c
	}
}

func TestAgreedDocumentIsNoNode(t *testing.T) {
	r, other := bare(t, 1), bare(t, 2)
	before := r.Hash()
	r.Agreed().Apply(1, r.Proposal(Create, "t", "", false))
	if r.Hash() != before || len(r.Documents()) != 1 {
		t.Error("what an authority decided is gossiped")
	}
	if r.View().Topic("t") == nil {
		t.Error("a topic that was agreed on is not known")
	}
	r.SetNote([]byte("hello"))
	want := other.Missing(r.Digest())
	for _, chunk := range r.Answer(want) {
		if _, err := other.Merge(chunk); err != nil {
			t.Fatal(err)
		}
	}
	if n := other.Notes(); len(n) != 1 || n[0].Text != "hello" || other.View().Topic("t") != nil {
		t.Errorf("notes %v", n)
	}
	select {
	case <-other.NotesChanged():
	default:
		t.Error("nobody is told of a note")
	}
}

func FuzzAgreed(f *testing.F) {
	seed := New(Options{ID: fmt.Sprintf("%032x", 1), Generation: 1}, nil)
	cmd := seed.Proposal(Delete, "t", "c", false)
	seed.Agreed().Apply(1, cmd)
	var b bytes.Buffer
	_ = seed.Agreed().Snapshot()(&b)
	f.Add(cmd)
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		r := New(Options{ID: fmt.Sprintf("%032x", 1), Generation: 1}, nil)
		r.Agreed().Apply(1, b)
		if r.Agreed().Restore(bytes.NewReader(b)) != nil {
			return
		}
		again := New(Options{ID: fmt.Sprintf("%032x", 2), Generation: 1}, nil)
		if err := again.Agreed().Restore(bytes.NewReader([]byte(image(t, r)))); err != nil {
			t.Errorf("its own snapshot is refused: %v", err)
		}
	})
}
