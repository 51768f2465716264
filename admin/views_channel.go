package admin

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"
)

// Channel tells all about one channel, its consumers as well.
func (a *Admin) Channel(ctx context.Context, topic, name string) (*ChannelDetail, error) {
	s, err := a.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	d := &ChannelDetail{Coverage: s.coverage, OnNodes: []OnNode{}, ClientRows: []ClientRow{}}
	d.ChannelRow = ChannelRow{Topic: topic, Name: name, Nodes: []string{}, Latency: noLatency()}
	for _, c := range s.channelsOf(topic) {
		if c.Name == name {
			d.ChannelRow, d.Known = c, true
		}
	}
	var holders []*member
	for _, m := range s.holders(topic) {
		if on, ok := s.channelOn(m, topic, name); ok {
			d.OnNodes = append(d.OnNodes, on)
			holders = append(holders, m)
		}
	}
	began := time.Now()
	replies := askAll[statsAnswer](ctx, a, holders, "/stats?format=json&topic="+escape(topic)+"&channel="+escape(name))
	d.Coverage = d.and(coverage(began, replies))
	d.ClientRows = consumersOf(replies)
	return d, nil
}

// channelOn tells what one node has of a channel.
func (s *snapshot) channelOn(m *member, topic, name string) (OnNode, bool) {
	at, ok := s.stats[m]
	if !ok {
		return OnNode{}, false
	}
	t := at.now.topic(topic)
	if t == nil || t.channel(name) == nil {
		return OnNode{}, false
	}
	c := t.channel(name)
	on := onNode(m)
	on.Counts = c.counts()
	p := newPace(at)
	p.topic(t)
	on.Rates = p.channel(c)
	on.Zones, on.Paused, on.Tombstoned = c.zones(), c.Paused, m.tombstones[topic]
	on.Latency.add(c.Latency)
	return on, true
}

// Clients lists all consumers.
func (a *Admin) Clients(ctx context.Context) (*ClientList, error) {
	s, err := a.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	replies := askAll[statsAnswer](ctx, a, s.members, "/stats?format=json")
	return &ClientList{coverage(began, replies), consumersOf(replies)}, nil
}

// consumersOf are the consumers of all that was asked for, sorted by topic, channel, node and how near they are.
func consumersOf(replies []reply[statsAnswer]) []ClientRow {
	rows := []ClientRow{}
	for _, r := range replies {
		if r.err == nil {
			rows = r.value.consumers(rows, r.member)
		}
	}
	slices.SortStableFunc(rows, func(x, y ClientRow) int {
		return cmp.Or(strings.Compare(x.Topic, y.Topic), strings.Compare(x.Channel, y.Channel), strings.Compare(x.Node, y.Node),
			cmp.Compare(x.distance(), y.distance()), strings.Compare(x.RemoteAddress, y.RemoteAddress))
	})
	return rows
}

func (s *statsAnswer) consumers(rows []ClientRow, m *member) []ClientRow {
	for i := range s.Topics {
		t := &s.Topics[i]
		for k := range t.Channels {
			for _, c := range t.Channels[k].Clients {
				row := clientRow(m, c)
				row.Topic, row.Channel = t.Name, t.Channels[k].Name
				rows = append(rows, row)
			}
		}
	}
	return rows
}

func clientRow(m *member, c clientStat) ClientRow {
	row := ClientRow{Node: m.Name, NodeAddress: m.Address, NodeZone: m.Zone, NodeRegion: m.Region, Client: c.Client}
	if c.ConnectedAt > 0 {
		row.Connected = max(time.Since(time.Unix(c.ConnectedAt, 0)), 0)
	}
	return row
}

// distance is 0 for a consumer in the zone of its node, 1 in its region, else 2.
func (c *ClientRow) distance() int {
	switch {
	case c.Region != c.NodeRegion || c.NodeRegion == "":
		return 2
	case c.Zone != c.NodeZone || c.NodeZone == "":
		return 1
	}
	return 0
}
