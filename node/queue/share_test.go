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

// TestFanOutWithOneSlowChannel: what the others have read is not lost to a channel that nobody reads.
func TestFanOutWithOneSlowChannel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		topic := testTopic(t, testOptions(t))
		var subs []*Subscription
		for i := range 3 {
			s, _ := subscribe(t, channelOf(t, topic, fmt.Sprint("fast", i)), 1000, Terms{})
			subs = append(subs, s)
		}
		slow := channelOf(t, topic, "slow")
		const rounds, size = 50, 100
		for n := range rounds {
			if err := topic.Put(numbered(ID(n*size), size)); err != nil {
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
		if got := drain(t, slow); len(got) != rounds*size {
			t.Errorf("the slow channel got %d of %d messages", len(got), rounds*size)
		}
	})
}
