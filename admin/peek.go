package admin

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"
)

// Peek looks at messages of a topic's channel or, without one, at its own backlog, on the named nodes or on all.
func (a *Admin) Peek(ctx context.Context, topic, channel string, state State, nodes []string, most int) (*Peek, error) {
	if !UserOf(ctx).MayPeek() {
		return nil, ErrForbidden
	}
	s, err := a.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	targets, err := s.targets(Action{Topic: topic, Channel: channel, Nodes: nodes})
	if err != nil {
		return nil, err
	}
	target := fmt.Sprintf("/topic/peek?topic=%s&max=%d", escape(topic), most)
	if channel != "" {
		target = fmt.Sprintf("/channel/peek?topic=%s&channel=%s&state=%s&max=%d", escape(topic), escape(channel), escape(string(state)), most)
	}
	began := time.Now()
	replies := askAll[peekAnswer](ctx, a, targets, target)
	p := &Peek{Coverage: coverage(began, replies), Topic: topic, Channel: channel, State: state, Messages: []Message{}}
	for _, r := range replies {
		if r.err == nil {
			p.add(r.member, r.value)
		}
	}
	slices.SortStableFunc(p.Messages, func(x, y Message) int { return cmp.Compare(x.Timestamp.UnixNano(), y.Timestamp.UnixNano()) })
	return p, nil
}

// peekAnswer is what a node tells of messages.
type peekAnswer struct {
	Messages []struct {
		ID        string `json:"id"`
		Timestamp int64  `json:"timestamp"`
		Attempts  int    `json:"attempts"`
		Size      int    `json:"size"`
		Body      []byte `json:"body"`
		Cut       bool   `json:"cut"`
		Client    string `json:"client"`
		LeftMs    int64  `json:"left_ms"`
	} `json:"messages"`
	Total  int64 `json:"total"`
	OnDisk int64 `json:"on_disk"`
}

func (p *Peek) add(m *member, answer *peekAnswer) {
	p.Total += answer.Total
	p.Hidden += answer.OnDisk
	for _, one := range answer.Messages {
		p.Messages = append(p.Messages, Message{
			Node: m.Name, ID: one.ID, Timestamp: time.Unix(0, one.Timestamp).UTC(), Attempts: one.Attempts, Size: one.Size,
			Body: one.Body, Cut: one.Cut, Client: one.Client, Left: time.Duration(one.LeftMs) * time.Millisecond,
		})
	}
}
