package admin

import (
	"context"
	"net/url"
	"sync"
	"time"
)

// snapshot is what all nodes said at one moment, joined. It is not changed after it was made.
type snapshot struct {
	coverage Coverage
	members  []*member
	stats    map[*member]looked // of those that answered
	known    []string           // topics that lookups know
	nodes    []NodeRow          // sorted by name, as all lists here
	topics   []TopicRow
	channels []ChannelRow
	totals   Totals
	topicAt  map[string]int
	from     map[string]int // topic: its first channel in channels
}

// snapshots makes one at a time and keeps it for a moment.
type snapshots struct {
	looks looks

	mu     sync.Mutex
	latest *snapshot
	next   *making // nil unless one is being made
}

// looked is what a node answered, and what it did a little earlier; nil if that is not known.
type looked struct{ now, before *statsAnswer }

type making struct {
	done chan struct{}
	void bool // something was changed meanwhile
	s    *snapshot
	err  error
}

const (
	statsTarget = "/stats?format=json&include_clients=false"
	vitalTarget = "/vitals"
)

// usable is how old a snapshot may be that is given away while the next one is being made.
const usable = 3 * time.Second

// snapshot returns one that is fresh or, so that nobody waits for who looks all the time, nearly so.
func (a *Admin) snapshot(ctx context.Context) (*snapshot, error) {
	v := &a.views
	v.mu.Lock()
	age := usable
	if v.latest != nil {
		age = time.Since(v.latest.coverage.At)
	}
	if age < freshness {
		defer v.mu.Unlock()
		return v.latest, nil
	}
	m := v.next
	if m == nil {
		m = &making{done: make(chan struct{})}
		v.next = m
		go a.makeSnapshot(m)
	}
	latest := v.latest
	v.mu.Unlock()
	if age < usable {
		return latest, nil
	}
	select {
	case <-m.done:
		return m.s, m.err
	case <-ctx.Done():
		return nil, plainly(ctx.Err())
	}
}

// forget makes the next look a new one, after something was changed.
func (a *Admin) forget() {
	a.fleet.forget()
	a.views.mu.Lock()
	defer a.views.mu.Unlock()
	a.views.latest = nil
	if a.views.next != nil {
		a.views.next.void = true
		a.views.next = nil
	}
}

func (a *Admin) makeSnapshot(m *making) {
	m.s, m.err = a.look(context.Background())
	v := &a.views
	v.mu.Lock()
	defer v.mu.Unlock()
	if m.err == nil && !m.void {
		v.latest = m.s
	}
	if v.next == m {
		v.next = nil
	}
	close(m.done)
}

// look asks everybody and joins the answers.
func (a *Admin) look(ctx context.Context) (*snapshot, error) {
	began := time.Now()
	members, err := a.members(ctx)
	if err != nil {
		return nil, err
	}
	var topics struct {
		Topics []string `json:"topics"`
	}
	if err := a.own.lookupd.get(ctx, "/topics", &topics); err != nil {
		return nil, err
	}
	var vitals []reply[Vitals]
	var asked sync.WaitGroup
	asked.Go(func() { vitals = askAll[Vitals](ctx, a, ours(members), vitalTarget) })
	asked.Go(func() { a.seedLooks(ctx, members) })
	replies := askAll[statsAnswer](ctx, a, members, statsTarget)
	asked.Wait()

	s := &snapshot{members: members, known: topics.Topics, stats: map[*member]looked{}, coverage: coverage(began, replies)}
	for _, r := range vitals {
		r.member.Vitals = r.value
	}
	j := newJoiner()
	addresses := map[string]bool{}
	for _, r := range replies {
		addresses[r.member.Address] = true
		a.take(s, j, r)
	}
	a.views.looks.keep(addresses)
	j.finish(s)
	return s, nil
}

// seedLooks asks nodes that nobody has looked at for a while how they were some seconds ago, so that rates are known at once.
func (a *Admin) seedLooks(ctx context.Context, members []*member) {
	var fresh []*member
	for _, m := range ours(members) {
		if m.reachable() && !a.views.looks.known(m.Address) {
			fresh = append(fresh, m)
		}
	}
	for _, r := range askAll[statsAnswer](ctx, a, fresh, baseTarget) {
		if r.err == nil {
			a.views.looks.seed(r.member.Address, r.value)
		}
	}
}

func ours(members []*member) []*member {
	var list []*member
	for _, m := range members {
		if !m.Stock {
			list = append(list, m)
		}
	}
	return list
}

// take joins the answer of one node.
func (a *Admin) take(s *snapshot, j *joiner, r reply[statsAnswer]) {
	m := r.member
	if m.Status != "left" {
		s.totals.Nodes++
	}
	m.Rates = unknownRates
	if r.err != nil {
		m.Why = r.err.Error()
		s.nodes = append(s.nodes, m.NodeRow)
		return
	}
	s.totals.Answering++
	r.value.read.Do(r.value.sort)
	at := looked{r.value, a.views.looks.earlier(m.Address, r.value)}
	s.stats[m] = at
	m.Answers, m.Health, m.StartTime = true, r.value.Health, r.value.StartTime
	j.node(m, r.value, newPace(at))
	s.nodes = append(s.nodes, m.NodeRow)
}

// channelsOf is the part of all channels that belongs to a topic.
func (s *snapshot) channelsOf(topic string) []ChannelRow {
	from, ok := s.from[topic]
	if !ok {
		return []ChannelRow{}
	}
	to := from
	for to < len(s.channels) && s.channels[to].Topic == topic {
		to++
	}
	return s.channels[from:to:to]
}

// holders are the members that have a topic.
func (s *snapshot) holders(topic string) []*member {
	var list []*member
	i, ok := s.topicAt[topic]
	if !ok {
		return nil
	}
	for _, name := range s.topics[i].Nodes {
		if m := named(s.members, name); m != nil {
			list = append(list, m)
		}
	}
	return list
}

func escape(name string) string { return url.QueryEscape(name) }
