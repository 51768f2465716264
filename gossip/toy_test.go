package gossip

import (
	"encoding/binary"
	"errors"
	"hash/maphash"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
)

// toy is a State of counters, one for each owner; the higher one wins.
type toy struct {
	mu       sync.Mutex
	counters map[string]uint64
	pad      int // bytes that every chunk is longer by
}

func newToy() *toy { return &toy{counters: make(map[string]uint64)} }

var toySeed = maphash.MakeSeed()

func (s *toy) Hash() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	var h uint64
	for owner, n := range s.counters {
		h ^= maphash.String(toySeed, string(s.entry(owner, n)))
	}
	return h
}

func (s *toy) entry(owner string, n uint64) []byte {
	return binary.BigEndian.AppendUint64(appendText(nil, owner), n)
}

func (s *toy) Digest() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b []byte
	for _, owner := range slices.Sorted(maps.Keys(s.counters)) {
		b = append(b, s.entry(owner, s.counters[owner])...)
	}
	return b
}

func (s *toy) Missing(digest []byte) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	var want []byte
	for r := (reader{rest: digest}); len(r.rest) > 0 && !r.bad; {
		owner, n := r.text(), r.uint64()
		if !r.bad && s.counters[owner] < n {
			want = appendText(want, owner)
		}
	}
	return want
}

func (s *toy) Answer(want []byte) [][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	var chunks [][]byte
	for r := (reader{rest: want}); len(r.rest) > 0 && !r.bad; {
		owner := r.text()
		if n, ok := s.counters[owner]; ok {
			chunks = append(chunks, s.chunk(owner, n))
		}
	}
	return chunks
}

// chunk says either that the owner's counter is at n, or (hint) only that it is there to be asked for.
func (s *toy) chunk(owner string, n uint64) []byte {
	return append(append([]byte{'='}, s.entry(owner, n)...), padding[:s.pad]...)
}

// padding cannot be compressed.
var padding = func() []byte {
	b := make([]byte, maxChunk)
	_, _ = rand.NewChaCha8([32]byte{}).Read(b)
	return b
}()

func (s *toy) hint(owner string, n uint64) []byte { return append([]byte{'?'}, s.entry(owner, n)...) }

func (s *toy) Merge(chunk []byte) ([]byte, error) {
	r := reader{rest: chunk}
	kind, owner, n := r.uint8(), r.text(), r.uint64()
	if r.bad || kind != '=' && kind != '?' {
		return nil, errors.New("not a chunk of a toy")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.counters[owner] >= n {
		return nil, nil
	}
	if kind == '?' {
		return appendText(nil, owner), nil
	}
	s.counters[owner] = n
	return nil, nil
}

// bump raises an owner's counter and returns the chunk that says so.
func (s *toy) bump(owner string) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counters[owner]++
	return s.chunk(owner, s.counters[owner])
}

func (s *toy) count(owner string) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counters[owner]
}
