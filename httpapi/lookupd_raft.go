package httpapi

import (
	"context"
	"net/http"

	"github.com/julienschmidt/httprouter"
)

// Raft is this node's part in the authority of its mesh.
type Raft interface {
	Status() RaftStatus
	Transfer(ctx context.Context, to string) error
	Remove(ctx context.Context, server string) error
	Snapshot() error
	Release(ctx context.Context, off bool) error
}

// RaftStatus is what a node knows about the authority.
type RaftStatus struct {
	Authority     bool         `json:"authority"` // it decides on deletes, pauses and creates
	Candidate     bool         `json:"candidate"` // this node may be a member
	Role          string       `json:"role"`      // of this node: leader, voter, spare, none yet, or follower
	ClusterID     string       `json:"cluster_id"`
	Generation    uint64       `json:"generation"` // raised by every recovery
	Leader        string       `json:"leader"`     // name of the node; the last one, or "", where there is none
	LeaderlessMs  int64        `json:"leaderless_ms"`
	Term          uint64       `json:"term"`
	LastIndex     uint64       `json:"last_index"`
	CommitIndex   uint64       `json:"commit_index"`
	AppliedIndex  uint64       `json:"applied_index"` // also of a node that only follows
	SnapshotIndex uint64       `json:"snapshot_index"`
	LastContactMs int64        `json:"last_contact_ms"` // since this node heard from the leader; -1 if it never did
	Servers       []RaftServer `json:"servers"`
	Retired       string       `json:"retired,omitempty"`
}

// RaftServer is a member of the group.
type RaftServer struct {
	ID     string `json:"id"`
	Node   string `json:"node"`
	Name   string `json:"name"`
	Voter  bool   `json:"voter"`
	Leader bool   `json:"leader"`
	Alive  bool   `json:"alive"`
}

func (a *lookupdAPI) addRaft(r *router) {
	if a.Raft == nil {
		return
	}
	r.api("GET", "/raft", func(*http.Request, httprouter.Params) (any, error) { return a.Raft.Status(), nil })
	r.api("POST", "/raft/transfer", onRaft("to", a.Raft.Transfer))
	r.api("POST", "/raft/remove", onRaft("server", a.Raft.Remove))
	r.api("POST", "/raft/snapshot", onRaft("", func(context.Context, string) error { return a.Raft.Snapshot() }))
	r.api("POST", "/raft/on", onRaft("", func(ctx context.Context, _ string) error { return a.Raft.Release(ctx, false) }))
	r.api("POST", "/raft/off", onRaft("", func(ctx context.Context, _ string) error { return a.Raft.Release(ctx, true) }))
}

// onRaft says what went wrong, for who asks for this is an operator.
func onRaft(arg string, act func(ctx context.Context, value string) error) handler {
	return func(req *http.Request, _ httprouter.Params) (any, error) {
		q, err := query(req)
		if err != nil {
			return nil, err
		}
		value, given := q.lookup(arg)
		if arg == "server" && !given {
			return nil, &apiError{http.StatusBadRequest, "MISSING_ARG_SERVER"}
		}
		err = inHTTP(act(req.Context(), value))
		if _, named := err.(*apiError); err != nil && !named { //nolint:errorlint // inHTTP returns it bare
			return nil, &apiError{http.StatusConflict, "RAFT_REFUSED: " + err.Error()}
		}
		return nil, err
	}
}

// raftStatus is nil where a mesh has no authority and this node is no candidate.
func (a *lookupdAPI) raftStatus() *RaftStatus {
	if a.Raft == nil {
		return nil
	}
	st := a.Raft.Status()
	if !st.Candidate && st.ClusterID == "" {
		return nil
	}
	return &st
}
