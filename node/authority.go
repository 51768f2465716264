package node

import (
	"context"
	"errors"

	"github.com/nsqmesh/nsqmesh/node/names"
	"github.com/nsqmesh/nsqmesh/node/registry"
)

// ErrNoQuorum says that a change for the whole mesh could not be agreed on now. On one node it is still possible.
var ErrNoQuorum = errors.New("no quorum")

// Authority decides what the whole mesh intends, where a mesh has one.
type Authority interface {
	// Authority reports whether there is one now. A mesh may get one, or do without again, while nodes run.
	Authority() bool
	// Apply has a command agreed on and returns when this node's registry has it. Its error is ErrNoQuorum.
	Apply(ctx context.Context, cmd []byte) ([]byte, error)
}

// agreed commits by an authority, or by gossip while there is none.
type agreed struct {
	n         *Node
	authority Authority
}

func (a agreed) Create(ctx context.Context, topic, channel string) error {
	if a.decides(topic, channel) {
		return a.apply(ctx, registry.Create, topic, channel, false)
	}
	return local{a.n}.Create(ctx, topic, channel)
}

func (a agreed) Delete(ctx context.Context, topic, channel string) error {
	if a.decides(topic, channel) {
		return a.apply(ctx, registry.Delete, topic, channel, false)
	}
	return local{a.n}.Delete(ctx, topic, channel)
}

func (a agreed) Pause(ctx context.Context, topic, channel string, paused bool) error {
	if !a.decides(topic, channel) {
		return local{a.n}.Pause(ctx, topic, channel, paused)
	}
	if err := a.apply(ctx, registry.Pause, topic, channel, paused); err != nil {
		return err
	}
	return a.n.broker.Persist()
}

// decides reports whether the authority is to be asked. Ephemeral names live and die with a node.
func (a agreed) decides(topic, channel string) bool {
	return !names.Ephemeral(topic) && !names.Ephemeral(channel) && a.authority.Authority()
}

func (a agreed) apply(ctx context.Context, kind registry.IntentKind, topic, channel string, paused bool) error {
	a.n.acting.Lock()
	a.n.declareTopic(topic) // what was made a moment ago is meant, too
	cmd := a.n.registry.Proposal(kind, topic, channel, paused)
	a.n.acting.Unlock()
	if _, err := a.authority.Apply(ctx, cmd); err != nil {
		return err
	}
	a.n.inherit(topic)
	return nil
}

// alone commits on this node and tells nobody.
type alone struct{ n *Node }

type aloneKey struct{}

// Alone has what is asked for with the returned context be done on this node only, as a stock nsqd would.
func Alone(ctx context.Context) context.Context { return context.WithValue(ctx, aloneKey{}, true) }

func (n *Node) committer(ctx context.Context) Committer {
	if ctx.Value(aloneKey{}) != nil {
		return alone{n}
	}
	return n.commit
}

func (a alone) Create(context.Context, string, string) error { return nil }

func (a alone) Delete(_ context.Context, topic, channel string) error {
	a.n.acting.Lock()
	defer a.n.acting.Unlock()
	return a.n.deleteLocal(topic, channel)
}

func (a alone) Pause(_ context.Context, topic, channel string, paused bool) error {
	a.n.acting.Lock()
	defer a.n.acting.Unlock()
	if err := a.n.pauseLocal(topic, channel, paused); err != nil {
		return err
	}
	return a.n.broker.Persist()
}
