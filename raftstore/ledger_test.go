package raftstore

import (
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"testing"
)

// ledger is a machine that creates and deletes names, and checks every command that it is given against the truth.
type ledger struct {
	truth *truth
	mu    sync.Mutex
	state ledgerState
}

type ledgerState struct {
	At    uint64
	Names map[string]uint64 // to the index that created it
}

type ledgerCommand struct {
	ID   int
	Op   string
	Name string
}

// truth is which command has which index, as the first node to apply it saw it.
type truth struct {
	t    *testing.T
	mu   sync.Mutex
	cmds map[uint64]string
	done map[int]uint64 // id of the command to its index
}

func newTruth(t *testing.T) *truth {
	return &truth{t: t, cmds: map[uint64]string{}, done: map[int]uint64{}}
}

func (t *truth) check(index uint64, cmd []byte, c ledgerCommand) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if was, known := t.cmds[index]; known && was != string(cmd) {
		t.t.Errorf("index %d is %s on one node and %s on another", index, was, cmd)
	}
	if was, known := t.done[c.ID]; known && was != index {
		t.t.Errorf("command %d was applied at %d and again at %d", c.ID, was, index)
	}
	t.cmds[index], t.done[c.ID] = string(cmd), index
}

func (t *truth) applied(id int) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, ok := t.done[id]
	return ok
}

func newLedger(t *truth) *ledger {
	return &ledger{truth: t, state: ledgerState{Names: map[string]uint64{}}}
}

// Apply answers "yes" if the name was there before.
func (l *ledger) Apply(index uint64, cmd []byte) []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	var c ledgerCommand
	if err := json.Unmarshal(cmd, &c); err != nil {
		return []byte("bad")
	}
	l.truth.check(index, cmd, c)
	if index <= l.state.At {
		l.truth.t.Errorf("index %d comes after %d", index, l.state.At)
	}
	l.state.At = index
	_, was := l.state.Names[c.Name]
	switch {
	case c.Op == "create" && !was:
		l.state.Names[c.Name] = index
	case c.Op == "delete":
		delete(l.state.Names, c.Name)
	}
	return []byte(yes(was))
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func (l *ledger) has(name string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, ok := l.state.Names[name]
	return ok
}

func (l *ledger) dump() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	b, _ := json.Marshal(l.state)
	return string(b)
}

func (l *ledger) Snapshot() func(io.Writer) error {
	text := l.dump()
	return func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	}
}

func (l *ledger) Restore(r io.Reader) error {
	var s ledgerState
	if err := json.NewDecoder(r).Decode(&s); err != nil {
		return fmt.Errorf("restore a ledger: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.state = s
	return nil
}
