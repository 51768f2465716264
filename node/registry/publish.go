package registry

import (
	"cmp"
	"maps"
	"slices"
)

// publish builds anew what is dirty and swaps the view.
func (r *Registry) publish() {
	if len(r.dirtyTopics) == 0 && len(r.dirtyNodes) == 0 {
		return
	}
	start := r.now()
	b := r.view.Load().edit()
	for len(r.dirtyTopics) > 0 { // a build may find something of this node's own that a delete covers
		for name := range r.dirtyTopics {
			delete(r.dirtyTopics, name)
			b.set(name, r.build(name))
		}
	}
	if len(r.dirtyNodes) > 0 {
		b.nodes = r.listNodes()
		b.nodesChanged = true
	}
	if next := b.view(); next != nil {
		r.feed.add(b.change()) // first, so that no view is seen whose changes are not there
		close(r.view.Swap(next).changed)
	}
	r.lagging.Store(false)
	r.restUntil = r.now() + lazyShare*(r.now()-start)
}

// fact is one statement about a topic, taken apart.
type fact struct {
	ref
	subject
	stamped
	value string
}

// sketch is what all statements about a topic add up to.
type sketch struct {
	deleted  map[string]Stamp // by channel; "" is the topic
	known    bool
	channels map[string]struct{}
	holders  map[*producer]registration
	intents  map[string]Intent // the highest of each kind and name
	covered  []string          // keys of the own document that a delete covers
}

type registration struct {
	stamp      Stamp
	tombstoned bool
}

// build returns how the topic looks now, nil if nobody knows it.
func (r *Registry) build(name string) *TopicView {
	t := r.topics[name]
	if t == nil {
		return nil
	}
	facts := r.facts(t)
	s := sketch{
		deleted: map[string]Stamp{}, channels: map[string]struct{}{},
		holders: map[*producer]registration{}, intents: map[string]Intent{},
	}
	for _, f := range facts {
		if f.kind == kindDelete {
			s.deleted[f.channel] = later(s.deleted[f.channel], f.stamp)
		}
	}
	for _, f := range facts {
		r.add(&s, f)
	}
	for _, f := range facts {
		r.bury(&s, f)
	}
	r.settle(name, t, &s)
	if !s.known {
		return nil
	}
	return s.topic(name)
}

func (r *Registry) facts(t *topicIndex) []fact {
	facts := make([]fact, 0, len(t.facts))
	now := r.now()
	for at, e := range t.facts {
		if e.expires != 0 && e.expires <= now {
			continue
		}
		f := fact{ref: at, value: e.value}
		f.subject, _ = parseKey(at.key)
		if f.kind != kindTombstone {
			f.stamped = decodeStamped(e.value, at.doc.owner)
		}
		facts = append(facts, f)
	}
	return facts
}

// add lets a statement count unless a delete covers it.
func (r *Registry) add(s *sketch, f fact) {
	if f.kind == kindTombstone {
		return
	}
	if f.intent() {
		s.intend(f)
	}
	if f.kind == kindDelete {
		return
	}
	if f.stamp.Less(s.deleted[""]) || f.stamp.Less(s.deleted[f.channel]) {
		if f.doc == r.own && f.kind != kindTopic && f.kind != kindChannel {
			s.covered = append(s.covered, f.key)
		}
		return
	}
	if f.kind == kindPause || f.gone() {
		return
	}
	s.known = true
	switch {
	case f.channel != "":
		s.channels[f.channel] = struct{}{}
	case f.kind == kindTopic || f.kind == kindGuestTopic:
		s.holders[r.producer(f.doc, f.guest)] = registration{stamp: f.stamp}
	}
}

// gone reports whether an ephemeral name went with the node that had it.
func (f fact) gone() bool {
	return !f.doc.alive && f.kind != kindCreate && f.ephemeral()
}

func (s *sketch) intend(f fact) {
	k := string(f.kind) + f.channel
	i := Intent{Kind: IntentKind(f.kind), Topic: f.topic, Channel: f.channel, Paused: f.paused, Stamp: f.stamp}
	if old, ok := s.intents[k]; !ok || old.Stamp.Less(i.Stamp) {
		s.intents[k] = i
	}
}

// bury marks the registration that a tombstone is for, if it is still that one.
func (r *Registry) bury(s *sketch, f fact) {
	if f.kind != kindTombstone {
		return
	}
	p := r.producers[producerKey{f.subject.owner, f.guest}]
	t := decodeBuried(f.value, f.doc.owner)
	if reg, ok := s.holders[p]; ok && reg.stamp == t.stamp && p.doc.generation == t.generation {
		reg.tombstoned = true
		s.holders[p] = reg
	}
}

