package admin

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/nsqmesh/nsqmesh/node/names"
)

// ErrForbidden refuses what the user's role does not allow, or anybody while the pages are read-only.
var ErrForbidden error = errForbidden

var (
	errUnknownKind    = &apiError{http.StatusBadRequest, "INVALID_ACTION"}
	errInvalidTopic   = &apiError{http.StatusBadRequest, "INVALID_TOPIC"}
	errInvalidChannel = &apiError{http.StatusBadRequest, "INVALID_CHANNEL"}
	errInvalidNode    = &apiError{http.StatusBadRequest, "INVALID_NODE"}
	errInvalidBody    = &apiError{http.StatusBadRequest, "INVALID_BODY"}
	errInvalidClient  = &apiError{http.StatusBadRequest, "INVALID_CLIENT"}
	errNothingLike    = &apiError{http.StatusNotFound, "NOTHING_TO_DO"}
)

// Do carries out an action for the user of ctx. An error says that nothing was tried; what failed on some node is in the
// result.
func (a *Admin) Do(ctx context.Context, act Action) (*Result, error) {
	u := UserOf(ctx)
	if a.o.ReadOnly || !u.May(act.Kind) {
		return nil, ErrForbidden
	}
	if err := act.check(); err != nil {
		return nil, err
	}
	s, err := a.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	ctx, cancel := a.within(context.WithoutCancel(ctx)) // half done because somebody closed a page is worse than done
	defer cancel()
	r := &Result{Action: act, Nodes: []NodeResult{}}
	if err := a.perform(ctx, s, act, r); err != nil {
		return nil, err
	}
	a.forget()
	r.sum()
	a.audit.add(a.entry(u, r))
	return r, nil
}

// check refuses what cannot be meant.
func (act *Action) check() error {
	_, known := verbs[act.Kind]
	switch {
	case !known:
		return errUnknownKind
	case act.Kind != Disconnect && !names.ValidTopic(act.Topic):
		return errInvalidTopic
	case act.Kind.onChannel() != (act.Channel != "") || act.Channel != "" && !names.ValidChannel(act.Channel):
		return errInvalidChannel
	case act.Kind == Move && (!names.ValidTopic(act.To) || act.To == act.Topic):
		return errInvalidTopic
	case act.Kind.onNodes() && len(act.Nodes) == 0, (act.Kind == DeleteTopic || act.Kind == DeleteChannel) && len(act.Nodes) > 0:
		return errInvalidNode
	case act.Kind == Publish && act.Body == "":
		return errInvalidBody
	case act.Kind == Disconnect && act.Client == "":
		return errInvalidClient
	}
	return nil
}

func (k Kind) onChannel() bool {
	switch k {
	case CreateChannel, DeleteChannel, PauseChannel, UnpauseChannel, EmptyChannel, Requeue, Move:
		return true
	}
	return false
}

// onNodes is true for what somebody must say where.
func (k Kind) onNodes() bool { return k == Tombstone || k == Untombstone || k == Disconnect }

// verbs are the calls that actions are made of, and what they have done in the end.
var verbs = map[Kind]struct{ path, done string }{
	CreateTopic: {"/topic/create", "created"}, CreateChannel: {"/channel/create", "created"},
	DeleteTopic: {"/topic/delete", "deleted"}, DeleteChannel: {"/channel/delete", "deleted"},
	PauseTopic: {"/topic/pause", "paused"}, UnpauseTopic: {"/topic/unpause", "resumed"},
	PauseChannel: {"/channel/pause", "paused"}, UnpauseChannel: {"/channel/unpause", "resumed"},
	EmptyTopic: {"/topic/empty", "emptied"}, EmptyChannel: {"/channel/empty", "emptied"},
	Tombstone: {"/topic/tombstone", "tombstoned"}, Untombstone: {"/topic/untombstone", "no longer tombstoned"},
	Publish: {"/pub", "published"}, Requeue: {"/channel/requeue", "requeued"}, Move: {"/channel/move", "moved"},
	Disconnect: {"/client/disconnect", "disconnected"},
}

// target is the call of the action at a node.
func (act *Action) target() string {
	t := verbs[act.Kind].path + "?topic=" + escape(act.Topic)
	if act.Channel != "" {
		t += "&channel=" + escape(act.Channel)
	}
	return t
}

func (a *Admin) perform(ctx context.Context, s *snapshot, act Action, r *Result) error {
	switch act.Kind {
	case CreateTopic, CreateChannel:
		return a.create(ctx, s, act, r)
	case DeleteTopic, DeleteChannel:
		return a.remove(ctx, s, act, r)
	case Tombstone, Untombstone:
		return a.tombstone(ctx, s, act, r)
	case Publish:
		return a.publish(ctx, s, act, r)
	case Requeue, Move:
		return a.handBack(ctx, s, act, r)
	case Disconnect:
		return a.disconnect(ctx, s, act, r)
	}
	return a.everywhere(ctx, s, act, r, func(ctx context.Context, m *member) (string, error) {
		return "", a.nsqd(m).post(ctx, act.target(), nil, nil)
	})
}

