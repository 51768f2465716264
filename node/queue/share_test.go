package queue

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
)

// TestSharedAreAsGoodAsCopies puts the same batches into queues that share blocks and into one that has copies.
func TestSharedAreAsGoodAsCopies(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	sharers := make([]memory, 3)
	want := make([][]Message, len(sharers))
	var id ID
	for range 3000 {
		batch := bodies(id, make([]string, 1+r.IntN(150))...)
		for i := range batch {
			batch[i].Body = strings.Repeat("x", r.IntN(5))
		}
		id += ID(len(batch))
		shared := share(batch, len(sharers))
		for i := range sharers {
			n := len(batch) // or less, as where memory is full
			if r.IntN(3) == 0 {
				n = r.IntN(n + 1)
			}
			if shared != nil {
				sharers[i].join(batch[:n], shared)
			} else {
				sharers[i].push(batch[:n])
			}
			want[i] = append(want[i], batch[:n]...)
			got := sharers[i].take(nil, r.IntN(200))
			if !slices.Equal(got, want[i][:len(got)]) {
				t.Fatalf("queue %d gave other messages", i)
			}
			want[i] = want[i][len(got):]
			if sharers[i].len() != len(want[i]) {
				t.Fatalf("queue %d has %d messages, want %d", i, sharers[i].len(), len(want[i]))
			}
		}
	}
	for i := range sharers {
		sharers[i].drop()
		if sharers[i].bytes() != 0 || sharers[i].head != nil {
			t.Error("something is left after drop")
		}
	}
}

// TestSharedBlocksAreGivenBackByTheLast: they let go of the bodies then, and no sooner.
func TestSharedBlocksAreGivenBackByTheLast(t *testing.T) {
	var a, b memory
	batch := numbered(1, 100)
	shared := share(batch, 3)
	second := shared.next
	a.join(batch, shared)
	b.join(batch[:64], shared)
	shared.releaseAll() // by one that was going away
	a.take(nil, 100)
	if got := b.take(nil, 1); got[0].Body != batch[0].Body {
		t.Error("a block was given back while somebody had not read it")
	}
	if second.messages[0] != (Message{}) {
		t.Error("a block still holds messages that nobody wants")
	}
	b.drop()
	if shared.messages[0] != (Message{}) || shared.next != nil {
		t.Error("a dropped block still holds messages")
	}
}

func TestNotShared(t *testing.T) {
	deferred := numbered(1, 100)
	deferred[50].Due = 1
	for name, c := range map[string]struct {
		batch    []Message
		channels int
	}{
		"what one channel gets":        {numbered(1, 100), 1},
		"what would leave blocks bare": {numbered(1, shareFrom-1), 8},
		"what is deferred":             {deferred, 8},
	} {
		t.Run(name, func(t *testing.T) {
			if share(c.batch, c.channels) != nil {
				t.Error("stands in shared blocks")
			}
		})
	}
}

// TestSlowChannelHoldsUpNobody: the others have at once what is published, however much of it a channel that nobody reads
// has on disk, and that one loses nothing.
func TestSlowChannelHoldsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := testOptions(t)
		o.MemQueueSize = 730
		topic := testTopic(t, o)
		var subs []*Subscription
		for i := range 3 {
			s, _ := subscribe(t, channelOf(t, topic, fmt.Sprint("fast", i)), 1000, Terms{})
			subs = append(subs, s)
		}
		slow := channelOf(t, topic, "slow")
		const rounds, size = 30, 100
		for range rounds {
			if err := topic.Put(numbered(0, size)); err != nil {
				t.Fatal(err)
			}
			for _, s := range subs {
				got := take(s)
				if len(got) != size {
					t.Fatalf("a fast channel got %d of %d messages", len(got), size)
				}
				s.Finish(idsOf(got), noFailure(t))
			}
		}
		got := drain(t, slow)
		if len(got) != rounds*size {
			t.Fatalf("the slow channel got %d of %d messages", len(got), rounds*size)
		}
		for i, m := range numbered(0, size) {
			for round := range rounds {
				if got[round*size+i] != m.Body {
					t.Fatalf("the slow channel got message %d of batch %d in another place", i, round)
				}
			}
		}
	})
}

// TestFanOutAllocatesNothing holds publishing to many channels to no allocation per batch.
func TestFanOutAllocatesNothing(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector makes pools drop what they hold")
	}
	topic := testTopic(t, testOptions(t))
	var subs []*Subscription
	for i := range 8 {
		s, _ := subscribe(t, channelOf(t, topic, fmt.Sprint(i)), 1000, Terms{})
		subs = append(subs, s)
	}
	for _, size := range []int{1, benchBatch} {
		batch, into, ids := numbered(1, size), make([]Message, 0, size), make([]ID, size)
		round := func() {
			if err := topic.Put(batch); err != nil {
				t.Fatal(err)
			}
			for _, s := range subs {
				for i, m := range s.Take(into) {
					ids[i] = m.ID
				}
				s.Finish(ids, unexpected(t))
			}
		}
		round()
		if n := testing.AllocsPerRun(200, round); n > 0 {
			t.Errorf("%v allocations for a batch of %d", n, size)
		}
	}
}
