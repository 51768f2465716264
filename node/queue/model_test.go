package queue

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// model is a channel as one would write it without any haste: a map of what each message is up to. Random operations on both
// must agree at each step on every counter, and in the end on every message: what was published is delivered, what
// was finished never comes again.
type model struct {
	t       *testing.T
	r       *rand.Rand
	c       *Channel
	subs    []*modelConsumer
	next    ID
	live    map[ID]*modelMessage // published and not finished or dropped
	stats   ChannelStats
	history []string

	restarts  bool // may happen
	restarted bool
}

type modelConsumer struct {
	*Subscription
	timeout time.Duration
	held    []ID // what it ever got and has not answered, timed out or not
}

type modelMessage struct {
	attempts  uint16
	due       time.Time // deferred until then
	owner     *modelConsumer
	delivered time.Time
	deadline  time.Time
}

func (m *model) note(format string, a ...any) {
	m.history = append(m.history, fmt.Sprintf(format, a...))
}

func (m *model) fatalf(format string, a ...any) {
	m.t.Helper()
	m.t.Fatalf("%s\nafter %v", fmt.Sprintf(format, a...), m.history[max(0, len(m.history)-20):])
}

func (m *model) publish() {
	batch := numbered(m.next, m.r.IntN(8)+1)
	for i := range batch {
		message := &modelMessage{}
		if m.r.IntN(5) == 0 {
			message.due = time.Now().Add(time.Duration(m.r.IntN(20)) * time.Second)
			batch[i].Due = message.due.UnixNano()
		}
		m.live[batch[i].ID] = message
	}
	m.next += ID(len(batch))
	m.stats.MessageCount += uint64(len(batch))
	m.note("publish %d", len(batch))
	put(m.t, m.c, batch)
}

func (m *model) subscribe() {
	timeout := time.Duration(m.r.IntN(3)*7+3) * time.Second
	s, _ := subscribe(m.t, m.c, 0, Terms{MsgTimeout: timeout})
	m.subs = append(m.subs, &modelConsumer{Subscription: s, timeout: timeout})
}

func (m *model) leave() {
	i := m.r.IntN(len(m.subs))
	m.note("leave %d", i)
	m.subs[i].Close()
	m.subs = slices.Delete(m.subs, i, i+1)
	m.subscribe()
}

func (m *model) take(s *modelConsumer) int {
	got := s.Take(make([]Message, 0, m.r.IntN(10)+1))
	m.note("take %d", len(got))
	for _, message := range got {
		want := m.live[message.ID]
		switch {
		case want == nil:
			m.fatalf("message %d came again", message.ID)
		case want.owner != nil:
			m.fatalf("message %d was delivered while in flight", message.ID)
		case want.due.After(time.Now()):
			m.fatalf("message %d came early", message.ID)
		}
		want.attempts++
		if message.Attempts != want.attempts {
			m.fatalf("message %d has %d attempts, want %d", message.ID, message.Attempts, want.attempts)
		}
		want.owner, want.delivered, want.deadline = s, time.Now(), time.Now().Add(s.timeout)
		s.held = append(s.held, message.ID)
	}
	return len(got)
}

// answer picks some of what a consumer got and removes them from what it holds.
func (m *model) answer(s *modelConsumer) []ID {
	m.r.Shuffle(len(s.held), func(i, j int) { s.held[i], s.held[j] = s.held[j], s.held[i] })
	n := m.r.IntN(len(s.held) + 1)
	ids := s.held[:n:n]
	s.held = s.held[n:]
	return ids
}

// expect returns a callback for failures, and a check that exactly those failed which are no longer in flight to s.
func (m *model) expect(s *modelConsumer, ids []ID) (failed func(int, error), check func()) {
	got, want := failures{}, failures{}
	for i, id := range ids {
		switch message := m.live[id]; {
		case message == nil || message.owner == nil:
			want[i] = ErrNotInFlight
		case message.owner != s:
			want[i] = ErrNotOwner
		case slices.Contains(ids[:i], id):
			want[i] = ErrNotInFlight
		}
	}
	return got.note, func() {
		m.t.Helper()
		if !maps.Equal(got, want) {
			m.fatalf("failures %v, want %v", got, want)
		}
	}
}

func (m *model) owns(s *modelConsumer, id ID) *modelMessage {
	if message := m.live[id]; message != nil && message.owner == s {
		return message
	}
	return nil
}

func (m *model) finish(s *modelConsumer) {
	ids := m.answer(s)
	m.note("finish %v", ids)
	failed, check := m.expect(s, ids)
	s.Finish(ids, failed)
	check()
	for _, id := range ids {
		if m.owns(s, id) != nil {
			delete(m.live, id)
		}
	}
}

func (m *model) requeue(s *modelConsumer) {
	ids := m.answer(s)
	delays := make([]time.Duration, len(ids))
	for i := range delays {
		delays[i] = time.Duration(max(m.r.IntN(20)-10, 0)) * time.Second
	}
	m.note("requeue %v", ids)
	failed, check := m.expect(s, ids)
	s.Requeue(ids, delays, failed)
	check()
	for i, id := range ids {
		if message := m.owns(s, id); message != nil {
			message.owner, message.due = nil, time.Now().Add(delays[i])
			m.stats.RequeueCount++
		}
	}
}

