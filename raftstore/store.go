package raftstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
)

// Options are what a Store needs to know.
type Options struct {
	Expect int    // how many voters the group begins with and keeps; 0 is no candidate
	Dir    string // of a candidate: raft's log, snapshots and server id; lost or kept as a whole
	Cache  string // file with the last committed state; "" keeps none

	Spares  int           // candidates that stand by with a copy
	Grace   time.Duration // how long a voter may be away before a spare takes its place
	Timeout time.Duration // a leader that is silent for so long is replaced

	Machine Machine
	Network Network
	Peers   Peers
	Changed func() // the group, its leader or the authority changed; must not block; nil is nobody
	Log     *slog.Logger

	open func() (disk, string, error) // in place of the folder, by tests
	tune func(*raft.Config)
}

const (
	pace       = time.Second      // how often a candidate looks around
	settle     = 3 * time.Second  // the set of candidates is the same for so long before a group is made
	stable     = 10 * time.Second // a spare is in step for so long before it becomes a voter
	closeEvery = 100              // entries behind that count as in step
)

var discard = slog.New(slog.DiscardHandler)

// Store keeps the machine of one node in step with the others.
type Store struct {
	o       Options
	log     *slog.Logger
	replica *replica
	raft    atomic.Pointer[raft.Raft] // nil on a node that is no candidate, before Run and after
	server  string
	life    context.Context // of Run
	kicked  chan struct{}   // wakes who looks around
	news    chan struct{}   // wakes who waits for somebody to follow
	behind  atomic.Uint64   // how far a follower has to come
	current atomic.Bool     // it has

	mu         sync.Mutex
	announced  string
	seen       sighting // of candidates that could make a group
	promised   promise
	promisedAt time.Time
	health     map[string]*health
	homes      map[string]string // server to the node that it was last seen on
	leaderless time.Time         // since when there is no leader; zero: there is one
	lastLeader string            // name of the last one
	strangers  map[string]bool   // nodes of other groups that were complained about
	retired    string            // why this node's raft is at rest
}

// New returns a store that does nothing yet.
func New(o Options) (*Store, error) {
	if o.Log == nil {
		o.Log = discard
	}
	if o.Changed == nil {
		o.Changed = func() {}
	}
	if o.open == nil {
		o.open = func() (disk, string, error) { return openDisk(o.Dir) }
	}
	r, err := newReplica(o.Machine)
	if err != nil {
		return nil, err
	}
	return &Store{
		o: o, log: o.Log, replica: r, kicked: make(chan struct{}, 1), news: make(chan struct{}, 1), leaderless: time.Now(), life: context.Background(),
		health: map[string]*health{}, homes: map[string]string{}, strangers: map[string]bool{},
	}, nil
}

// Load gives the machine what was known when the node stopped.
func (s *Store) Load() error {
	if s.o.Cache == "" {
		return nil
	}
	if err := s.replica.loadCache(s.o.Cache); err != nil {
		if !errors.Is(err, errSnapshotFormat) {
			return err
		}
		s.log.Error("the catalog's cache is damaged; this node knows no catalog until it hears of it", "err", err)
	}
	return nil
}

// Run takes part until ctx ends.
func (s *Store) Run(ctx context.Context) error {
	life, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	s.life = life
	var loops sync.WaitGroup
	defer loops.Wait()
	defer cancel()
	if s.o.Expect > 0 {
		stop, err := s.startRaft()
		if err != nil {
			return err
		}
		defer stop()
		followers := s.o.Network.StreamListener(PurposeFollow)
		defer followers.Close()
		loops.Go(func() { s.serveFollowers(life, followers) })
	}
	loops.Go(func() { s.followLoop(life) })
	loops.Go(func() { s.cacheLoop(life) })
	s.lookAround(ctx)
	return nil
}

// lookAround does what is to be done at the pace, or at once after an event. A node that is no candidate has events only.
func (s *Store) lookAround(ctx context.Context) {
	var due <-chan time.Time
	if s.o.Expect > 0 {
		tick := time.NewTicker(pace)
		defer tick.Stop()
		due = tick.C
	}
	for {
		s.look()
		select {
		case <-ctx.Done():
			return
		case <-due:
		case <-s.kicked:
		}
	}
}

