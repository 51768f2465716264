package raftstore

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"

	"github.com/nsqmesh/nsqmesh/gossip/simnet"
)

var (
	seeds   = flag.Uint64("seeds", 4, "how many simulations, with other dice each time")
	first   = flag.Uint64("first-seed", 1, "the first of them")
	verbose = flag.Bool("sim-log", false, "print what simulated nodes log")
)

// sim is a mesh of stores on a simulated network, inside a bubble. What gossip would know is known at once.
type sim struct {
	t     *testing.T
	net   *simnet.Network
	rng   *rand.Rand
	truth *truth

	mu    sync.Mutex
	nodes []*simNode
	cuts  map[[2]string]bool // from, to
	runs  sync.WaitGroup
}

// simNode is one machine with its disk; its store changes with every start.
type simNode struct {
	*Store
	sim    *sim
	name   string
	expect int
	dir    string
	ip     string
	lives  int
	disk   *simDisk
	gate   *gate
	host   *simnet.Host
	ledger *ledger
	up     bool
	note   []byte
	seen   map[string][]byte // notes of others, as last heard
	stop   context.CancelFunc
}

func simulate(t *testing.T, seed uint64, f func(s *sim)) {
	t.Helper()
	dir := memoryDir(t)
	synctest.Test(t, func(t *testing.T) {
		s := &sim{t: t, net: simnet.New(seed), rng: rand.New(rand.NewPCG(seed, 3)), truth: newTruth(t), cuts: map[[2]string]bool{}}
		defer func() {
			s.heal()
			for _, n := range s.nodes {
				n.stop()
			}
			s.runs.Wait()
			for _, n := range s.nodes {
				n.host.Crash()
			}
			time.Sleep(time.Minute)
		}()
		s.mkdirs(dir)
		f(s)
	})
}

// memoryDir is a folder in memory where there is one: simulated disks are as fast as one likes.
func memoryDir(t *testing.T) string {
	dir, err := os.MkdirTemp("/dev/shm", "raftstore")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func (s *sim) mkdirs(dir string) {
	for i := range 12 {
		n := &simNode{sim: s, name: fmt.Sprintf("n%d", i), dir: filepath.Join(dir, fmt.Sprint(i)), disk: newSimDisk(), stop: func() {}, seen: map[string][]byte{}}
		s.nodes = append(s.nodes, n)
		n.host = s.net.Host(fmt.Sprintf("10.1.0.%d", i+1))
	}
}

// start starts a node at a new address.
func (s *sim) start(i, expect int) *simNode {
	s.t.Helper()
	n := s.nodes[i]
	if err := os.MkdirAll(n.dir, 0o755); err != nil {
		s.t.Fatal(err)
	}
	s.mu.Lock()
	n.lives++
	n.ip = fmt.Sprintf("10.%d.0.%d", n.lives+1, i+1)
	n.host, n.expect, n.up, n.note = s.net.Host(n.ip), expect, true, nil
	n.gate = &gate{}
	n.ledger = newLedger(s.truth)
	s.mu.Unlock()
	log := discard
	if *verbose {
		log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug})).With("on", n.name)
	}
	g := n.gate
	st, err := New(Options{
		Expect: expect, Dir: n.dir, Cache: filepath.Join(n.dir, "cache"), Spares: 2, Grace: 30 * time.Second, Timeout: time.Second,
		Machine: n.ledger, Network: simMesh{n, n.host}, Peers: simMesh{n, n.host}, Log: log,
		open: func() (disk, string, error) { return n.disk.open(n.dir, g) },
		tune: func(c *raft.Config) {
			c.SnapshotThreshold, c.SnapshotInterval, c.TrailingLogs = 40, 10*time.Second, 20
		},
	})
	if err == nil {
		err = st.Load()
	}
	if err != nil {
		s.t.Fatal(err)
	}
	s.mu.Lock()
	n.Store = st
	s.mu.Unlock()
	s.look()
	ctx, cancel := context.WithCancel(context.Background())
	n.stop = cancel
	calls, err := n.host.Listen(n.ip + portOf(CallKind))
	if err != nil {
		s.t.Fatal(err)
	}
	s.runs.Go(func() { serveCalls(calls, st) })
	s.runs.Go(func() {
		if err := st.Run(ctx); err != nil {
			s.t.Errorf("%s: %v", n.name, err)
		}
		_ = calls.Close()
	})
	return n
}

