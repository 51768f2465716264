package queue

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// bodies makes a batch with rising ids.
func bodies(first ID, texts ...string) []Message {
	batch := make([]Message, len(texts))
	for i, text := range texts {
		batch[i] = Message{ID: first + ID(i), Body: text}
	}
	return batch
}

func TestMemoryFits(t *testing.T) {
	for name, c := range map[string]struct {
		size, bytes int64
		held, batch []string
		want        int
	}{
		"all of a batch with room to spare":      {size: 5, batch: []string{"a", "b"}, want: 2},
		"up to the number of messages":           {size: 3, held: []string{"x"}, batch: []string{"a", "b", "c"}, want: 2},
		"nothing once full":                      {size: 1, held: []string{"x"}, batch: []string{"a"}, want: 0},
		"nothing beyond full":                    {size: 1, held: []string{"x", "y", "z"}, batch: []string{"a"}, want: 0},
		"nothing with no memory":                 {size: 0, batch: []string{"a"}, want: 0},
		"up to the number of bytes":              {size: 9, bytes: 5, held: []string{"xx"}, batch: []string{"aa", "b", "c"}, want: 2},
		"not a small message past a large one":   {size: 9, bytes: 5, batch: []string{"aaaaaa", "b"}, want: 0},
		"whichever of the bounds is hit first":   {size: 1, bytes: 5, batch: []string{"a", "b"}, want: 1},
		"all of an empty batch, which is no one": {size: 1, batch: nil, want: 0},
	} {
		t.Run(name, func(t *testing.T) {
			var m memory
			m.init(&Options{MemQueueSize: c.size, MemQueueBytes: c.bytes})
			m.push(bodies(1, c.held...))
			if got := m.fit(bodies(9, c.batch...)); got != c.want {
				t.Errorf("%d fit, want %d", got, c.want)
			}
		})
	}
}

func TestMemoryTakesByBytes(t *testing.T) {
	for name, c := range map[string]struct {
		held     []string
		n, bytes int
		want     int
	}{
		"what is within the bound":                {held: []string{"aa", "bb", "cc"}, n: 9, bytes: 4, want: 2},
		"a first message whatever its size":       {held: []string{"aaaaaa", "b"}, n: 9, bytes: 4, want: 1},
		"no large message behind a small one":     {held: []string{"a", "bbbbbb"}, n: 9, bytes: 4, want: 1},
		"no more messages than asked for":         {held: []string{"a", "b", "c"}, n: 2, bytes: 4, want: 2},
		"a message of exactly the bound and more": {held: []string{"aaaa", "b"}, n: 9, bytes: 4, want: 1},
	} {
		t.Run(name, func(t *testing.T) {
			var m memory
			m.push(bodies(1, c.held...))
			if got := m.takeWithin(nil, c.n, c.bytes); len(got) != c.want {
				t.Errorf("took %d, want %d", len(got), c.want)
			}
		})
	}
}

func TestMemoryIsFirstInFirstOut(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	var m memory
	var want []Message
	var id ID
	size := int64(0)
	for range 5000 {
		if r.IntN(2) == 0 {
			batch := bodies(id, make([]string, r.IntN(150))...)
			for i := range batch {
				batch[i].Body = strings.Repeat("x", r.IntN(5))
				size += int64(len(batch[i].Body))
			}
			id += ID(len(batch))
			m.push(batch)
			want = append(want, batch...)
		} else {
			got := m.takeWithin(nil, r.IntN(200), r.IntN(300))
			if !slices.Equal(got, want[:len(got)]) {
				t.Fatal("messages came in another order")
			}
			want = want[len(got):]
			for _, m := range got {
				size -= int64(len(m.Body))
			}
		}
		if m.len() != len(want) || m.bytes() != size {
			t.Fatalf("holds %d messages of %d bytes, want %d of %d", m.len(), m.bytes(), len(want), size)
		}
	}
	m.drop()
	if m.len() != 0 || m.bytes() != 0 || m.head != nil {
		t.Error("something is left after drop")
	}
}

func TestMemoryHoldsNothingWhenEmpty(t *testing.T) {
	var m memory
	m.push(bodies(1, make([]string, 1000)...))
	m.take(nil, 1000)
	if m.head != nil || m.tail != nil {
		t.Error("an empty queue holds a chunk")
	}
}
