package raftstore

import (
	"log/slog"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
)

// quietFor keeps one complaint of raft from filling the log: it repeats itself for as long as a server is away.
const quietFor = time.Minute

// raftLog passes on what raft complains about. What it does and tells about it is for debugging only, because the store
// itself tells what matters.
type raftLog struct {
	hclog.Logger
	log  *slog.Logger
	said *said
}

type said struct {
	mu   sync.Mutex
	last map[string]time.Time
}

func newRaftLog(log *slog.Logger) hclog.Logger {
	return raftLog{hclog.NewNullLogger(), log, &said{last: map[string]time.Time{}}}
}

func (l raftLog) Named(string) hclog.Logger      { return l }
func (l raftLog) ResetNamed(string) hclog.Logger { return l }
func (l raftLog) With(...any) hclog.Logger       { return l }

func (l raftLog) Debug(msg string, args ...any) { l.log.Debug("raft: "+msg, args...) }
func (l raftLog) Info(msg string, args ...any)  { l.log.Debug("raft: "+msg, args...) }
func (l raftLog) Warn(msg string, args ...any)  { l.log.Debug("raft: "+msg, args...) }

func (l raftLog) Error(msg string, args ...any) {
	l.said.mu.Lock()
	now := time.Now()
	repeated := now.Sub(l.said.last[msg]) < quietFor
	if !repeated {
		l.said.last[msg] = now
	}
	l.said.mu.Unlock()
	if repeated {
		l.log.Debug("raft: "+msg, args...)
	} else {
		l.log.Warn("raft: "+msg, args...)
	}
}