// crash ends a node without a word. What it wrote before is on its disk, what it still writes is not.
func (n *simNode) crash() {
	n.sim.mu.Lock()
	n.up = false
	n.sim.mu.Unlock()
	n.gate.close()
	n.host.Crash()
	n.stop()
	n.sim.look()
}

// halt stops a node in order.
func (n *simNode) halt() {
	n.stop()
	synctest.Wait()
	time.Sleep(time.Second)
	n.sim.mu.Lock()
	n.up = false
	n.sim.mu.Unlock()
	n.host.Crash()
}

// wipe gives a node an empty disk in place of its own, which what is left of its last life keeps.
func (n *simNode) wipe() {
	n.disk = newSimDisk()
	n.dir += "w"
}

func (s *sim) cut(from, to *simNode) {
	s.mu.Lock()
	s.cuts[[2]string{from.name, to.name}] = true
	s.mu.Unlock()
	s.net.Cut(from.host, to.host)
	s.look()
}

func (s *sim) split(some, others []*simNode) {
	for _, a := range some {
		for _, b := range others {
			s.cut(a, b)
			s.cut(b, a)
		}
	}
}

func (s *sim) heal() {
	s.mu.Lock()
	clear(s.cuts)
	s.mu.Unlock()
	s.net.Heal()
	s.look()
}

// look tells all that something about the members may have changed.
func (s *sim) look() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range s.nodes {
		if n.Store != nil {
			n.Look()
		}
	}
}

func (s *sim) running() (all []*simNode) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range s.nodes {
		if n.up {
			all = append(all, n)
		}
	}
	return all
}

// leader is the node that leads with the highest term.
func (s *sim) leader() (best *simNode) {
	term := uint64(0)
	for _, n := range s.running() {
		if r := n.raft.Load(); r != nil && r.State() == raft.Leader && r.CurrentTerm() > term {
			best, term = n, r.CurrentTerm()
		}
	}
	return best
}

func (s *sim) within(d time.Duration, what string, f func() bool) time.Duration {
	s.t.Helper()
	begin := time.Now()
	for !f() {
		if time.Since(begin) > d {
			for _, n := range s.running() {
				b, _ := json.Marshal(n.Status())
				s.t.Logf("%s: %s", n.name, b)
			}
			s.t.Fatalf("not within %v: %s", d, what)
		}
		time.Sleep(20 * time.Millisecond)
	}
	return time.Since(begin)
}

// formed waits until a group has so many voters that live, and as many spares.
func (s *sim) formed(voters, spares int) {
	s.t.Helper()
	s.within(3*time.Minute, fmt.Sprintf("%d voters and %d spares", voters, spares), func() bool {
		l := s.leader()
		if l == nil || !l.Authority() {
			return false
		}
		v, sp := 0, 0
		for _, one := range l.Status().Servers {
			switch {
			case !one.Alive:
				return false
			case one.Voter:
				v++
			default:
				sp++
			}
		}
		return v == voters && sp == spares
	})
}

// agreed waits until all running nodes have the same state.
func (s *sim) agreed() {
	s.t.Helper()
	s.within(2*time.Minute, "one catalog on all nodes", func() bool {
		want := position{}
		for i, n := range s.running() {
			at := n.replica.position()
			if i == 0 {
				want = at
			}
			if at != want || at.Cluster == "" {
				return false
			}
		}
		return true
	})
	all := s.running()
	for _, n := range all[1:] {
		if a, b := all[0].ledger.dump(), n.ledger.dump(); a != b {
			s.t.Errorf("%s has %s, %s has %s", all[0].name, a, n.name, b)
		}
	}
}
