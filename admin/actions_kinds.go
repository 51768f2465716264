package admin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// create makes a name known to lookups and, on the nodes that are named, what it names. A channel is made where its topic is.
func (a *Admin) create(ctx context.Context, s *snapshot, act Action, r *Result) error {
	known := each(ctx, []*member{s.self()}, func(ctx context.Context, _ *member) (string, error) {
		return "known to lookups", a.own.lookupd.post(ctx, act.target(), nil, nil)
	})
	if len(act.Nodes) == 0 && (act.Kind == CreateTopic || len(s.holders(act.Topic)) == 0) {
		r.Nodes = append(r.Nodes, known[0].result(act.Kind))
		return nil
	}
	if known[0].err != nil {
		return known[0].err
	}
	on := Action{Topic: act.Topic, Nodes: act.Nodes}
	return a.everywhere(ctx, s, on, r, func(ctx context.Context, m *member) (string, error) {
		topic := Action{Kind: CreateTopic, Topic: act.Topic}
		if err := a.nsqd(m).post(ctx, topic.target(), nil, nil); err != nil || act.Kind == CreateTopic {
			return "created", err
		}
		return "created", a.nsqd(m).post(ctx, act.target(), nil, nil)
	})
}

// self is the node that answers.
func (s *snapshot) self() *member {
	for _, m := range s.members {
		if m.Self {
			return m
		}
	}
	return &member{NodeRow: NodeRow{Name: "this node", Self: true}}
}

// remove deletes a name from lookups, and what it names from nodes. The first makes members delete by themselves; each
// is asked, too, so that its result is known.
func (a *Admin) remove(ctx context.Context, s *snapshot, act Action, r *Result) error {
	if _, known := s.topicAt[act.Topic]; !known {
		return errNothingLike
	}
	err := a.own.lookupd.post(ctx, act.target(), nil, nil)
	if err != nil && !refused(err, http.StatusNotFound) {
		return err
	}
	unknown := err != nil
	err = a.everywhere(ctx, s, act, r, func(ctx context.Context, m *member) (string, error) {
		err := a.nsqd(m).post(ctx, act.target(), nil, nil)
		if refused(err, http.StatusNotFound) {
			err = nil // it did so by itself
		}
		return "", err
	})
	if err != nil && (!errors.Is(err, errNothingLike) || unknown) {
		return err
	}
	if len(r.Nodes) == 0 {
		r.Nodes = append(r.Nodes, outcome{member: s.self(), text: "no longer known to lookups"}.result(act.Kind))
	}
	return nil
}

// tombstone hides nodes from the lookups of a topic, or ends that. A tombstone stands with the node that was asked for it,
// so to end it all are asked.
func (a *Admin) tombstone(ctx context.Context, s *snapshot, act Action, r *Result) error {
	targets, err := s.targets(act)
	if err != nil {
		return err
	}
	for _, one := range each(ctx, targets, func(ctx context.Context, m *member) (string, error) {
		target := act.target() + "&node=" + escape(m.Address)
		if act.Kind == Untombstone {
			return "", a.onLookups(ctx, s, target)
		}
		if err := a.own.lookupd.post(ctx, target, nil, nil); err != nil || !act.Delete {
			return "", err
		}
		topic := Action{Kind: DeleteTopic, Topic: act.Topic}
		return "tombstoned, and the topic deleted", a.nsqd(m).post(ctx, topic.target(), nil, nil)
	}) {
		r.Nodes = append(r.Nodes, one.result(act.Kind))
	}
	return nil
}

// onLookups asks the lookups of all members, the own one in process.
func (a *Admin) onLookups(ctx context.Context, s *snapshot, target string) error {
	var members []*member
	for _, m := range s.members {
		if m.Self || m.lookups && m.reachable() {
			members = append(members, m)
		}
	}
	var all []error
	for _, one := range each(ctx, members, func(ctx context.Context, m *member) (string, error) {
		if m.Self {
			return "", a.own.lookupd.post(ctx, target, nil, nil)
		}
		return "", caller{client: a.http, base: "http://" + m.lookup, token: a.token()}.post(ctx, target, nil, nil)
	}) {
		if one.err != nil {
			all = append(all, fmt.Errorf("lookups of %s: %w", one.member.Name, one.err))
		}
	}
	return errors.Join(all...)
}

// publish puts one message on one node: the one that is named, or this one.
func (a *Admin) publish(ctx context.Context, s *snapshot, act Action, r *Result) error {
	body, err := act.bytes()
	if err != nil {
		return err
	}
	if len(act.Nodes) > 1 {
		return errInvalidNode
	}
	to := s.self()
	if len(act.Nodes) == 1 {
		if to = named(s.members, act.Nodes[0]); to == nil {
			return errInvalidNode
		}
	}
	target := act.target()
	if act.Defer > 0 {
		target += "&defer=" + strconv.FormatInt(act.Defer.Milliseconds(), 10)
	}
	one := each(ctx, []*member{to}, func(ctx context.Context, m *member) (string, error) {
		return "", a.nsqd(m).post(ctx, target, body, nil)
	})
	r.Action.Body = fmt.Sprintf("%d bytes", len(body)) // the log of actions is no copy of messages
	r.Action.Base64 = false
	r.Nodes = append(r.Nodes, one[0].result(act.Kind))
	return nil
}

// handBack takes messages in flight away from consumers: back into their channel, or to the end of another topic.
func (a *Admin) handBack(ctx context.Context, s *snapshot, act Action, r *Result) error {
	q := url.Values{}
	for _, id := range act.IDs {
		q.Add("id", id)
	}
	if act.Client != "" {
		q.Set("client", act.Client)
	}
	if act.Kind == Move {
		q.Set("to", act.To)
	}
	target := act.target()
	if len(q) > 0 {
		target += "&" + q.Encode()
	}
	return a.everywhere(ctx, s, act, r, func(ctx context.Context, m *member) (string, error) {
		var said struct {
			Messages int `json:"messages"`
		}
		if err := a.nsqd(m).post(ctx, target, nil, &said); err != nil {
			return "", err
		}
		return fmt.Sprintf("%s %d messages", verbs[act.Kind].done, said.Messages), nil
	})
}

// disconnect cuts one connection of one node.
func (a *Admin) disconnect(ctx context.Context, s *snapshot, act Action, r *Result) error {
	m := named(s.members, act.Nodes[0])
	if m == nil || len(act.Nodes) > 1 {
		return errInvalidNode
	}
	one := each(ctx, []*member{m}, func(ctx context.Context, m *member) (string, error) {
		return "", a.nsqd(m).post(ctx, "/client/disconnect?address="+escape(act.Client), nil, nil)
	})
	r.Nodes = append(r.Nodes, one[0].result(act.Kind))
	return nil
}

// entry is what the log of actions keeps.
func (a *Admin) entry(u User, r *Result) AuditEntry {
	return AuditEntry{When: time.Now(), Who: u.Name, From: u.From, Via: a.o.Name, Action: r.Action, Result: *r}
}
