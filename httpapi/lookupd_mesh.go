package httpapi

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/julienschmidt/httprouter"

	"github.com/nsqmesh/nsqmesh/node/registry"
)

// hashPatience bounds what one mute member adds to /mesh.
const hashPatience = time.Second

// Mesh is what this node knows of the members of its mesh, itself included.
type Mesh interface {
	// Members also tells whether this node hears nobody: then members that fell silent still count as alive.
	Members() (all []Member, isolated bool)
	Registry() (hash uint64, documents []registry.DocumentStatus)
	// RegistryHash asks a member for the hash of its registry, which is equal on members that have heard the same.
	RegistryHash(ctx context.Context, id string) (uint64, error)
}

// Member is one member as gossip sees it.
type Member struct {
	ID, Name     string
	Address      string // where it gossips
	Status       string // alive, suspect, dead or left
	Since        time.Time
	Self, Linked bool
	RoundTrip    time.Duration
}

// present reports whether the member takes part: a suspected one does until it is found dead.
func (m *meshMember) present() bool { return m.Status == "alive" || m.Status == "suspect" }

// meshMember is a member as /mesh shows it.
type meshMember struct {
	ID               string  `json:"id"`
	Name             string  `json:"name"`
	Address          string  `json:"address"`
	Status           string  `json:"status"`
	StatusForMs      int64   `json:"status_for_ms"`
	Self             bool    `json:"self"`
	Linked           bool    `json:"linked"`
	RoundTripMs      float64 `json:"round_trip_ms"`
	Hostname         string  `json:"hostname"`
	BroadcastAddress string  `json:"broadcast_address"`
	TCPPort          int     `json:"tcp_port"`
	HTTPPort         int     `json:"http_port"`
	LookupTCPPort    int     `json:"lookup_tcp_port"`
	LookupHTTPPort   int     `json:"lookup_http_port"`
	Version          string  `json:"version"`
	Zone             string  `json:"topology_zone"`
	Region           string  `json:"topology_region"`
	Draining         bool    `json:"draining"`
	NodeID           *int    `json:"node_id"` // in its message ids
	Generation       uint64  `json:"generation"`
	RegistryVersion  uint64  `json:"registry_version"`
	RegistryEntries  int     `json:"registry_entries"`
	RegistryHash     string  `json:"registry_hash,omitempty"`
	Agrees           *bool   `json:"agrees,omitempty"` // its registry and this node's are the same
	Error            string  `json:"error,omitempty"`
}

// mesh tells how the members are, what this node has of each one's registry and, without compare=false, whether all have
// the same.
func (a *lookupdAPI) mesh(req *http.Request, _ httprouter.Params) (any, error) {
	answer := struct {
		Self     string       `json:"self"`
		Isolated bool         `json:"isolated"`
		Hash     string       `json:"registry_hash"`
		Agree    bool         `json:"agree"`
		Members  []meshMember `json:"members"`
		Raft     *RaftStatus  `json:"raft,omitempty"`
	}{Agree: true, Members: []meshMember{}, Raft: a.raftStatus()}
	if a.Mesh == nil {
		return answer, nil
	}
	hash, documents := a.Mesh.Registry()
	members, isolated := a.Mesh.Members()
	answer.Hash, answer.Isolated = hex64(hash), isolated
	answer.Members = describe(members, documents)
	q, err := query(req)
	if err != nil {
		return nil, err
	}
	if q.flag("compare") {
		a.compare(req.Context(), answer.Members, hash, isolated)
	}
	for _, m := range answer.Members {
		if m.Self {
			answer.Self = m.ID
		}
		answer.Agree = answer.Agree && (!m.present() || m.Agrees != nil && *m.Agrees)
	}
	return answer, nil
}

// compare asks all members that are present for their hash, at the same time. An isolated node would wait in vain.
func (a *lookupdAPI) compare(ctx context.Context, members []meshMember, own uint64, isolated bool) {
	ctx, cancel := context.WithTimeout(ctx, hashPatience)
	defer cancel()
	var asks sync.WaitGroup
	for i := range members {
		m := &members[i]
		switch {
		case m.Self:
			m.agrees(own, own)
		case m.present() && !isolated:
			asks.Go(func() {
				hash, err := a.Mesh.RegistryHash(ctx, m.ID)
				if err != nil {
					m.Error = err.Error()
					return
				}
				m.agrees(hash, own)
			})
		}
	}
	asks.Wait()
}

func (m *meshMember) agrees(hash, own uint64) {
	same := hash == own
	m.RegistryHash, m.Agrees = hex64(hash), &same
}

func hex64(n uint64) string { return fmt.Sprintf("%016x", n) }

// describe joins what gossip and the registry know. A node that gossip forgot is listed for as long as its document is kept.
func describe(members []Member, documents []registry.DocumentStatus) []meshMember {
	list := make([]meshMember, 0, len(members))
	at := map[string]int{}
	for _, m := range members {
		at[m.ID] = len(list)
		list = append(list, meshMember{
			ID: m.ID, Name: m.Name, Address: m.Address, Status: m.Status, StatusForMs: time.Since(m.Since).Milliseconds(),
			Self: m.Self, Linked: m.Linked, RoundTripMs: float64(m.RoundTrip.Microseconds()) / 1000,
		})
	}
	for _, d := range documents {
		i, known := at[d.Owner]
		if !known {
			i = len(list)
			list = append(list, meshMember{ID: d.Owner, Status: "unknown"})
		}
		list[i].register(d)
	}
	return list
}

func (m *meshMember) register(d registry.DocumentStatus) {
	n := d.Node
	if m.Name == "" {
		m.Name = n.Name
	}
	m.Hostname, m.BroadcastAddress, m.Version = n.Hostname, n.BroadcastAddress, n.Version
	m.TCPPort, m.HTTPPort, m.LookupTCPPort, m.LookupHTTPPort = n.TCPPort, n.HTTPPort, n.LookupTCPPort, n.LookupHTTPPort
	m.Zone, m.Region, m.Draining = n.Zone, n.Region, n.Draining
	if n.NodeIDOrigin != registry.NoNodeID {
		m.NodeID = &n.NodeID
	}
	m.Generation, m.RegistryVersion, m.RegistryEntries = d.Generation, d.Version, d.Entries
}
