package raftstore

import (
	"encoding/binary"
	"errors"
	"path/filepath"
	"sync"

	"github.com/hashicorp/raft"
)

// simDisk is a log that is written at once and survives crashes. One that crashed goes on believing that it writes.
type simDisk struct {
	mu     sync.Mutex
	logs   map[uint64]raft.Log
	lo, hi uint64
	keys   map[string][]byte
}

func newSimDisk() *simDisk { return &simDisk{logs: map[uint64]raft.Log{}, keys: map[string][]byte{}} }

func (d *simDisk) open(dir string, g *gate) (disk, string, error) {
	server, err := serverID(dir)
	if err != nil {
		return disk{}, "", err
	}
	snaps, err := raft.NewFileSnapshotStoreWithLogger(filepath.Join(dir), keptSnapshots, newRaftLog(discard))
	life := simLife{d, g}
	return disk{life, life, snaps, func() error { return nil }}, server, err
}

// gate is closed when a life ends.
type gate struct {
	mu     sync.Mutex
	closed bool
}

func (g *gate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
}

type simLife struct {
	*simDisk
	gate *gate
}

func (l simLife) write(f func()) {
	l.gate.mu.Lock()
	defer l.gate.mu.Unlock()
	if !l.gate.closed {
		l.mu.Lock()
		defer l.mu.Unlock()
		f()
	}
}

func (l simLife) FirstIndex() (uint64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lo, nil
}

func (l simLife) LastIndex() (uint64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.hi, nil
}

func (l simLife) GetLog(index uint64, log *raft.Log) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	found, ok := l.logs[index]
	if !ok {
		return raft.ErrLogNotFound
	}
	*log = found
	return nil
}

func (l simLife) StoreLog(log *raft.Log) error { return l.StoreLogs([]*raft.Log{log}) }

func (l simLife) StoreLogs(logs []*raft.Log) error {
	l.write(func() {
		for _, log := range logs {
			l.logs[log.Index] = *log
			if l.lo == 0 {
				l.simDisk.lo = log.Index
			}
			l.simDisk.hi = max(l.hi, log.Index)
		}
	})
	return nil
}

func (l simLife) DeleteRange(lo, hi uint64) error {
	l.write(func() {
		for i := lo; i <= hi; i++ {
			delete(l.logs, i)
		}
		if lo <= l.lo {
			l.simDisk.lo = hi + 1
		}
		if hi >= l.hi {
			l.simDisk.hi = lo - 1
		}
		if l.lo > l.hi {
			l.simDisk.lo, l.simDisk.hi = 0, 0
		}
	})
	return nil
}

var errNotFound = errors.New("not found") // raft compares the text

func (l simLife) Set(key, val []byte) error {
	l.write(func() { l.keys[string(key)] = append([]byte(nil), val...) })
	return nil
}

func (l simLife) Get(key []byte) ([]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	v, ok := l.keys[string(key)]
	if !ok {
		return nil, errNotFound
	}
	return v, nil
}

func (l simLife) SetUint64(key []byte, val uint64) error {
	return l.Set(key, binary.BigEndian.AppendUint64(nil, val))
}

func (l simLife) GetUint64(key []byte) (uint64, error) {
	v, err := l.Get(key)
	if err != nil {
		return 0, err
	}
	return binary.BigEndian.Uint64(v), nil
}
