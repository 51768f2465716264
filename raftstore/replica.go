package raftstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
)

// Machine is what is replicated. It is deterministic: the same commands in the same order leave the same state. Its methods
// are called one at a time and must not call the Store.
type Machine interface {
	// Apply takes a command and returns the answer for whoever sent it. The index rises with every command.
	Apply(index uint64, cmd []byte) []byte
	// Snapshot returns quickly; what it returns writes the state of that moment, later and while commands are applied.
	Snapshot() func(io.Writer) error
	// Restore replaces the state.
	Restore(r io.Reader) error
}

const (
	keptEntries = 8192    // for followers that lag
	keptBytes   = 4 << 20 // of them
)

// replica is the machine of this node and the position that it has come to. Raft feeds it on members of the group, a
// follower's stream on all others, the cache before either speaks.
type replica struct {
	mu      sync.Mutex
	machine Machine
	empty   []byte // the machine's snapshot before anything happened
	id      identity
	proven  bool   // the group itself, not only the cache, has said that the state is its own
	at      uint64 // index of the last entry that is in the state
	answers answers
	recent  recent
	waiting chan struct{} // closed at the next entry
	dirty   bool          // the cache is behind
}

func newReplica(m Machine) (*replica, error) {
	var empty bytes.Buffer
	if err := m.Snapshot()(&empty); err != nil {
		return nil, fmt.Errorf("snapshot the empty state: %w", err)
	}
	return &replica{machine: m, empty: empty.Bytes(), answers: newAnswers()}, nil
}

// position is how far a replica has come, and in whose history.
type position struct {
	identity
	At uint64 `json:"at"`
}

func (r *replica) position() position {
	r.mu.Lock()
	defer r.mu.Unlock()
	return position{r.id, r.at}
}

// apply takes an entry that the group has committed and returns the machine's answer.
func (r *replica) apply(index uint64, data []byte) []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	e, err := decodeEntry(data)
	if e.kind == entryIdentity && err == nil && !r.proven {
		r.adopt(e.identity)
	}
	if index <= r.at {
		return r.answers.of(e.id)
	}
	r.at = index
	r.recent.add(index, data)
	r.tell()
	switch {
	case err != nil: // written by a later release: no node of this one does anything with it
	case e.kind == entryOff, e.kind == entryOn:
		r.id.Off = e.kind == entryOff
	case e.kind == entryCommand:
		return r.command(index, e)
	}
	return nil
}

func (r *replica) command(index uint64, e entry) []byte {
	if answer, done := r.answers.find(e.id); done {
		return answer
	}
	answer := r.machine.Apply(r.id.Base+index, e.cmd)
	r.answers.add(e.id, answer)
	return answer
}

// adopt takes the identity that a group begins with. A cache of another history is worth nothing then.
func (r *replica) adopt(id identity) {
	r.proven = true
	if r.id.same(id) {
		return
	}
	if r.id.Cluster != "" {
		_ = r.machine.Restore(bytes.NewReader(r.empty)) // which it wrote itself
		r.at, r.answers = 0, newAnswers()
	}
	r.id, r.recent = id, recent{}
}

// tell wakes who waits for a position. Called with mu held, after which the entry is applied before anybody looks.
func (r *replica) tell() {
	r.dirty = true
	if r.waiting != nil {
		close(r.waiting)
		r.waiting = nil
	}
}

// next returns a channel that is closed when the position changes.
func (r *replica) next() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.nextLocked()
}

func (r *replica) nextLocked() <-chan struct{} {
	if r.waiting == nil {
		r.waiting = make(chan struct{})
	}
	return r.waiting
}

// wait blocks until the state holds an entry.
func (r *replica) wait(ctx context.Context, p position) error {
	for {
		r.mu.Lock()
		behind := r.id.Generation < p.Generation || r.id.same(p.identity) && r.at < p.At
		next := r.nextLocked()
		r.mu.Unlock()
		if !behind {
			return nil
		}
		select {
		case <-next:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// recent are the last entries, for followers.
type recent struct {
	entries []logged
	bytes   int
	floor   uint64 // entries above it are all there
	known   bool
}

type logged struct {
	index uint64
	data  []byte
}

func (r *recent) add(index uint64, data []byte) {
	if !r.known {
		r.known, r.floor = true, index-1
	}
	r.entries = append(r.entries, logged{index, bytes.Clone(data)})
	r.bytes += len(data)
	n := 0
	for len(r.entries)-n > keptEntries || r.bytes > keptBytes && n < len(r.entries)-1 {
		r.floor = r.entries[n].index
		r.bytes -= len(r.entries[n].data)
		n++
	}
	r.entries = r.entries[n:]
}

// errSnapshot says that only a snapshot brings a follower up to date.
var errSnapshot = errors.New("too far behind for single entries")

// since returns the entries above a position, at most some, and a channel for more.
func (r *replica) since(p position) ([]logged, <-chan struct{}, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case !r.id.same(p.identity) || p.At > r.at:
		return nil, nil, errSnapshot
	case p.At == r.at:
		return nil, r.nextLocked(), nil
	case !r.recent.known || p.At < r.recent.floor:
		return nil, nil, errSnapshot
	}
	all := r.recent.entries
	lo, hi := 0, len(all)
	for lo < hi {
		if mid := (lo + hi) / 2; all[mid].index > p.At {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	return append([]logged(nil), all[lo:min(len(all), lo+256)]...), nil, nil
}
