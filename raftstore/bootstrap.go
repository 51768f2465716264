package raftstore

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/hashicorp/raft"
)

// How a group comes to be. Candidates that belong to none announce how many voters they expect. When that many agree, are
// alive and have been the same ones for a while, the one with the lowest server id asks the others for a promise. Each
// gives it for one set only, if it sees the same set, and keeps it on disk. With all promises the lowest makes the group,
// once; the others learn of it as raft's followers. A group's first entry is its identity, by whoever leads first.

// promiseLife is how long a promise binds when nothing comes of it. The one who asked acts within promiseUse.
const (
	promiseLife = time.Minute
	promiseUse  = 10 * time.Second
)

// sighting is a set of servers and since when it is the same.
type sighting struct {
	servers []string
	since   time.Time
}

// eligible returns the servers that would make a group now, sorted, or nil.
func (s *Store) eligible(peers []peer) []string {
	var servers []string
	for _, p := range peers {
		switch {
		case !p.Alive:
		case p.State || p.Cluster != "":
			return nil // there is a group, and it takes in who is new
		case p.Expect == s.o.Expect:
			servers = append(servers, p.Server)
		}
	}
	if len(servers) < s.o.Expect {
		return nil
	}
	slices.Sort(servers)
	return slices.Compact(servers)[:s.o.Expect]
}

func (s *Store) considerGroup(peers []peer) {
	servers := s.eligible(peers)
	s.mu.Lock()
	if !slices.Equal(servers, s.seen.servers) {
		s.seen = sighting{servers, time.Now()}
	}
	ready := servers != nil && time.Since(s.seen.since) >= settle
	s.mu.Unlock()
	if ready && servers[0] == s.server {
		s.makeGroup(servers, peers)
	}
}

func (s *Store) makeGroup(servers []string, peers []peer) {
	begin := time.Now()
	if err := s.promise(servers); err != nil {
		s.log.Warn("cannot make a raft group", "err", err)
		return
	}
	body, err := json.Marshal(promise{servers})
	if err != nil {
		return
	}
	for _, p := range peers {
		if p.Server == s.server || !slices.Contains(servers, p.Server) {
			continue
		}
		ctx, cancel := context.WithTimeout(s.life, 2*time.Second)
		_, err := s.ask(ctx, p.Node, askPromise, body)
		cancel()
		if err != nil {
			s.log.Debug("a candidate does not agree to the raft group yet", "node", p.Name, "err", err)
			return
		}
	}
	r := s.raft.Load()
	if r == nil || time.Since(begin) > promiseUse || s.hasState() {
		return
	}
	var c raft.Configuration
	for _, server := range servers {
		c.Servers = append(c.Servers, raft.Server{ID: raft.ServerID(server), Address: raft.ServerAddress(server)})
	}
	if err := r.BootstrapCluster(c).Error(); err != nil {
		s.log.Error("cannot make a raft group", "err", err)
		return
	}
	s.log.Info("made a raft group", "servers", servers)
	s.Look()
}

// promise agrees to a set of servers, on disk before it returns.
func (s *Store) promise(servers []string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if slices.Equal(s.promised.Servers, servers) {
		s.promisedAt = time.Now()
		return nil
	}
	if s.promised.Servers != nil && time.Since(s.promisedAt) < promiseLife {
		return fmt.Errorf("promised to be in another group, of %v", s.promised.Servers)
	}
	p := promise{servers}
	if err := savePromise(s.o.Dir, p); err != nil {
		return err
	}
	s.promised, s.promisedAt = p, time.Now()
	return nil
}

func (s *Store) answerPromise(body []byte) error {
	var p promise
	if err := json.Unmarshal(body, &p); err != nil {
		return err
	}
	switch seen := s.eligible(s.peers()); {
	case s.raft.Load() == nil:
		return errStopped
	case s.hasState():
		return fmt.Errorf("this node belongs to a raft group")
	case !slices.Equal(seen, p.Servers):
		return fmt.Errorf("this node would be in a group of %v", seen)
	}
	return s.promise(p.Servers)
}

// identify gives a new group its identity. Called on the leader.
func (s *Store) identify(r *raft.Raft) {
	if s.replica.isProven() {
		return
	}
	if err := r.Barrier(s.o.Timeout).Error(); err != nil || s.replica.isProven() {
		return
	}
	id := identity{Cluster: newID(), Generation: 1}
	if err := r.Apply(encodeIdentity(id), s.o.Timeout).Error(); err != nil {
		s.log.Warn("cannot name the raft group yet", "err", err)
		return
	}
	s.log.Info("the raft group has its identity", "cluster", s.replica.position().Cluster)
}

func (r *replica) isProven() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.proven
}