// Look has the store look around now: a note, or who is alive, has changed.
func (s *Store) Look() {
	for _, c := range []chan struct{}{s.kicked, s.news} {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

func (s *Store) look() {
	peers := s.peers()
	s.announce()
	s.judgeLeader(peers)
	if s.o.Expect == 0 || s.raft.Load() == nil {
		return
	}
	s.meet(peers)
	switch {
	case !s.hasState():
		s.considerGroup(peers)
	case s.leads():
		s.lead(peers)
	}
}

// startRaft opens the folder and starts raft, with or without a group.
func (s *Store) startRaft() (stop func(), err error) {
	d, server, err := s.o.open()
	if err != nil {
		return nil, err
	}
	promised, err := loadPromise(s.o.Dir)
	if err != nil {
		return nil, errors.Join(err, d.close())
	}
	s.mu.Lock()
	s.server, s.promised = server, promised
	s.promisedAt = time.Now() // nobody can say how long ago it really was
	s.mu.Unlock()
	log := newRaftLog(s.log)
	transport := raft.NewNetworkTransportWithConfig(&raft.NetworkTransportConfig{
		Stream: streams{s.o.Network.StreamListener(PurposeRaft), s, server}, MaxPool: 3, Timeout: 2 * s.o.Timeout, Logger: log,
		// No pipelining: in raft v1.7 a full pipeline to a silent peer may block for ever once leadership ends, and with it
		// the stop of the node.
		MaxRPCsInFlight: 1,
	})
	r, err := raft.NewRaft(s.config(log), fsm{replica: s.replica}, d.logs, d.stable, d.snaps, transport)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start raft: %w", err), transport.Close(), d.close())
	}
	events := raft.NewObserver(nil, false, func(o *raft.Observation) bool {
		s.Look()
		return false
	})
	r.RegisterObserver(events)
	s.raft.Store(r)
	return func() {
		s.handOver(r)
		s.announce()
		s.raft.Store(nil)
		r.DeregisterObserver(events)
		err := errors.Join(shutdown(r), transport.Close(), d.close())
		if err != nil {
			s.log.Error("cannot end raft in order", "err", err)
		}
	}, nil
}

func (s *Store) config(log hclog.Logger) *raft.Config {
	c := raft.DefaultConfig()
	c.LocalID = raft.ServerID(s.server)
	c.HeartbeatTimeout, c.ElectionTimeout, c.LeaderLeaseTimeout = s.o.Timeout, s.o.Timeout, s.o.Timeout/2
	c.MaxAppendEntries, c.BatchApplyCh = 256, true
	c.SnapshotThreshold, c.SnapshotInterval, c.TrailingLogs = 8192, 30*time.Second, 10240
	c.ShutdownOnRemove = false // it may come back as a spare
	c.NoLegacyTelemetry = true
	c.Logger = log
	if s.o.tune != nil {
		s.o.tune(c)
	}
	return c
}

// handOver gives the leadership to another voter, so that a planned stop costs no election.
func (s *Store) handOver(r *raft.Raft) {
	if r.State() != raft.Leader {
		return
	}
	done := make(chan error, 1)
	go func() { done <- r.LeadershipTransfer().Error() }()
	select {
	case err := <-done:
		if err != nil {
			s.log.Debug("nobody takes over the leadership", "err", err)
		}
	case <-time.After(3 * time.Second):
		s.log.Warn("nobody takes over the leadership")
	}
}

// shutdown waits for raft to end, within reason: nothing that it still does could be lost.
func shutdown(r *raft.Raft) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return await(ctx, r.Shutdown())
}

func (s *Store) leads() bool {
	r := s.raft.Load()
	return r != nil && r.State() == raft.Leader
}

// hasState reports whether this node belongs to a group, or did: then it never makes one.
func (s *Store) hasState() bool {
	r := s.raft.Load()
	return r != nil && r.LastIndex() > 0 || s.replica.position().Cluster != ""
}

// announce tells everybody what this node is, if that has changed.
func (s *Store) announce() {
	b, err := json.Marshal(s.note())
	if err != nil {
		return
	}
	if s.o.Expect == 0 || s.raft.Load() == nil {
		b = nil
	}
	s.mu.Lock()
	same := s.announced == string(b)
	s.announced = string(b)
	s.mu.Unlock()
	if !same {
		s.o.Peers.Announce(b)
		s.o.Changed()
	}
}

func (s *Store) note() note {
	r := s.raft.Load() // before which the server id is not known
	if r == nil {
		return note{}
	}
	at := s.replica.position()
	n := note{Server: s.server, Expect: s.o.Expect, State: r.LastIndex() > 0, Cluster: at.Cluster, Generation: at.Generation, Role: roleNone}
	switch suffrage, in := s.seat(r, s.server); {
	case !in:
	case suffrage == raft.Nonvoter:
		n.Role = roleSpare
	default:
		n.Role = roleVoter
	}
	if r.State() == raft.Leader {
		n.Role, n.Term = roleLeader, r.CurrentTerm()
	}
	return n
}

// seat returns what a server is in the group.
func (s *Store) seat(r *raft.Raft, server string) (raft.ServerSuffrage, bool) {
	f := r.GetConfiguration()
	if f.Error() != nil {
		return 0, false
	}
	for _, one := range f.Configuration().Servers {
		if string(one.ID) == server {
			return one.Suffrage, true
		}
	}
	return 0, false
}
