package raftstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/hashicorp/raft"
)

// Network reaches other nodes by their ids. It authenticates both ends.
type Network interface {
	StreamListener(purpose string) net.Listener
	DialStream(ctx context.Context, node, purpose string) (net.Conn, error)
	Call(ctx context.Context, node, kind string, body []byte) ([]byte, error)
}

// Peers tells all nodes of a note, and knows the notes of all. A note is small and changes rarely.
type Peers interface {
	Announce(note []byte)
	Members() []Member // this node among them
}

// Member is a node of the mesh.
type Member struct {
	Node  string // id
	Name  string
	Alive bool
	Self  bool
	Note  []byte // what it announced last, nil if it did not
}

// What streams and calls between stores are for.
const (
	PurposeRaft   = "raft"         // streams of raft itself
	PurposeFollow = "raft-follow"  // streams of those who are not in the group
	CallKind      = "raft-request" // calls that Store.Answer answers
)

// role of a server in its group.
type role string

const (
	roleNone   role = "none" // of no group yet
	roleSpare  role = "spare"
	roleVoter  role = "voter"
	roleLeader role = "leader"
)

// note is what a candidate tells everybody about itself.
type note struct {
	Server     string `json:"server"`
	Expect     int    `json:"expect"`
	State      bool   `json:"state,omitempty"` // its folder holds the state of a group
	Cluster    string `json:"cluster,omitempty"`
	Generation uint64 `json:"generation,omitempty"`
	Role       role   `json:"role"`
	Term       uint64 `json:"term,omitempty"` // in which it became leader
}

func (n note) voter() bool { return n.Role == roleVoter || n.Role == roleLeader }

// peer is a member that is a candidate.
type peer struct {
	Member
	note
}

// peers returns all candidates that the mesh knows, this node among them if it is one.
func (s *Store) peers() (all []peer) {
	for _, m := range s.o.Peers.Members() {
		var n note
		if len(m.Note) > 0 && json.Unmarshal(m.Note, &n) == nil && n.Server != "" {
			all = append(all, peer{m, n})
		}
	}
	return all
}

var errNoServer = errors.New("no node of the mesh has that raft server")

// nodeOf finds the node that a server lives on.
func (s *Store) nodeOf(server string) (string, error) {
	for _, p := range s.peers() {
		if p.Server == server {
			return p.Node, nil
		}
	}
	return "", fmt.Errorf("%w: %s", errNoServer, server)
}

// streams is the mesh as raft's transport sees it: addresses are server ids.
type streams struct {
	net.Listener
	store  *Store
	server string
}

type address string

func (address) Network() string  { return "raft" }
func (a address) String() string { return string(a) }

func (s streams) Addr() net.Addr { return address(s.server) }

func (s streams) Dial(to raft.ServerAddress, timeout time.Duration) (net.Conn, error) {
	node, err := s.store.nodeOf(string(to))
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(s.store.life, timeout)
	defer cancel()
	return s.store.o.Network.DialStream(ctx, node, PurposeRaft)
}
