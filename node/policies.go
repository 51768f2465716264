package node

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync/atomic"

	"github.com/nsqmesh/nsqmesh/node/policy"
	"github.com/nsqmesh/nsqmesh/node/queue"
)

// ErrNoPolicy says that the mesh has no policy for that pattern. One of a node's config file is changed there.
var ErrNoPolicy = errors.New("no such policy in the mesh")

// policies are the rules that hold on this node: those of its config file and those of the mesh.
type policies struct {
	file  []policy.Rule
	rules atomic.Pointer[policy.Rules]
	last  map[string]string // of the mesh, as last enforced; only Enforce touches it, one call at a time
}

// Policies returns the rules that hold on this node, the more general first.
func (n *Node) Policies() policy.Rules { return *n.policies.rules.Load() }

// PolicyOf is what the queues of a topic are held to, nil for nothing.
func (n *Node) PolicyOf(topic string) *queue.Policy {
	if n == nil {
		return nil // topics are loaded before there is a node, which has them enforce what it finds
	}
	l := n.Policies().For(topic)
	p := queue.Policy{
		MaxAttempts: l.MaxAttempts, DeadLetter: l.DeadLetter, MessageTTL: l.MessageTTL,
		MaxDepth: l.MaxDepth, DropOldest: l.DropOldest, MaxDefer: l.MaxDefer,
	}
	if p == (queue.Policy{DeadLetter: l.DeadLetter, DropOldest: l.DropOldest}) {
		return nil
	}
	return &p
}

// SetPolicy replaces the policy of a pattern on all nodes, this one before it returns. Its errors are policy.ErrInvalid and
// ErrNoQuorum.
func (n *Node) SetPolicy(ctx context.Context, pattern string, p policy.Policy) error {
	if err := policy.Check(pattern, p); err != nil {
		return err
	}
	return n.rule(ctx, pattern, p.Encode())
}

// DeletePolicy has the mesh have no policy for a pattern.
func (n *Node) DeletePolicy(ctx context.Context, pattern string) error {
	if n.registry.Policies()[pattern] == "" {
		return fmt.Errorf("%w: %s", ErrNoPolicy, pattern)
	}
	return n.rule(ctx, pattern, "")
}

func (n *Node) rule(ctx context.Context, pattern, text string) error {
	if a := n.o.Authority; a != nil && a.Authority() {
		cmd := n.registry.PolicyProposal(pattern, text)
		if cmd == nil {
			return fmt.Errorf("%w: there are too many", policy.ErrInvalid)
		}
		if _, err := a.Apply(ctx, cmd); err != nil {
			return err
		}
	} else if !n.registry.SetPolicy(pattern, text) {
		return fmt.Errorf("%w: there are too many", policy.ErrInvalid)
	}
	n.Enforce()
	return nil
}

// Enforce has all topics be held to the rules as they are now.
func (n *Node) Enforce() {
	n.ruling.Lock()
	defer n.ruling.Unlock()
	mesh := n.registry.Policies()
	if n.policies.last != nil && maps.Equal(mesh, n.policies.last) {
		return
	}
	n.tell(mesh)
	n.policies.last = mesh
	all := append([]policy.Rule(nil), n.policies.file...)
	for pattern, text := range mesh {
		p, err := policy.Decode(text)
		if err != nil {
			n.o.Log.Error("cannot read a policy of the mesh", "pattern", pattern, "err", err)
			continue
		}
		all = append(all, policy.Rule{Pattern: pattern, Policy: p, Source: policy.Mesh})
	}
	rules := policy.NewRules(all)
	n.policies.rules.Store(&rules)
	n.broker.Enforce()
	select {
	case n.ruled <- struct{}{}:
	default:
	}
}

// tell logs what changed.
func (n *Node) tell(mesh map[string]string) {
	for pattern, text := range mesh {
		if n.policies.last[pattern] != text {
			n.o.Log.Info("policy of the mesh", "pattern", pattern, "settings", text)
		}
	}
	for pattern := range n.policies.last {
		if mesh[pattern] == "" {
			n.o.Log.Info("policy of the mesh is no more", "pattern", pattern)
		}
	}
}

// mayCreate refuses a topic that nobody has made where publishing and subscribing do not make any.
func (n *Node) mayCreate(topic string) error {
	if n.broker.FindTopic(topic) != nil || !n.Policies().For(topic).NoAutoCreate || n.registry.Known(topic, "") {
		return nil
	}
	return fmt.Errorf("%w: topic %q does not exist and policy does not let it be made by publishing or subscribing (auto-create is false)",
		queue.ErrNoAutoCreate, topic)
}
