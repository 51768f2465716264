package admin

import (
	"context"
	"time"
)

// Nodes lists all nodes.
func (a *Admin) Nodes(ctx context.Context) (*NodeList, error) {
	s, err := a.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	return &NodeList{s.coverage, s.nodes}, nil
}

// Node tells all about the node of that name, id or HTTP address.
func (a *Admin) Node(ctx context.Context, name string) (*NodeDetail, error) {
	s, err := a.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	d := &NodeDetail{Coverage: s.coverage, TopicRows: []TopicRow{}, ChannelRows: []ChannelRow{}, ClientRows: []ClientRow{}}
	m := named(s.members, name)
	if m == nil {
		d.NodeRow = NodeRow{Name: name, Counts: Counts{Rates: unknownRates}}
		return d, nil
	}
	d.Known, d.NodeRow = true, m.NodeRow
	began := time.Now()
	replies := askAll[statsAnswer](ctx, a, []*member{m}, "/stats?format=json")
	d.Coverage = coverage(began, replies)
	if answer := replies[0].value; replies[0].err == nil {
		answer.read.Do(answer.sort)
		d.fill(m, answer, newPace(looked{answer, a.views.looks.earlier(m.Address, answer)}))
	}
	return d, nil
}

func (d *NodeDetail) fill(m *member, answer *statsAnswer, p *pace) {
	j, alone := newJoiner(), *m
	alone.Counts = Counts{Rates: unknownRates}
	j.node(&alone, answer, p)
	only := &snapshot{}
	j.finish(only)
	d.NodeRow, d.TopicRows, d.ChannelRows, d.Memory = alone.NodeRow, only.topics, only.channels, answer.Memory
	d.ClientRows = answer.consumers(d.ClientRows, m)
	for _, c := range answer.Producers {
		row := clientRow(m, c)
		for _, p := range c.PubCounts {
			row.Topic = p.Topic
			row.Published += p.Count
		}
		d.ClientRows = append(d.ClientRows, row)
	}
}

// Mesh tells how the members are.
func (a *Admin) Mesh(ctx context.Context) (*MeshView, error) {
	s, err := a.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	ctx, cancel := a.within(ctx)
	defer cancel()
	view := &MeshView{Members: []MeshMember{}, Stock: []NodeRow{}}
	if err := a.own.lookupd.get(ctx, "/mesh", view); err != nil {
		return nil, err
	}
	for _, n := range s.nodes {
		if n.Stock {
			view.Stock = append(view.Stock, n)
		}
	}
	return view, nil
}

// Lookup tells what consumers find nobody for.
func (a *Admin) Lookup(ctx context.Context) (*LookupView, error) {
	s, err := a.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	v := &LookupView{Coverage: s.coverage, Lookupds: []string{}, Inactive: []InactiveRow{}}
	for _, m := range s.members {
		if m.lookups && m.reachable() {
			v.Lookupds = append(v.Lookupds, m.lookup)
		}
	}
	for i := range s.topics {
		t := &s.topics[i]
		if len(t.Nodes) > len(t.Tombstoned) {
			continue
		}
		row := InactiveRow{Topic: t.Name, Tombstoned: t.Tombstoned, Channels: []string{}}
		if row.Channels, err = a.knownOnly(ctx, t.Name, nil); err != nil {
			return nil, err
		}
		v.Inactive = append(v.Inactive, row)
	}
	return v, nil
}
