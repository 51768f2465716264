package raftstore

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/hashicorp/raft"
)

// Status is what a node knows about the group.
type Status struct {
	Candidate   bool          `json:"candidate"`
	Role        string        `json:"role"` // none, spare, voter, leader; follower outside the group
	Authority   bool          `json:"authority"`
	Cluster     string        `json:"cluster_id"`
	Generation  uint64        `json:"generation"`
	Leader      string        `json:"leader"` // name of the node, "" for none
	Leaderless  time.Duration `json:"-"`      // for how long there is none
	Term        uint64        `json:"term"`
	LastIndex   uint64        `json:"last_index"`
	CommitIndex uint64        `json:"commit_index"`
	Applied     uint64        `json:"applied_index"`
	Snapshot    uint64        `json:"snapshot_index"`
	LastContact time.Duration `json:"-"` // since this node heard from the leader; -1 if it did not
	Servers     []Server      `json:"servers"`
	Retired     string        `json:"retired,omitempty"` // why this node's raft is at rest
}

// Server is one member of the group.
type Server struct {
	ID     string `json:"id"`
	Node   string `json:"node"` // "" if no node of the mesh has it
	Name   string `json:"name"`
	Voter  bool   `json:"voter"`
	Leader bool   `json:"leader"`
	Alive  bool   `json:"alive"`
}

func (s Server) name() string {
	if s.Name != "" {
		return s.Name
	}
	return s.ID[:min(8, len(s.ID))]
}

// Authority reports whether metadata is decided by the group: it exists, and it was not told to let go.
func (s *Store) Authority() bool {
	at := s.replica.position()
	return at.Cluster != "" && !at.Off
}

// Status returns what this node knows.
func (s *Store) Status() Status {
	at, peers := s.replica.position(), s.peers()
	st := Status{
		Candidate: s.o.Expect > 0, Role: "follower", Authority: at.Cluster != "" && !at.Off,
		Cluster: at.Cluster, Generation: at.Generation, Applied: at.At, LastContact: -1,
	}
	s.mu.Lock()
	if s.leaderless.IsZero() {
		st.Leader = s.lastLeader
	} else {
		st.Leaderless = time.Since(s.leaderless)
	}
	st.Retired = s.retired
	s.mu.Unlock()
	r := s.raft.Load()
	if r == nil {
		st.Servers = announced(peers, at)
		return st
	}
	st.Role = string(s.note().Role)
	st.Term, st.LastIndex, st.CommitIndex = r.CurrentTerm(), r.LastIndex(), r.CommitIndex()
	st.Snapshot, _ = strconv.ParseUint(r.Stats()["last_snapshot_index"], 10, 64)
	switch contact := r.LastContact(); {
	case r.State() == raft.Leader:
		st.LastContact = 0
	case !contact.IsZero():
		st.LastContact = time.Since(contact)
	}
	st.Servers = s.configured(r, peers)
	if len(st.Servers) == 0 {
		st.Servers = announced(peers, at)
	}
	return st
}

// announced is the group as its members describe themselves.
func announced(peers []peer, at position) (all []Server) {
	for _, p := range peers {
		if p.Role != roleNone && (at.Cluster == "" || p.Cluster == at.Cluster) {
			all = append(all, Server{p.Server, p.Node, p.Name, p.voter(), p.Role == roleLeader && p.Alive, p.Alive})
		}
	}
	return all
}

// configured is the group as raft has it.
func (s *Store) configured(r *raft.Raft, peers []peer) (all []Server) {
	f := r.GetConfiguration()
	if f.Error() != nil {
		return nil
	}
	_, leader := r.LeaderWithID()
	for _, one := range f.Configuration().Servers {
		p, _ := byServer(peers, string(one.ID))
		all = append(all, Server{string(one.ID), p.Node, p.Name, one.Suffrage == raft.Voter, one.ID == leader, p.Alive})
	}
	return all
}

// ErrUnknownServer says that no server of the group goes by that name.
var ErrUnknownServer = errors.New("no such server in the raft group")

// find takes a node's name or id, or a server id or the beginning of one.
func (s *Store) find(name string) (Server, error) {
	var found []Server
	for _, one := range s.Status().Servers {
		if name == one.Name || name == one.Node || name == one.ID || len(name) >= 6 && len(name) < len(one.ID) && one.ID[:len(name)] == name {
			found = append(found, one)
		}
	}
	if len(found) != 1 {
		return Server{}, fmt.Errorf("%w: %q is %d of them", ErrUnknownServer, name, len(found))
	}
	return found[0], nil
}

// Transfer has another voter lead: the one that is named, or any for "".
func (s *Store) Transfer(ctx context.Context, to string) error { return s.about(ctx, askTransfer, to) }

// Remove takes a server out of the group for good, at once. If its node lives and is a candidate, it comes back as a spare.
func (s *Store) Remove(ctx context.Context, name string) error { return s.about(ctx, askRemove, name) }

func (s *Store) about(ctx context.Context, kind byte, name string) error {
	server := Server{}
	if name != "" {
		var err error
		if server, err = s.find(name); err != nil {
			return err
		}
	}
	_, err := s.atLeader(ctx, kind, []byte(server.ID))
	return err
}

func (s *Store) transferHere(server string) error {
	r := s.raft.Load()
	switch {
	case r == nil:
		return errStopped
	case server == s.server:
		return nil
	case server == "":
		return r.LeadershipTransfer().Error()
	}
	return r.LeadershipTransferToServer(raft.ServerID(server), raft.ServerAddress(server)).Error()
}

func (s *Store) removeHere(server string) error {
	r := s.raft.Load()
	if r == nil {
		return errStopped
	}
	return r.RemoveServer(raft.ServerID(server), 0, s.o.Timeout).Error()
}

// Snapshot has this node write one now, unless the last one has it all.
func (s *Store) Snapshot() error {
	r := s.raft.Load()
	if r == nil {
		return errStopped
	}
	if err := r.Snapshot().Error(); !errors.Is(err, raft.ErrNothingNewToSnapshot) {
		return err
	}
	return nil
}

// retire puts raft on this node to rest; it goes on as a follower.
func (s *Store) retire() {
	r := s.raft.Load()
	if r == nil {
		return
	}
	s.mu.Lock()
	s.retired = "the group was recovered without this node"
	s.mu.Unlock()
	s.raft.Store(nil)
	s.announce()
	if err := shutdown(r); err != nil {
		s.log.Error("cannot end raft in order", "err", err)
	}
}
