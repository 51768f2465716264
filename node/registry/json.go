package registry

import (
	"cmp"
	"slices"
	"strconv"
)

// The answers of an nsqlookupd, encoded at most once for each state. Names of topics and channels need no escaping.

// TopicsJSON is the answer to /topics.
func (v *View) TopicsJSON() []byte {
	v.load()
	return v.names.json
}

// NodesJSON is the answer to /nodes.
func (v *View) NodesJSON() []byte {
	v.nodes.load()
	return v.nodes.json
}

// LookupJSON is the answer to /lookup.
func (t *TopicView) LookupJSON() []byte {
	if b := t.lookup.Load(); b != nil {
		return *b
	}
	b := appendNames([]byte(`{"channels":`), t.channels)
	b = appendFacts(append(b, `,"producers":`...), t.producers)
	b = append(b, '}')
	t.lookup.Store(&b)
	return b
}

// ChannelsJSON is the answer to /channels.
func (t *TopicView) ChannelsJSON() []byte {
	if b := t.list.Load(); b != nil {
		return *b
	}
	b := append(appendNames([]byte(`{"channels":`), t.channels), '}')
	t.list.Store(&b)
	return b
}

// PublishJSON answers who can take a publish for a topic, known or not: every producer that is up, not draining and not
// tombstoned for it, those of this node's zone first and of its region next.
func (v *View) PublishJSON(topic string) []byte {
	t := v.Topic(topic)
	if t == nil {
		t = &TopicView{}
	}
	v.nodes.load()
	b := appendNames([]byte(`{"channels":`), t.channels)
	b = append(b, `,"producers":`...)
	if len(t.tombstoned) == 0 {
		b = append(b, v.nodes.publishers...)
	} else {
		b = appendFacts(b, v.nodes.takers(t.tombstoned))
	}
	return append(b, '}')
}

// PublishersJSON lists who can take a publish for a topic that nobody tombstoned.
func (v *View) PublishersJSON() []byte {
	v.nodes.load()
	return v.nodes.publishers
}

func topicsJSON(names []string) []byte {
	return append(appendNames([]byte(`{"topics":`), names), '}')
}

func appendNames(b []byte, names []string) []byte {
	b = append(b, '[')
	for i, name := range names {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(append(b, '"'), name...), '"')
	}
	return append(b, ']')
}

func appendFacts(b []byte, list []*facts) []byte {
	b = append(b, '[')
	for i, f := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, f.json...)
	}
	return append(b, ']')
}

// list returns the nodes sorted; they are when load was called once.
func (s *nodeSet) list() []*listing {
	s.load()
	return s.nodes
}

func (s *nodeSet) load() {
	s.once.Do(func() {
		slices.SortFunc(s.nodes, func(a, b *listing) int { return compareFacts(a.facts, b.facts) })
		b := []byte(`{"producers":[`)
		for i, l := range s.nodes {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(b, l.encoded()...)
		}
		s.json = append(b, ']', '}')
		s.publishers = appendFacts(nil, s.takers(nil))
	})
}

// takers returns who takes publishes, the nearest first. Load sorted the rest.
func (s *nodeSet) takers(except []*facts) []*facts {
	list := []*facts{}
	for _, l := range s.nodes {
		if !l.draining && !slices.Contains(except, l.facts) {
			list = append(list, l.facts)
		}
	}
	slices.SortStableFunc(list, func(a, b *facts) int { return cmp.Compare(s.distance(a), s.distance(b)) })
	return list
}

func (s *nodeSet) distance(f *facts) int {
	switch {
	case s.zone != "" && f.TopologyZone == s.zone && f.TopologyRegion == s.region:
		return 0
	case s.region != "" && f.TopologyRegion == s.region:
		return 1
	}
	return 2
}

// encoded is the producer as /nodes shows it. Stock nsqadmin needs as many tombstones as topics.
func (l *listing) encoded() []byte {
	if b := l.json.Load(); b != nil {
		return *b
	}
	b := slices.Clone(l.facts.json)
	b = append(b[:len(b)-1], `,"tombstones":[`...)
	for i, t := range l.topics {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendBool(b, l.tombstoned[t])
	}
	b = appendNames(append(b, `],"topics":`...), l.topics)
	b = append(b, '}')
	l.json.Store(&b)
	return b
}