// settle keeps what the build found: who has the topic, the intents, and what this node may drop.
func (r *Registry) settle(name string, t *topicIndex, s *sketch) {
	for _, k := range s.covered {
		r.removeCovered(k)
	}
	holders := make(map[*producer]bool, len(s.holders))
	for p, reg := range s.holders {
		holders[p] = reg.tombstoned
		if old, had := t.holders[p]; !had || old != reg.tombstoned {
			r.hold(p, name, holding{held: true, tombstoned: reg.tombstoned})
		}
	}
	for p := range t.holders {
		if _, has := holders[p]; !has {
			r.hold(p, name, holding{})
		}
	}
	t.holders = holders
	t.intents = s.standing()
	if len(t.intents) > 0 {
		r.intended[name] = t
	} else {
		delete(r.intended, name)
	}
	if len(t.facts) == 0 {
		delete(r.topics, name)
	}
}

func (r *Registry) hold(p *producer, topic string, h holding) {
	if p.pending == nil {
		p.pending = map[string]holding{}
	}
	p.pending[topic] = h
	r.dirtyNodes[p] = struct{}{}
}

// standing returns the intents that no delete covers, deletes first.
func (s *sketch) standing() []Intent {
	var list []Intent
	for _, i := range s.intents {
		if i.Kind == Delete && (i.Channel == "" || !i.Stamp.Less(s.deleted[""])) {
			list = append(list, i)
		}
		if i.Kind != Delete && !i.Stamp.Less(s.deleted[""]) && !i.Stamp.Less(s.deleted[i.Channel]) {
			list = append(list, i)
		}
	}
	slices.SortFunc(list, func(a, b Intent) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Channel, b.Channel))
	})
	return list
}

func (s *sketch) topic(name string) *TopicView {
	t := &TopicView{name: name, channels: slices.Sorted(maps.Keys(s.channels))}
	for p, reg := range s.holders {
		switch {
		case !p.up():
		case reg.tombstoned:
			t.tombstoned = append(t.tombstoned, p.facts)
		default:
			t.producers = append(t.producers, p.facts)
		}
	}
	slices.SortFunc(t.producers, compareFacts)
	slices.SortFunc(t.tombstoned, compareFacts)
	return t
}

func compareFacts(a, b *facts) int {
	return cmp.Or(cmp.Compare(a.BroadcastAddress, b.BroadcastAddress), cmp.Compare(a.TCPPort, b.TCPPort),
		cmp.Compare(a.RemoteAddress, b.RemoteAddress), cmp.Compare(a.owner, b.owner))
}

// listNodes brings the topic lists of the producers that changed up to date, and lists all that are up.
func (r *Registry) listNodes() *nodeSet {
	for p := range r.dirtyNodes {
		delete(r.dirtyNodes, p)
		p.takePending()
		p.shown = nil
		if p.up() {
			p.shown = &listing{facts: p.facts, topics: p.topics, tombstoned: maps.Clone(p.tombstoned)}
		}
		if p.facts == nil && len(p.topics) == 0 {
			delete(r.producers, p.producerKey)
		}
	}
	set := &nodeSet{}
	for _, p := range r.producers {
		if p.shown != nil {
			set.nodes = append(set.nodes, p.shown)
		}
	}
	set.zone, set.region = r.own.node.Zone, r.own.node.Region
	return set
}

// takePending merges sorted changes into the sorted list, for nodes may have very many topics.
func (p *producer) takePending() {
	if len(p.pending) == 0 {
		return
	}
	merged := make([]string, 0, len(p.topics)+len(p.pending))
	rest := p.topics
	for _, name := range slices.Sorted(maps.Keys(p.pending)) {
		i, found := slices.BinarySearch(rest, name)
		merged = append(merged, rest[:i]...)
		if found {
			i++
		}
		rest = rest[i:]
		h := p.pending[name]
		if h.held {
			merged = append(merged, name)
		}
		p.mark(name, h.tombstoned)
	}
	p.topics = append(merged, rest...)
	p.pending = nil
}

func (p *producer) mark(topic string, tombstoned bool) {
	switch {
	case !tombstoned:
		delete(p.tombstoned, topic)
	case p.tombstoned == nil:
		p.tombstoned = map[string]bool{topic: true}
	default:
		p.tombstoned[topic] = true
	}
}
