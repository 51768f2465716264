package main

import (
	"context"
	"errors"
	"net"
	"path/filepath"

	"github.com/nsqmesh/nsqmesh/gossip"
	"github.com/nsqmesh/nsqmesh/httpapi"
	"github.com/nsqmesh/nsqmesh/node"
	"github.com/nsqmesh/nsqmesh/node/registry"
	"github.com/nsqmesh/nsqmesh/raftstore"
)

const (
	raftFolder   = "raft"            // in the data folder of a candidate
	catalogCache = "nsqmesh.catalog" // what an authority decided, on every node
)

// openRaft makes this node's part in the authority of its mesh. Every node of a mesh has one: it forwards, and obeys.
func (s *server) openRaft() error {
	m := s.parts.mesh
	if m == nil {
		return nil
	}
	o := s.opts
	if o.RaftExpect > 0 && s.tls.cluster == nil && !isLoopbackBind(o.ClusterAddress) {
		s.log.Warn("raft and all else between nodes is not encrypted: give --cluster-tls-cert, --cluster-tls-key and --cluster-tls-ca")
	}
	store, err := raftstore.New(raftstore.Options{
		Expect: o.RaftExpect, Dir: s.file(raftFolder), Cache: s.file(catalogCache),
		Spares: o.RaftSpares, Grace: o.RaftGrace, Timeout: o.RaftTimeout,
		Machine: s.parts.registry.Agreed(), Network: m, Peers: raftPeers{m, s.parts.registry}, Log: s.log,
	})
	if err != nil {
		return err
	}
	if err := store.Load(); err != nil {
		return err
	}
	m.Handle(raftstore.CallKind, store.Answer)
	s.parts.raft = store
	return nil
}

func isLoopbackBind(address string) bool {
	host, _, err := net.SplitHostPort(address)
	return err == nil && isLoopback(host)
}

// membersChanged is called by gossip.
func (s *server) membersChanged() {
	s.parts.registry.MembersChanged()
	if s.parts.raft != nil {
		s.parts.raft.Look()
	}
}

// runRaft starts the authority's loops. They stop before the mesh does, through which they speak.
func (s *server) runRaft() {
	store := s.parts.raft
	if store == nil {
		return
	}
	s.life.run("raft notes", func(ctx context.Context) error {
		for {
			select {
			case <-ctx.Done():
				return nil
			case <-s.parts.registry.NotesChanged():
				store.Look()
			}
		}
	})
	s.life.run("raft", store.Run)
}

// authority is what the node asks; nil without a mesh.
func (s *server) authority() node.Authority {
	if s.parts.raft == nil {
		return nil
	}
	return raftAuthority{s.parts.raft}
}

type raftAuthority struct{ *raftstore.Store }

func (a raftAuthority) Apply(ctx context.Context, cmd []byte) ([]byte, error) {
	answer, err := a.Store.Apply(ctx, cmd)
	return answer, quorumError(err)
}

// quorumError gives raft's refusal the name that the API knows it by.
func quorumError(err error) error {
	if errors.Is(err, raftstore.ErrNoQuorum) {
		return noQuorum{err}
	}
	return err
}

type noQuorum struct{ error }

func (noQuorum) Is(target error) bool { return target == node.ErrNoQuorum }

// raftPeers tells raft's candidates of each other through the registry.
type raftPeers struct {
	mesh     *gossip.Mesh
	registry *registry.Registry
}

func (p raftPeers) Announce(note []byte) { p.registry.SetNote(note) }

func (p raftPeers) Members() []raftstore.Member {
	var all []raftstore.Member
	for _, n := range p.registry.Notes() {
		all = append(all, raftstore.Member{
			Node: n.Owner, Name: n.Name, Alive: p.mesh.Alive(n.Owner), Self: n.Owner == p.registry.ID(), Note: []byte(n.Text),
		})
	}
	return all
}

// raftAPI is raft as the HTTP API shows and commands it.
type raftAPI struct{ *raftstore.Store }

func (a raftAPI) Status() httpapi.RaftStatus {
	st := a.Store.Status()
	r := httpapi.RaftStatus{
		Candidate: st.Candidate, Role: st.Role, Authority: st.Authority, ClusterID: st.Cluster, Generation: st.Generation,
		Leader: st.Leader, LeaderlessMs: st.Leaderless.Milliseconds(), Term: st.Term, LastIndex: st.LastIndex,
		CommitIndex: st.CommitIndex, AppliedIndex: st.Applied, SnapshotIndex: st.Snapshot, LastContactMs: -1,
		Retired: st.Retired, Servers: []httpapi.RaftServer{},
	}
	if st.LastContact >= 0 {
		r.LastContactMs = st.LastContact.Milliseconds()
	}
	for _, one := range st.Servers {
		r.Servers = append(r.Servers, httpapi.RaftServer(one))
	}
	return r
}

func (a raftAPI) Transfer(ctx context.Context, to string) error {
	return quorumError(a.Store.Transfer(ctx, to))
}

func (a raftAPI) Remove(ctx context.Context, server string) error {
	return quorumError(a.Store.Remove(ctx, server))
}

func (a raftAPI) Release(ctx context.Context, off bool) error {
	return quorumError(a.Store.Release(ctx, off))
}

// recoverRaft makes the node of a data folder the only voter of its group.
func recoverRaft(dataPath string) (raftstore.Recovered, error) {
	identity, err := registry.OpenIdentity(dataPath)
	if err != nil {
		return raftstore.Recovered{}, err
	}
	machine := registry.New(registry.Options{ID: identity.ID, Generation: identity.Generation}, nil).Agreed()
	return raftstore.Recover(filepath.Join(dataPath, raftFolder), filepath.Join(dataPath, catalogCache), machine)
}
