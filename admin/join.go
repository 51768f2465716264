package admin

import (
	"slices"
	"strings"
)

// joiner sums up what nodes have, one node after another.
type joiner struct {
	topics   map[string]*TopicRow
	channels map[channelName]*ChannelRow
}

type channelName struct{ topic, channel string }

func newJoiner() *joiner {
	return &joiner{topics: map[string]*TopicRow{}, channels: map[channelName]*ChannelRow{}}
}

// node adds all that one node has, and gives its row the sums.
func (j *joiner) node(m *member, s *statsAnswer, p *pace) {
	m.NodeRow.Topics, m.NodeRow.Channels = len(s.Topics), 0
	for i := range s.Topics {
		t := &s.Topics[i]
		counts := t.counts()
		counts.Rates = p.topic(t)
		for k := range t.Channels {
			rates := p.channel(&t.Channels[k])
			j.channel(m, t.Name, &t.Channels[k], rates)
			counts.Rates.add(Rates{UnknownRate, rates.Out, rates.Requeues, rates.Timeouts})
		}
		m.NodeRow.Channels += len(t.Channels)
		j.topic(m, t, counts)
		m.Counts.add(counts)
	}
	if p.seconds > 0 && len(s.Topics) == 0 {
		m.Rates = Rates{}
	}
}

func (j *joiner) topic(m *member, t *topicStats, counts Counts) {
	row := j.topics[t.Name]
	if row == nil {
		row = &TopicRow{Name: t.Name, Counts: Counts{Rates: unknownRates}, Tombstoned: []string{}, Latency: noLatency()}
		j.topics[t.Name] = row
	}
	row.Counts.add(counts)
	row.TopicDepth += t.Depth
	row.Nodes = append(row.Nodes, m.Name)
	if t.Paused {
		row.Paused++
	}
	if m.tombstones[t.Name] {
		row.Tombstoned = append(row.Tombstoned, m.Name)
	}
	row.Latency.add(t.Latency)
}

func (j *joiner) channel(m *member, topic string, c *channelStats, rates Rates) {
	name := channelName{topic, c.Name}
	row := j.channels[name]
	if row == nil {
		row = &ChannelRow{Topic: topic, Name: c.Name, Counts: Counts{Rates: unknownRates}, Latency: noLatency()}
		j.channels[name] = row
	}
	counts := c.counts()
	counts.Rates = rates
	row.Counts.add(counts)
	row.Nodes = append(row.Nodes, m.Name)
	if c.Paused {
		row.Paused++
	}
	row.Zones.add(c.zones())
	row.Latency.add(c.Latency)
}

func noLatency() Latency { return Latency{Percentiles: []Percentile{}} }

// finish puts the sums into the snapshot, and topics that are only known by name.
func (j *joiner) finish(s *snapshot) {
	for _, name := range s.known {
		if j.topics[name] == nil {
			j.topics[name] = &TopicRow{Name: name, Nodes: []string{}, Tombstoned: []string{}, Latency: noLatency()}
		}
	}
	s.totals.Rates = unknownRates
	s.channels = make([]ChannelRow, 0, len(j.channels))
	for _, c := range j.channels {
		s.channels = append(s.channels, *c)
		s.totals.Paused += min(c.Paused, 1)
	}
	slices.SortFunc(s.channels, func(a, b ChannelRow) int {
		if c := strings.Compare(a.Topic, b.Topic); c != 0 {
			return c
		}
		return strings.Compare(a.Name, b.Name)
	})
	s.from = make(map[string]int, len(j.topics))
	for i := range s.channels {
		topic := s.channels[i].Topic
		if _, ok := s.from[topic]; !ok {
			s.from[topic] = i
		}
		j.topics[topic].Channels++
	}
	s.topics = make([]TopicRow, 0, len(j.topics))
	for _, t := range j.topics {
		s.topics = append(s.topics, *t)
		s.totals.Counts.add(t.Counts)
		s.totals.Paused += min(t.Paused, 1)
	}
	slices.SortFunc(s.topics, func(a, b TopicRow) int { return strings.Compare(a.Name, b.Name) })
	s.topicAt = make(map[string]int, len(s.topics))
	for i := range s.topics {
		s.topicAt[s.topics[i].Name] = i
	}
	s.totals.Topics, s.totals.Channels = len(s.topics), len(s.channels)
}
