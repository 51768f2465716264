// Package node ties the roles of one node together: what its queues hold stands in the registry, what the registry
// intends is made true in the queues, and whoever asks for a topic, a channel, a delete or a pause asks here.
//
// A Node owns no data: topics and messages are the broker's, documents and intents the registry's. Node.acting keeps
// deletes and pauses apart; Node.mu guards the memory of which topics the mesh removed here. It knows neither sockets nor neighbours; package main connects it.
package node

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/nsqmesh/nsqmesh/node/names"
	"github.com/nsqmesh/nsqmesh/node/policy"
	"github.com/nsqmesh/nsqmesh/node/queue"
	"github.com/nsqmesh/nsqmesh/node/registry"
)

// ErrDeleted refuses a consumer that comes back from a topic which was just deleted: it does not mean to make it anew.
var ErrDeleted = errors.New("topic was deleted a moment ago")

// Options are what a Node needs to know.
type Options struct {
	Broker   *queue.Broker
	Registry *registry.Registry
	Peers    func() int // live nodes of the mesh besides this one

	// Settled is closed when this node has heard what the mesh knows, or has waited for that long enough. Until then no
	// topic is made, for it would lack channels. Nil is at once.
	Settled <-chan struct{}

	// Known names channels of a topic that stock nsqlookupds know. Nil is none.
	Known func(ctx context.Context, topic string) []string

	// Neighbours names channels of a topic that the other nodes have at this moment. Nil is none.
	Neighbours func(topic string) []string

	// Authority decides on deletes and pauses while there is one. Nil is gossip alone.
	Authority Authority

	// Policies are the rules of this node's own config file.
	Policies []policy.Rule

	MaxMsgSize int64 // of what other nodes hand over; 0 is no bound

	Log *slog.Logger
}

// Node is one node of the mesh.
type Node struct {
	o        Options
	broker   *queue.Broker
	registry *registry.Registry
	commit   Committer
	changes  *queue.Watch

	ruling   sync.Mutex // held while policies are enforced anew
	policies policies
	ruled    chan struct{} // received by RunIdle after policies changed

	acting sync.Mutex // held while a delete or pause is carried out, so that an intent of our own is not taken for another's

	mu      sync.Mutex
	removed map[string]time.Time // topics that the mesh, not a call to this node, deleted here lately
}

// New returns a node whose broker is loaded and whose registry knows who it is.
func New(o Options) *Node {
	n := &Node{o: o, broker: o.Broker, registry: o.Registry, changes: o.Broker.Watch(), removed: map[string]time.Time{}}
	n.policies.file, n.ruled = o.Policies, make(chan struct{}, 1)
	n.policies.rules.Store(&policy.Rules{})
	n.commit = local{n}
	if o.Authority != nil {
		n.commit = agreed{n, o.Authority}
	}
	return n
}

// Topic returns the topic of that name, made if it is missing: somebody publishes to it.
func (n *Node) Topic(name string) (*queue.Topic, error) {
	if err := n.mayCreate(name); err != nil {
		return nil, err
	}
	return n.broker.Topic(name)
}

// Channel returns the channel of that name, made with its topic if it is missing: somebody consumes from it. It does not
// bring back a topic that was deleted a moment ago, for consumers reconnect where the topic was before they hear of that.
// A node that is alone has nobody to be told by and does as it is asked, like a stock nsqd.
func (n *Node) Channel(topic, channel string) (*queue.Channel, error) {
	if n.broker.FindTopic(topic) == nil && n.o.Peers() > 0 && n.registry.RecentlyDeleted(topic) {
		return nil, ErrDeleted
	}
	if err := n.mayCreate(topic); err != nil {
		return nil, err
	}
	t, err := n.broker.Topic(topic)
	if err != nil {
		return nil, err
	}
	return t.Channel(channel)
}

// Channels names what a new topic of this node starts with: all channels that the mesh knows, and those of stock
// nsqlookupds. The registry may lag by the moment in which a message would be missed, so the neighbours are asked, too,
// unless they may still have what was just deleted.
func (n *Node) Channels(topic string) []string {
	if n.o.Settled != nil {
		<-n.o.Settled
	}
	known := n.registry.Channels(topic)
	if n.o.Neighbours != nil && !n.registry.DeletedLately(topic) {
		known = append(known, n.o.Neighbours(topic)...)
	}
	if n.o.Known != nil {
		known = append(known, n.o.Known(context.Background(), topic)...)
	}
	return slices.DeleteFunc(known, names.Ephemeral)
}

// KnownChannels is what this node answers when it is a neighbour: what it has and what it has heard of.
func (n *Node) KnownChannels(topic string) []string {
	known := n.registry.Channels(topic)
	if t := n.broker.FindTopic(topic); t != nil {
		for _, c := range t.Channels() {
			known = append(known, c.Name())
		}
	}
	return slices.DeleteFunc(known, names.Ephemeral)
}
