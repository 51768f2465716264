package raftstore

import (
	"context"
	"slices"
	"time"

	"github.com/hashicorp/raft"
)

// The leader compares its group with the nodes that are there, on a timer, and changes one thing at a time. A newcomer
// first gets a copy without a vote; it gets a vote when it is in step and has been for a while, and a seat is free. A
// voter that is away for longer than the grace, or whose disk was wiped, loses its seat only after somebody else has
// taken one, and never if that leaves fewer than a majority alive. A stop is not a departure.

// health is what the leader remembers of a server.
type health struct {
	deadSince   time.Time // zero: alive
	inStepSince time.Time // zero: not
}

// seat is a server of the group as the leader sees it.
type seat struct {
	server  string
	voter   bool
	leader  bool
	alive   bool
	gone    bool // its node lives and has another server now
	overdue bool // away for longer than the grace
	ready   bool // in step for long enough
}

type change uint8

const (
	changeNothing change = iota
	changeAdd            // as a spare
	changePromote
	changeRemove
)

// group is what the leader decides on.
type group struct {
	seats      []seat
	applicants []string // alive candidates that have no seat
	voters     int      // wanted
	spares     int      // wanted
}

// decide returns the one change that brings the group closer to what it should be.
func (g group) decide() (change, string) {
	voters, alive, lost, spares := 0, 0, "", 0
	for _, s := range g.seats {
		switch {
		case !s.voter && (s.gone || s.overdue):
			return changeRemove, s.server
		case !s.voter:
			spares++
		default:
			voters++
			if s.alive {
				alive++
			} else if (s.gone || s.overdue) && (lost == "" || s.gone) {
				lost = s.server
			}
		}
	}
	if lost != "" && voters > g.voters && alive > (voters-1)/2 {
		return changeRemove, lost
	}
	if voters < g.voters || lost != "" && voters == g.voters {
		i := slices.IndexFunc(g.seats, func(s seat) bool { return !s.voter && s.alive && s.ready })
		if i >= 0 && alive+1 > (voters+1)/2 {
			return changePromote, g.seats[i].server
		}
	}
	if len(g.applicants) > 0 && spares < g.spares+max(0, g.voters-voters) {
		return changeAdd, g.applicants[0]
	}
	return changeNothing, ""
}

// lead does the leader's share.
func (s *Store) lead(peers []peer) {
	r := s.raft.Load()
	if r == nil {
		return
	}
	s.identify(r)
	f := r.GetConfiguration()
	if f.Error() != nil || !s.replica.isProven() {
		return
	}
	g := s.group(r, f.Configuration().Servers, peers)
	what, server := g.decide()
	id, at := raft.ServerID(server), raft.ServerAddress(server)
	var done raft.IndexFuture
	var say string
	switch what {
	case changeAdd:
		done, say = r.AddNonvoter(id, at, f.Index(), s.o.Timeout), "a node stands by in the raft group"
	case changePromote:
		done, say = r.AddVoter(id, at, f.Index(), s.o.Timeout), "a node votes in the raft group"
	case changeRemove:
		done, say = r.RemoveServer(id, f.Index(), s.o.Timeout), "a node is no longer in the raft group"
	default:
		return
	}
	if err := done.Error(); err != nil {
		s.log.Warn("cannot change the raft group", "server", server, "err", err)
		return
	}
	s.log.Info(say, "server", server, "node", s.homeName(server, peers))
	s.o.Changed()
	s.Look()
}

// group brings together what raft, the mesh and the leader's memory know.
func (s *Store) group(r *raft.Raft, servers []raft.Server, peers []peer) group {
	g := group{voters: s.o.Expect, spares: s.o.Spares}
	at := s.replica.position()
	members := map[string]string{} // node to its server of now
	seated := map[string]bool{}
	for _, one := range servers {
		seated[string(one.ID)] = true
	}
	for _, p := range peers {
		if !p.Alive {
			continue
		}
		members[p.Node] = p.Server
		s.homes[p.Server] = p.Node
		if !seated[p.Server] && (p.Cluster == "" || p.Cluster == at.Cluster && (p.Generation == at.Generation || !p.State)) {
			g.applicants = append(g.applicants, p.Server)
		}
	}
	slices.Sort(g.applicants)
	for _, one := range servers {
		g.seats = append(g.seats, s.seatOf(r, one, peers, members))
	}
	return g
}

func (s *Store) seatOf(r *raft.Raft, one raft.Server, peers []peer, members map[string]string) seat {
	server := string(one.ID)
	p, known := byServer(peers, server)
	h := s.health[server]
	if h == nil {
		h = &health{}
		s.health[server] = h
	}
	now := members[s.homes[server]]
	st := seat{server: server, voter: one.Suffrage == raft.Voter, leader: server == s.server,
		alive: known && p.Alive, gone: now != "" && now != server}
	switch {
	case st.alive:
		h.deadSince = time.Time{}
	case h.deadSince.IsZero():
		h.deadSince = time.Now()
	}
	st.overdue = !h.deadSince.IsZero() && time.Since(h.deadSince) > s.o.Grace
	if st.voter {
		return st
	}
	switch inStep := st.alive && s.inStep(r, p); {
	case !inStep:
		h.inStepSince = time.Time{}
	case h.inStepSince.IsZero():
		h.inStepSince = time.Now()
	}
	st.ready = !h.inStepSince.IsZero() && time.Since(h.inStepSince) >= stable
	return st
}

// inStep asks a server how far it is.
func (s *Store) inStep(r *raft.Raft, p peer) bool {
	ctx, cancel := context.WithTimeout(s.life, s.o.Timeout)
	defer cancel()
	reply, err := s.ask(ctx, p.Node, askState, nil)
	if err != nil || reply.State == nil || reply.State.Server != p.Server {
		return false
	}
	return reply.State.Last+closeEvery >= r.LastIndex() && reply.State.Contact >= 0 && reply.State.Contact < s.o.Timeout
}

func (s *Store) homeName(server string, peers []peer) string {
	p, _ := byServer(peers, server)
	return p.Name
}

// meet complains about nodes of other groups. They are never taken in, and never obeyed.
func (s *Store) meet(peers []peer) {
	at := s.replica.position()
	for _, p := range peers {
		switch {
		case p.Self || !p.Alive || p.Cluster == "" || at.Cluster == "":
		case p.Cluster != at.Cluster:
			s.complain(p, "a node of the mesh belongs to another raft group: one of the two has to be given up", at)
		case p.Generation > at.Generation && s.raft.Load() != nil:
			s.complain(p, "the raft group was recovered without this node, whose raft folder is of no use any more: remove it and restart", at)
			s.retire()
		}
	}
}

func (s *Store) complain(p peer, text string, at position) {
	if s.strangers[p.Node+p.Cluster] {
		return
	}
	s.strangers[p.Node+p.Cluster] = true
	s.log.Error(text, "node", p.Name, "its-cluster", p.Cluster, "its-generation", p.Generation,
		"cluster", at.Cluster, "generation", at.Generation)
}
