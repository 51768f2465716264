package httpapi

import (
	"crypto/rand"
	"encoding/json"
	"log/slog"
	"net/http"
	"time"

	"github.com/julienschmidt/httprouter"

	"github.com/nsqmesh/nsqmesh/node/names"
	"github.com/nsqmesh/nsqmesh/node/registry"
)

// Directory is what this node knows of all nodes. Its answers come encoded, so that looking something up costs next to
// nothing.
type Directory interface {
	View() *registry.View
	Since(revision uint64) registry.Changes
}

// LookupdOptions are what the lookupd API stands on.
type LookupdOptions struct {
	Directory     Directory
	Metadata      LookupdMetadata
	Registrations func() map[string][]registry.Registration
	Mesh          Mesh     // nil on a node without neighbours
	Raft          Raft     // nil likewise
	Policies      Policies // nil leaves out /policy
	Version       string
	Done          <-chan struct{} // closed when the node stops: those who watch are sent away; nil is never
	Log           *slog.Logger
}

// lookupdAPI holds what its handlers need. Nothing in it changes.
type lookupdAPI struct {
	LookupdOptions
	instance string // tells resume tokens of this process from those of others
}

// NewLookupd returns the HTTP API of an nsqlookupd, with what only a mesh has to tell: /watch, /mesh and who can take a
// publish.
func NewLookupd(o LookupdOptions) http.Handler {
	a := &lookupdAPI{LookupdOptions: o, instance: rand.Text()[:8]}
	r := newRouter(o.Log)
	r.plain("GET", "/ping", func(*http.Request, httprouter.Params) (any, error) { return healthy, nil })
	r.api("GET", "/info", a.info)
	r.quiet("GET", "/topics", a.topics)
	r.quiet("GET", "/channels", a.channels)
	r.quiet("GET", "/lookup", a.lookup)
	r.quiet("GET", "/nodes", a.nodes)
	r.api("GET", "/debug", a.debug)
	a.addTopics(r)
	r.Handle("GET", "/watch", a.watch)
	r.api("GET", "/mesh", a.mesh)
	a.addRaft(r)
	addPolicies(r, a.Policies)
	addPprof(r, "/debug/pprof")
	return r
}

func (a *lookupdAPI) info(*http.Request, httprouter.Params) (any, error) {
	return struct {
		Version string `json:"version"`
	}{a.Version}, nil
}

func (a *lookupdAPI) topics(*http.Request, httprouter.Params) (any, error) {
	return json.RawMessage(a.Directory.View().TopicsJSON()), nil
}

func (a *lookupdAPI) nodes(*http.Request, httprouter.Params) (any, error) {
	return json.RawMessage(a.Directory.View().NodesJSON()), nil
}

var noChannels = json.RawMessage(`{"channels":[]}`)

func (a *lookupdAPI) channels(req *http.Request, _ httprouter.Params) (any, error) {
	_, name, err := topicArg(req)
	if err != nil {
		return nil, err
	}
	if t := a.Directory.View().Topic(name); t != nil {
		return json.RawMessage(t.ChannelsJSON()), nil
	}
	return noChannels, nil
}

// lookup answers who has a topic or, with for=publish, who can take a message for it.
func (a *lookupdAPI) lookup(req *http.Request, _ httprouter.Params) (any, error) {
	q, name, err := topicArg(req)
	if err != nil {
		return nil, err
	}
	if q.Get("for") == "publish" {
		if !names.ValidTopic(name) {
			return nil, errInvalidArgTopic
		}
		return json.RawMessage(a.Directory.View().PublishJSON(name)), nil
	}
	t := a.Directory.View().Topic(name)
	if t == nil {
		return nil, errTopicNotFound
	}
	return json.RawMessage(t.LookupJSON()), nil
}

func topicArg(req *http.Request) (q params, topic string, err error) {
	if q, err = query(req); err != nil {
		return q, "", err
	}
	topic, ok := q.lookup("topic")
	if !ok {
		return q, "", errMissingArgTopic
	}
	return q, topic, nil
}

// debug shows all registrations as a stock nsqlookupd does.
func (a *lookupdAPI) debug(*http.Request, httprouter.Params) (any, error) {
	type entry struct {
		BroadcastAddress string `json:"broadcast_address"`
		Hostname         string `json:"hostname"`
		HTTPPort         int    `json:"http_port"`
		ID               string `json:"id"`
		LastUpdate       int64  `json:"last_update"`
		TCPPort          int    `json:"tcp_port"`
		Tombstoned       bool   `json:"tombstoned"`
		TombstonedAt     int64  `json:"tombstoned_at"` // of the zero time, as in stock, where there is none
		TopologyRegion   string `json:"topology_region"`
		TopologyZone     string `json:"topology_zone"`
		Version          string `json:"version"`
	}
	all := map[string][]entry{}
	for key, list := range a.Registrations() {
		for _, r := range list {
			all[key] = append(all[key], entry{
				r.BroadcastAddress, r.Hostname, r.HTTPPort, r.ID, nanos(r.LastUpdate), r.TCPPort,
				r.Tombstoned, nanos(r.TombstonedAt), r.TopologyRegion, r.TopologyZone, r.Version,
			})
		}
	}
	return all, nil
}

func nanos(t time.Time) int64 { return t.UnixNano() }
