package registry

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/nsqmesh/nsqmesh/node/names"
)

// shardCount bounds what a change of one topic copies: the topics of its shard.
const shardCount = 256

// View is what all documents say together at one moment. It never changes, so it is read without a lock; a topic that did
// not change is shared with the views before and after.
type View struct {
	revision uint64
	shards   [shardCount]map[string]*TopicView
	names    *nameSet
	nodes    *nodeSet
	changed  chan struct{}
}

// nameSet is the list of all topics, shared by the views in which it is the same. It is sorted when first asked for.
type nameSet struct {
	once   sync.Once
	sorted []string
	json   []byte
}

// nodeSet is the list of all producers that are up, shared likewise.
type nodeSet struct {
	nodes        []*listing
	zone, region string // of this node
	once         sync.Once
	json         []byte
	publishers   []byte
}

// listing is one producer with its topics.
type listing struct {
	*facts
	topics     []string
	tombstoned map[string]bool
	json       atomic.Pointer[[]byte]
}

func emptyView() *View {
	return &View{names: &nameSet{}, nodes: &nodeSet{}, changed: make(chan struct{})}
}

func shardOf(topic string) int {
	h := uint32(2166136261)
	for i := range len(topic) {
		h = (h ^ uint32(topic[i])) * 16777619
	}
	return int((h ^ h>>16) % shardCount)
}

// Revision rises with every view of this process. It means nothing on other nodes.
func (v *View) Revision() uint64 { return v.revision }

// Changed is closed when there is a newer view.
func (v *View) Changed() <-chan struct{} { return v.changed }

// Topic returns the topic, nil if nobody knows it.
func (v *View) Topic(name string) *TopicView { return v.shards[shardOf(name)][name] }

// Topics returns the names of all topics, sorted. The caller must not change it.
func (v *View) Topics() []string {
	v.load()
	return v.names.sorted
}

func (v *View) load() {
	v.names.once.Do(func() {
		list := []string{}
		for _, shard := range v.shards {
			for name := range shard {
				list = append(list, name)
			}
		}
		slices.Sort(list)
		v.names.sorted, v.names.json = list, topicsJSON(list)
	})
}

// NodeTopics is a producer that is up, with the topics that it has.
type NodeTopics struct {
	Producer
	Owner      string // the node itself, or the node whose guest it is
	Draining   bool
	Topics     []string
	Tombstoned map[string]bool
}

// Nodes returns all producers that are up.
func (v *View) Nodes() []NodeTopics {
	list := make([]NodeTopics, 0, len(v.nodes.nodes))
	for _, l := range v.nodes.list() {
		list = append(list, NodeTopics{l.Producer, l.owner, l.draining, l.topics, l.tombstoned})
	}
	return list
}

// TopicView is a topic as lookups see it. It never changes.
type TopicView struct {
	name       string
	channels   []string
	producers  []*facts
	tombstoned []*facts
	lookup     atomic.Pointer[[]byte]
	list       atomic.Pointer[[]byte]
}

// Name returns the topic's name.
func (t *TopicView) Name() string { return t.name }

// Channels returns the names of all channels, sorted. The caller must not change it.
func (t *TopicView) Channels() []string { return t.channels }

// Producers returns who has the topic, is up and not tombstoned.
func (t *TopicView) Producers() []Producer {
	list := make([]Producer, len(t.producers))
	for i, f := range t.producers {
		list[i] = f.Producer
	}
	return list
}

func (t *TopicView) equal(o *TopicView) bool {
	if t == nil || o == nil {
		return t == o
	}
	return slices.Equal(t.channels, o.channels) && slices.Equal(t.producers, o.producers) &&
		slices.Equal(t.tombstoned, o.tombstoned)
}

// Channels returns the names of the channels that anybody has for a topic, without the ephemeral ones.
func (r *Registry) Channels(topic string) []string {
	if r.lagging.Load() { // a channel that is missed here misses messages
		r.mu.Lock()
		r.commit()
	}
	t := r.View().Topic(topic)
	if t == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(t.channels), names.Ephemeral)
}

// edition is a view in the making: a copy of the last one, of which only the shards are copied that change.
type edition struct {
	from         *View
	shards       [shardCount]map[string]*TopicView
	topics       map[string]struct{} // those that changed
	namesChanged bool
	nodes        *nodeSet
	nodesChanged bool
}

func (v *View) edit() *edition {
	return &edition{from: v, nodes: v.nodes, topics: map[string]struct{}{}}
}

func (e *edition) set(name string, t *TopicView) {
	n := shardOf(name)
	shard := e.shards[n]
	if shard == nil {
		shard = e.from.shards[n]
	}
	old := shard[name]
	if t.equal(old) {
		return
	}
	if e.shards[n] == nil {
		shard = maps.Clone(shard)
		if shard == nil {
			shard = map[string]*TopicView{}
		}
		e.shards[n] = shard
	}
	e.topics[name] = struct{}{}
	e.namesChanged = e.namesChanged || t == nil || old == nil
	if t == nil {
		delete(shard, name)
	} else {
		shard[name] = t
	}
}

// view returns the new view, nil if it would be like the last.
func (e *edition) view() *View {
	if len(e.topics) == 0 && !e.nodesChanged {
		return nil
	}
	v := &View{
		revision: e.from.revision + 1, shards: e.from.shards, names: e.from.names, nodes: e.nodes,
		changed: make(chan struct{}),
	}
	for i, shard := range e.shards {
		if shard != nil {
			v.shards[i] = shard
		}
	}
	if e.namesChanged {
		v.names = &nameSet{}
	}
	return v
}

func (e *edition) change() revision {
	return revision{number: e.from.revision + 1, topics: slices.Collect(maps.Keys(e.topics)), nodes: e.nodesChanged}
}
