package raftstore

import (
	"io"

	"github.com/hashicorp/raft"
)

// fsm is the replica as raft sees it.
type fsm struct {
	replica *replica
	rewrite func(position) position // of a snapshot's head, by a recovery; nil leaves it
}

func (f fsm) Apply(l *raft.Log) any { return f.replica.apply(l.Index, l.Data) }

func (f fsm) Restore(from io.ReadCloser) error {
	defer from.Close()
	return f.replica.restore(from, fromGroup)
}

func (f fsm) Snapshot() (raft.FSMSnapshot, error) {
	if f.rewrite != nil {
		f.replica.mu.Lock()
		p := f.rewrite(position{f.replica.id, f.replica.at})
		f.replica.id, f.replica.at = p.identity, p.At
		f.replica.mu.Unlock()
	}
	_, write := f.replica.snapshot()
	return fsmSnapshot{write}, nil
}

type fsmSnapshot struct{ write func(io.Writer) error }

func (s fsmSnapshot) Persist(sink raft.SnapshotSink) error {
	if err := s.write(sink); err != nil {
		_ = sink.Cancel()
		return err
	}
	return sink.Close()
}

func (fsmSnapshot) Release() {}