func (m *model) touch(s *modelConsumer) {
	ids := s.held
	m.note("touch %v", ids)
	got := failures{}
	s.Touch(ids, got.note)
	for _, id := range ids {
		if message := m.owns(s, id); message != nil {
			limit := message.delivered.Add(m.c.options.MaxMsgTimeout)
			if message.deadline = time.Now().Add(s.timeout); limit.Before(message.deadline) {
				message.deadline = limit
			}
		}
	}
}

func (m *model) sleep() {
	d := time.Duration(m.r.IntN(4000)) * time.Millisecond
	m.note("sleep %v", d)
	time.Sleep(d)
	synctest.Wait()
	for _, message := range m.live {
		if message.owner != nil && !message.deadline.After(time.Now()) {
			message.owner = nil
			m.stats.TimeoutCount++
		}
	}
}

func (m *model) empty() {
	m.note("empty")
	if err := m.c.Empty(); err != nil {
		m.fatalf("empty: %v", err)
	}
	clear(m.live)
}

// restart closes the channel and opens it again from its files.
func (m *model) restart() {
	m.note("restart")
	if err := m.c.close(); err != nil {
		m.fatalf("close: %v", err)
	}
	for _, message := range m.live {
		message.owner = nil
	}
	n := len(m.subs)
	m.subs, m.stats, m.restarted = nil, ChannelStats{}, true
	m.c = testChannel(m.t, m.c.options)
	for range n {
		m.subscribe()
	}
}

func (m *model) check() {
	m.t.Helper()
	synctest.Wait()
	want := m.stats
	for _, message := range m.live {
		switch {
		case message.owner != nil:
			want.InFlight++
		case message.due.After(time.Now()):
			want.Deferred++
		default:
			want.Depth++
		}
	}
	got := m.c.stats()
	if m.restarted { // what was deferred counts as waiting until it is read from disk
		want.Depth, want.Deferred = want.Depth+int64(want.Deferred), 0
		got.Depth, got.Deferred = got.Depth+int64(got.Deferred), 0
	}
	got = ChannelStats{Depth: got.Depth, InFlight: got.InFlight, Deferred: got.Deferred, MessageCount: got.MessageCount,
		RequeueCount: got.RequeueCount, TimeoutCount: got.TimeoutCount}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		m.fatalf("counters are\n%+v, want\n%+v", got, want)
	}
}

func (m *model) step() {
	s := m.subs[m.r.IntN(len(m.subs))]
	switch n := m.r.IntN(100); {
	case n < 20:
		m.publish()
	case n < 45:
		m.take(s)
	case n < 60:
		m.finish(s)
	case n < 70:
		m.requeue(s)
	case n < 75:
		m.touch(s)
	case n < 85:
		s.SetReady(m.r.IntN(20))
	case n < 95:
		m.sleep()
	case n < 97:
		m.c.Pause(m.r.IntN(3) == 0)
	case n < 99:
		m.leave()
	case m.restarts:
		m.restart()
	case m.r.IntN(4) == 0:
		m.empty()
	}
}

// drain finishes everything and expects the channel to end up with nothing.
func (m *model) drain() {
	m.c.Pause(false)
	for range 1000 {
		for _, s := range m.subs {
			s.SetReady(100)
			m.take(s)
			m.finish(s)
		}
		m.sleep()
		if len(m.live) == 0 {
			return
		}
	}
	m.fatalf("%d messages never came: %+v", len(m.live), m.c.stats())
}

func TestModel(t *testing.T) {
	for name, v := range map[string]modelVariant{
		"memory":                     {seeds: 25, size: 1 << 20},
		"little memory, then disk":   {seeds: 25, size: 10},
		"few bytes, then disk":       {seeds: 25, size: 100, bytes: 10},
		"disk alone":                 {seeds: 25},
		"disk alone, in small files": {seeds: 1, file: 300},
		"with restarts":              {seeds: 10, size: 10, restarts: true},
	} {
		t.Run(name, func(t *testing.T) {
			for seed := range v.seeds {
				synctest.Test(t, func(t *testing.T) { v.run(t, seed) })
			}
		})
	}
}

type modelVariant struct {
	seeds             int
	size, bytes, file int64 // bounds of memory and of disk files
	restarts          bool
}

func (v modelVariant) run(t *testing.T, seed int) {
	o := testOptions(t)
	o.MemQueueSize, o.MemQueueBytes, o.MaxMsgTimeout = v.size, v.bytes, 20*time.Second
	if v.file > 0 {
		o.MaxBytesPerFile = v.file
	}
	m := &model{t: t, r: rand.New(rand.NewPCG(uint64(seed), 1)), next: 1, live: map[ID]*modelMessage{}, restarts: v.restarts}
	m.c = testChannel(t, o)
	m.note("seed %d", seed)
	for range 3 {
		m.subscribe()
	}
	for range 400 {
		m.step()
		m.check()
	}
	m.drain()
}
