package queue

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

const someTime = 1_700_000_000_000_000_000 // ns since the Unix epoch

func TestIDLayout(t *testing.T) {
	s := newIDSource(677)
	batch := make([]Message, 2)
	s.number(batch, someTime)
	unit := ID(someTime>>20 - 1288834974288)
	for i, m := range batch {
		if want := unit<<22 | 677<<12 | ID(i); m.ID != want {
			t.Errorf("id %d is %x, want %x", i, m.ID, want)
		}
	}
}

func TestIDsRise(t *testing.T) {
	type step struct {
		now int64
		n   int
	}
	const unit = 1 << 20
	for name, steps := range map[string][]step{
		"within one time unit":              {{someTime, 1}, {someTime, 5}, {someTime, 1}},
		"with time":                         {{someTime, 1}, {someTime + unit, 1}, {someTime + 9*unit, 3}},
		"when a unit's sequence is used up": {{someTime, 4000}, {someTime, 4000}, {someTime, 20000}, {someTime + unit, 1}},
		"when the clock is set back":        {{someTime, 10}, {someTime - 3600e9, 10}, {someTime + unit, 1}},
		"before the epoch of ids":           {{0, 3}, {-5, 3}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newIDSource(1023)
			last := ID(0)
			for _, step := range steps {
				batch := make([]Message, step.n)
				s.number(batch, step.now)
				for _, m := range batch {
					if m.ID <= last {
						t.Fatalf("%x follows %x", m.ID, last)
					}
					if node := m.ID >> 12 & 1023; node != 1023 {
						t.Fatalf("node id of %x is %d", m.ID, node)
					}
					last = m.ID
				}
			}
		})
	}
}

func TestIDsRiseWhenTheNodeIDChanges(t *testing.T) {
	s := newIDSource(1023)
	last := ID(0)
	for _, node := range []int64{1023, 5, 5, 900, 0} {
		s.setNode(node)
		batch := make([]Message, 3)
		s.number(batch, someTime)
		for _, m := range batch {
			if m.ID <= last || int64(m.ID>>12&1023) != node {
				t.Errorf("%x follows %x on node %d", m.ID, last, node)
			}
			last = m.ID
		}
	}
}

func TestIDsOfManyPublishersAreUnique(t *testing.T) {
	s := newIDSource(7)
	var group sync.WaitGroup
	all := make([][]Message, 8)
	for i := range all {
		group.Go(func() {
			for range 100 {
				batch := make([]Message, 37)
				s.number(batch, time.Now().UnixNano())
				all[i] = append(all[i], batch...)
			}
		})
	}
	group.Wait()
	seen := map[ID]bool{}
	for _, batch := range all {
		for _, m := range batch {
			if seen[m.ID] {
				t.Fatalf("%s was given out twice", m.ID)
			}
			seen[m.ID] = true
		}
	}
}

func TestIDHex(t *testing.T) {
	for _, id := range []ID{0, 1, 0xf, 0x10, 0x18a433d50f669000, 1<<64 - 1} {
		text := id.AppendHex([]byte("id "))
		if want := fmt.Sprintf("id %016x", uint64(id)); string(text) != want {
			t.Errorf("hex of %d is %q, want %q", id, text, want)
		}
		if back, ok := ParseID(text[3:]); !ok || back != id {
			t.Errorf("%q parsed as %d, %v", text[3:], back, ok)
		}
	}
}

func TestParseIDRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":               "",
		"too few digits":        "18a433d50f66900",
		"too many digits":       "18a433d50f6690000",
		"upper case":            "18A433D50F669000",
		"a letter past f":       "18a433d50f66900g",
		"a space":               " 8a433d50f669000",
		"a byte beyond ASCII":   "18a433d50f66900\xff",
		"NUL":                   strings.Repeat("\x00", 16),
		"a sign in front":       "-8a433d50f669000",
		"the prefix of hex":     "0xa433d50f669000",
		"a bad digit in front":  "x8a433d50f669000",
		"a bad digit in middle": "18a433d_0f669000",
	} {
		if id, ok := ParseID([]byte(text)); ok {
			t.Errorf("%s: %q parsed as %x", name, text, id)
		}
	}
}

func FuzzParseID(f *testing.F) {
	f.Add([]byte("18a433d50f669000"))
	f.Add([]byte("18A433D50F669000"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if id, ok := ParseID(text); ok && string(id.AppendHex(nil)) != string(text) {
			t.Errorf("%q parsed as %x", text, id)
		}
	})
}

func BenchmarkParseID(b *testing.B) {
	text := []byte("18a433d50f669000")
	for b.Loop() {
		ParseID(text)
	}
}

func BenchmarkAppendHex(b *testing.B) {
	into := make([]byte, 0, 16)
	for b.Loop() {
		into = ID(0x18a433d50f669000).AppendHex(into[:0])
	}
}
