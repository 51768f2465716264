package main

import (
	"context"
	"encoding/binary"
	"errors"
	"net/http"

	"github.com/nsqmesh/nsqmesh/cmd/cli"
	"github.com/nsqmesh/nsqmesh/gossip"
	"github.com/nsqmesh/nsqmesh/httpapi"
	"github.com/nsqmesh/nsqmesh/node/registry"
)

// lookupAPI is the HTTP API of the lookupd role. Those who watch for changes are sent away once done is closed.
func (s *server) lookupAPI(done <-chan struct{}) http.Handler {
	o := httpapi.LookupdOptions{
		Directory: s.parts.registry, Metadata: s.parts.node.Lookup(), Registrations: s.parts.registry.Registrations,
		Policies: s.parts.node, Version: cli.StockVersion, Done: done, Log: s.log,
	}
	if s.parts.mesh != nil {
		s.parts.mesh.Handle(hashCall, s.answerHash)
		o.Raft = raftAPI{s.parts.raft}
		o.Mesh = members{s.parts.mesh, s.parts.registry}
	}
	return httpapi.NewLookupd(o)
}

// hashCall asks a member for its registry's hash, 8 bytes big-endian.
const hashCall = "registry-hash"

func (s *server) answerHash(context.Context, string, []byte) ([]byte, error) {
	return binary.BigEndian.AppendUint64(nil, s.parts.registry.Hash()), nil
}

// members is the mesh as GET /mesh shows it.
type members struct {
	mesh     *gossip.Mesh
	registry *registry.Registry
}

func (m members) Members() (all []httpapi.Member, isolated bool) {
	for _, one := range m.mesh.Members() {
		all = append(all, httpapi.Member{
			ID: one.ID, Name: one.Name, Address: one.Addr, Status: one.Status.String(), Since: one.Since,
			Self: one.Self, Linked: one.Linked, RoundTrip: one.RoundTrip,
		})
	}
	return all, m.mesh.Stats().Isolated
}

func (m members) Registry() (uint64, []registry.DocumentStatus) {
	return m.registry.Hash(), m.registry.Documents()
}

var errShortHash = errors.New("answer is no hash")

func (m members) RegistryHash(ctx context.Context, id string) (uint64, error) {
	b, err := m.mesh.Call(ctx, id, hashCall, nil)
	if err != nil {
		return 0, err
	}
	if len(b) != 8 {
		return 0, errShortHash
	}
	return binary.BigEndian.Uint64(b), nil
}
