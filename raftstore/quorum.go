package raftstore

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// ErrNoQuorum says that nobody could commit a command in time. It may still be committed later, if it had reached a leader.
var ErrNoQuorum = errors.New("no quorum")

var errStopped = errors.New("raft does not run on this node")

// NoQuorum is ErrNoQuorum with what this node knows about it.
type NoQuorum struct {
	Leader string   // name of the last one that this node knew, "" for none
	Seen   []string // voters that are alive
	Missed []string // voters that are not
	Since  time.Duration
}

func (e *NoQuorum) Error() string {
	leader := "no leader known"
	if e.Leader != "" {
		leader = "last leader " + e.Leader
	}
	if e.Since > 0 {
		leader += fmt.Sprintf(", none for %v", e.Since.Round(100*time.Millisecond))
	}
	return fmt.Sprintf("no quorum: %s; voters seen: %s; not seen: %s", leader, list(e.Seen), list(e.Missed))
}

func (e *NoQuorum) Is(target error) bool { return target == ErrNoQuorum }

func list(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, " ")
}

func (s *Store) noQuorum() *NoQuorum {
	e := &NoQuorum{}
	s.mu.Lock()
	e.Leader = s.lastLeader
	if !s.leaderless.IsZero() {
		e.Since = time.Since(s.leaderless)
	}
	s.mu.Unlock()
	for _, v := range s.Status().Servers {
		switch {
		case !v.Voter:
		case v.Alive:
			e.Seen = append(e.Seen, v.name())
		default:
			e.Missed = append(e.Missed, v.name())
		}
	}
	return e
}

// leader returns the node that leads the group, as far as this node knows.
func (s *Store) leader(peers []peer) (found peer, ok bool) {
	at := s.replica.position()
	if r := s.raft.Load(); r != nil {
		if _, server := r.LeaderWithID(); server != "" {
			return byServer(peers, string(server))
		}
	} // a server that was removed is not told so, and has to go by what others say
	for _, p := range peers {
		if !p.Alive || p.Role != roleLeader || at.Cluster != "" && p.Cluster != at.Cluster {
			continue
		}
		if !ok || p.Generation > found.Generation || p.Generation == found.Generation && p.Term > found.Term {
			found, ok = p, true
		}
	}
	return found, ok
}

func byServer(peers []peer, server string) (peer, bool) {
	for _, p := range peers {
		if p.Server == server {
			return p, true
		}
	}
	return peer{}, false
}

// judgeLeader notes when there is a leader and when there is none.
func (s *Store) judgeLeader(peers []peer) {
	p, ok := s.leader(peers)
	s.mu.Lock()
	was, had := s.lastLeader, s.leaderless.IsZero()
	switch {
	case ok:
		s.lastLeader, s.leaderless = p.Name, time.Time{}
	case had:
		s.leaderless = time.Now()
	}
	s.mu.Unlock()
	switch {
	case ok && (!had || was != p.Name):
		s.log.Info("the raft group has a leader", "leader", p.Name)
	case !ok && had:
		s.log.Warn("the raft group has no leader", "last", was)
	default:
		return
	}
	s.o.Changed()
}
