package admin

import (
	"cmp"
	"context"
	"slices"
	"strings"
)

// topmost is how many channels and topics the overview picks out.
const topmost = 10

// Overview tells how the mesh is.
func (a *Admin) Overview(ctx context.Context) (*Overview, error) {
	s, err := a.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	return &Overview{
		Coverage: s.coverage, Totals: s.totals, NodeRows: s.nodes, Alerts: a.alerts(s),
		Deepest: first(s.channels, func(c *ChannelRow) float64 { return float64(c.Depth) }),
		Busiest: first(s.topics, func(t *TopicRow) float64 { return float64(t.Rates.In) }),
	}, nil
}

// first picks out the rows with the highest value, without those that have none.
func first[T any](rows []T, value func(*T) float64) []T {
	best := make([]*T, 0, len(rows))
	for i := range rows {
		if value(&rows[i]) > 0 {
			best = append(best, &rows[i])
		}
	}
	slices.SortStableFunc(best, func(x, y *T) int { return cmp.Compare(value(y), value(x)) })
	list := []T{}
	for _, row := range best[:min(topmost, len(best))] {
		list = append(list, *row)
	}
	return list
}

// Topics lists all topics.
func (a *Admin) Topics(ctx context.Context) (*TopicList, error) {
	s, err := a.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	return &TopicList{s.coverage, s.topics}, nil
}

// Channels lists all channels.
func (a *Admin) Channels(ctx context.Context) (*ChannelList, error) {
	s, err := a.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	return &ChannelList{s.coverage, s.channels}, nil
}

// Counter counts what channels took.
func (a *Admin) Counter(ctx context.Context) (*Counter, error) {
	s, err := a.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	c := &Counter{Coverage: s.coverage, Rate: UnknownRate}
	for i := range s.channels {
		c.Messages += s.channels[i].Messages
		c.Rate = c.Rate.plus(s.channels[i].Rates.In)
	}
	return c, nil
}

// Topic tells all about one topic.
func (a *Admin) Topic(ctx context.Context, name string) (*TopicDetail, error) {
	s, err := a.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	i, known := s.topicAt[name]
	d := &TopicDetail{Coverage: s.coverage, Known: known, OnNodes: []OnNode{}, ChannelRows: s.channelsOf(name), KnownOnly: []string{}}
	if !known {
		d.TopicRow = TopicRow{Name: name, Nodes: []string{}, Tombstoned: []string{}, Latency: noLatency()}
		return d, nil
	}
	d.TopicRow = s.topics[i]
	for _, m := range s.members {
		if on, ok := s.topicOn(m, name); ok {
			d.OnNodes = append(d.OnNodes, on)
		}
	}
	d.KnownOnly, err = a.knownOnly(ctx, name, d.ChannelRows)
	return d, err
}

// topicOn tells what one node has of a topic.
func (s *snapshot) topicOn(m *member, name string) (OnNode, bool) {
	at, ok := s.stats[m]
	if !ok {
		return OnNode{}, false
	}
	t := at.now.topic(name)
	if t == nil {
		return OnNode{}, false
	}
	on := onNode(m)
	on.Counts = t.counts()
	p := newPace(at)
	on.Rates = p.topic(t)
	for k := range t.Channels {
		r := p.channel(&t.Channels[k])
		on.Rates.add(Rates{UnknownRate, r.Out, r.Requeues, r.Timeouts})
	}
	on.TopicDepth, on.Channels, on.Paused, on.Tombstoned = t.Depth, len(t.Channels), t.Paused, m.tombstones[name]
	on.Latency.add(t.Latency)
	return on, true
}

func onNode(m *member) OnNode {
	return OnNode{Node: m.Name, Address: m.Address, Zone: m.Zone, Region: m.Region, Latency: noLatency()}
}

func (s *statsAnswer) topic(name string) *topicStats {
	i, ok := slices.BinarySearchFunc(s.Topics, name, func(t topicStats, name string) int { return strings.Compare(t.Name, name) })
	if !ok {
		return nil
	}
	return &s.Topics[i]
}

func (t *topicStats) channel(name string) *channelStats {
	for i := range t.Channels {
		if t.Channels[i].Name == name {
			return &t.Channels[i]
		}
	}
	return nil
}

// knownOnly are channels that lookups know and no node has.
func (a *Admin) knownOnly(ctx context.Context, topic string, have []ChannelRow) ([]string, error) {
	var known struct {
		Channels []string `json:"channels"`
	}
	err := a.own.lookupd.get(ctx, "/channels?topic="+escape(topic), &known)
	if err != nil && !refused(err, 404) {
		return nil, err
	}
	list := []string{}
	for _, name := range known.Channels {
		if !slices.ContainsFunc(have, func(c ChannelRow) bool { return c.Name == name }) {
			list = append(list, name)
		}
	}
	return list, nil
}