// everywhere acts on all nodes that have the thing or, if the action names some, on those. Nodes that did not answer a
// moment ago are asked all the same; that one of them has no such thing is no failure.
func (a *Admin) everywhere(ctx context.Context, s *snapshot, act Action, r *Result, do func(context.Context, *member) (string, error)) error {
	targets, err := s.targets(act)
	if err != nil {
		return err
	}
	if len(targets) == 0 {
		return errNothingLike
	}
	results := each(ctx, targets, func(ctx context.Context, m *member) (string, error) {
		if !m.reachable() {
			return "", downError{m.Status, time.Duration(m.StatusFor) * time.Millisecond}
		}
		return do(ctx, m)
	})
	for i, one := range results {
		if _, answered := s.stats[targets[i]]; !answered && one.err != nil && refused(one.err, http.StatusNotFound) {
			continue
		}
		r.Nodes = append(r.Nodes, one.result(act.Kind))
	}
	return nil
}

// targets are the nodes that an action is for. Members that are away are among them, so that nobody takes the rest for all.
func (s *snapshot) targets(act Action) (list []*member, err error) {
	for _, name := range act.Nodes {
		m := named(s.members, name)
		if m == nil {
			return nil, errInvalidNode
		}
		list = append(list, m)
	}
	if len(act.Nodes) > 0 {
		return list, nil
	}
	for _, m := range s.members {
		at, answered := s.stats[m]
		switch {
		case m.Status == "left":
		case !answered, act.isOn(at.now):
			list = append(list, m)
		}
	}
	return list, nil
}

func (act *Action) isOn(s *statsAnswer) bool {
	t := s.topic(act.Topic)
	return t != nil && (act.Channel == "" || t.channel(act.Channel) != nil)
}

// outcome is what became of a call to one node.
type outcome struct {
	member *member
	text   string
	err    error
	took   time.Duration
}

// each calls nodes at the same time.
func each(ctx context.Context, members []*member, do func(context.Context, *member) (string, error)) []outcome {
	all := make([]outcome, len(members))
	var calls sync.WaitGroup
	for i, m := range members {
		calls.Go(func() {
			began := time.Now()
			text, err := do(ctx, m)
			all[i] = outcome{m, text, err, time.Since(began)}
		})
	}
	calls.Wait()
	return all
}

func (o outcome) result(k Kind) NodeResult {
	r := NodeResult{Node: o.member.Name, Address: o.member.Address, OK: o.err == nil, Text: o.text, TookMs: milliseconds(o.took)}
	switch {
	case o.err != nil:
		r.Text = o.err.Error()
		if !o.member.reachable() && !o.member.Stock && k.reachesAll() {
			r.Text += "; it will hear of this when it is back"
		}
	case r.Text == "":
		r.Text = verbs[k].done
	}
	return r
}

// reachesAll is true for what nodes tell each other.
func (k Kind) reachesAll() bool {
	switch k {
	case DeleteTopic, DeleteChannel, PauseTopic, UnpauseTopic, PauseChannel, UnpauseChannel:
		return true
	}
	return false
}

// sum says in a sentence how it went.
func (r *Result) sum() {
	failed := 0
	for _, n := range r.Nodes {
		if !n.OK {
			failed++
		}
	}
	r.OK = failed == 0
	done := verbs[r.Action.Kind].done
	switch {
	case len(r.Nodes) == 1 && r.OK:
		r.Summary = fmt.Sprintf("%s on %s", r.Nodes[0].Text, r.Nodes[0].Node)
	case r.OK:
		r.Summary = fmt.Sprintf("%s on %d nodes", done, len(r.Nodes))
	case failed == len(r.Nodes):
		r.Summary = "failed on " + nodeCount(failed)
	default:
		r.Summary = fmt.Sprintf("%s on %d of %d nodes, failed on %d", done, len(r.Nodes)-failed, len(r.Nodes), failed)
	}
}

func nodeCount(n int) string {
	if n == 1 {
		return "1 node"
	}
	return fmt.Sprintf("all %d nodes", n)
}

// bytes are the body to publish.
func (act *Action) bytes() ([]byte, error) {
	if !act.Base64 {
		return []byte(act.Body), nil
	}
	b, err := base64.StdEncoding.DecodeString(act.Body)
	if err != nil || len(b) == 0 {
		return nil, errInvalidBody
	}
	return b, nil
}
