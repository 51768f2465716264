package raftstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

// history is what clients asked for and were told, in a form that porcupine checks.
type history struct {
	mu  sync.Mutex
	ops []porcupine.Operation
	ids int
}

type asked struct {
	op, name string
	id       int
}

type told struct {
	was     bool // the name was there before
	unknown bool // nobody said
}

func (h *history) add(o porcupine.Operation) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ops = append(h.ops, o)
}

func (h *history) nextID() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ids++
	return h.ids
}

// names is the model: a name is there or not.
var names = porcupine.Model{
	Partition: func(all []porcupine.Operation) [][]porcupine.Operation {
		byName := map[string][]porcupine.Operation{}
		for _, o := range all {
			name := o.Input.(asked).name
			byName[name] = append(byName[name], o)
		}
		var parts [][]porcupine.Operation
		for _, p := range byName {
			parts = append(parts, p)
		}
		return parts
	},
	Init: func() any { return false },
	Step: func(state, input, output any) (bool, any) {
		is, in, out := state.(bool), input.(asked), output.(told)
		next := is
		switch in.op {
		case "create":
			next = true
		case "delete":
			next = false
		}
		return out.unknown || out.was == is, next
	},
	DescribeOperation: func(input, output any) string { return fmt.Sprint(input, output) },
}

// client asks random nodes for random things until done is closed.
func (s *sim) client(who int, rng *rand.Rand, h *history, done <-chan struct{}) {
	for {
		select {
		case <-done:
			return
		case <-time.After(time.Duration(rng.IntN(400)) * time.Millisecond):
		}
		up := s.running()
		if len(up) == 0 {
			continue
		}
		n := up[rng.IntN(len(up))]
		in := asked{[]string{"create", "delete", "read"}[rng.IntN(3)], fmt.Sprintf("t%d", rng.IntN(4)), h.nextID()}
		begin := time.Now().UnixNano()
		out, err := n.request(in)
		end := time.Now().UnixNano()
		if err != nil {
			if !errors.Is(err, ErrNoQuorum) {
				s.t.Errorf("%v on %s: %v", in, n.name, err)
			}
			if in.op == "read" {
				continue
			}
			out, end = told{unknown: true}, time.Unix(1<<32, 0).UnixNano() // it may happen any time later
		} else if in.op != "read" && !s.truth.applied(in.id) {
			s.t.Errorf("%v was acknowledged by %s and never applied", in, n.name)
		}
		h.add(porcupine.Operation{ClientId: who, Input: in, Call: begin, Output: out, Return: end})
	}
}

func (n *simNode) request(in asked) (told, error) {
	if in.op == "read" {
		st, ledger := n.Store, n.ledger
		err := st.Sync(context.Background())
		return told{was: ledger.has(in.name)}, err
	}
	cmd, _ := json.Marshal(ledgerCommand{in.id, in.op, in.name})
	b, err := n.Apply(context.Background(), cmd)
	return told{was: string(b) == "yes"}, err
}

// trouble does one thing to the mesh that a group of three must survive.
func (s *sim) trouble(rng *rand.Rand, candidates int) {
	n := s.nodes[rng.IntN(len(s.running()))]
	expect := n.expect
	switch rng.IntN(8) {
	case 0, 1:
		n.crash()
		time.Sleep(time.Duration(rng.IntN(20)) * time.Second)
		s.start(n.index(), expect)
	case 2:
		if s.safeToWipe(n) {
			n.crash()
			n.wipe()
			s.start(n.index(), expect)
		}
	case 3:
		k := 1 + rng.IntN(candidates)
		s.split(s.nodes[:k], s.nodes[k:len(s.running())])
		time.Sleep(time.Duration(1+rng.IntN(45)) * time.Second)
		s.heal()
	case 4:
		other := s.nodes[rng.IntN(candidates)]
		if other != n {
			s.cut(n, other)
			time.Sleep(time.Duration(1+rng.IntN(20)) * time.Second)
			s.heal()
		}
	case 5:
		s.restartAll(rng)
	case 6:
		if l := s.leader(); l != nil {
			l.halt()
			s.start(l.index(), l.expect)
		}
	case 7:
		s.net.SetLoss(rng.IntN(150))
		time.Sleep(10 * time.Second)
		s.net.SetLoss(0)
	}
}

func (s *sim) restartAll(rng *rand.Rand) {
	all := s.running()
	for _, n := range all {
		n.crash()
	}
	time.Sleep(time.Duration(rng.IntN(5)) * time.Second)
	for _, n := range all {
		s.start(n.index(), n.expect)
		time.Sleep(time.Duration(rng.IntN(2000)) * time.Millisecond)
	}
}

// safeToWipe reports whether the group can lose this disk: two others have all that is committed.
func (s *sim) safeToWipe(n *simNode) bool {
	l := s.leader()
	if l == nil || l == n && len(s.running()) < 3 {
		return false
	}
	if err := l.Sync(context.Background()); err != nil {
		return false
	}
	voters, inStep := 0, 0
	for _, v := range l.Status().Servers {
		if !v.Voter {
			continue
		}
		voters++
		other := s.byName(v.Name)
		if other == nil || !v.Alive || other == n || other.raft.Load() == nil {
			continue
		}
		if other.raft.Load().LastIndex() >= l.raft.Load().CommitIndex() {
			inStep++
		}
	}
	return inStep > voters/2
}

func chaos(t *testing.T, seed uint64) {
	simulate(t, seed, func(s *sim) {
		const candidates, others = 4, 1
		for i := range candidates {
			s.start(i, 3)
		}
		for i := range others {
			s.start(candidates+i, 0)
		}
		s.formed(3, 1)
		h, done := &history{}, make(chan struct{})
		var clients sync.WaitGroup
		for who := range 3 {
			rng := rand.New(rand.NewPCG(seed, uint64(100+who)))
			clients.Go(func() { s.client(who, rng, h, done) })
		}
		for range 6 {
			time.Sleep(time.Duration(s.rng.IntN(8000)) * time.Millisecond)
			s.trouble(s.rng, candidates)
		}
		s.heal()
		s.within(time.Minute, "a write after all trouble", func() bool {
			_, err := s.nodes[candidates].do(h.nextID(), "create", "last")
			return err == nil
		})
		close(done)
		clients.Wait()
		s.agreed()
		for _, n := range s.running() {
			if !n.ledger.has("last") {
				t.Errorf("%s lacks what was written last", n.name)
			}
		}
		if result := porcupine.CheckOperationsTimeout(names, h.ops, time.Minute); result != porcupine.Ok {
			t.Errorf("the history of %d operations is not linearizable: %v", len(h.ops), result)
		}
	})
}

func TestGroupSurvivesTrouble(t *testing.T) {
	for seed := *first; seed < *first+*seeds; seed++ {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { chaos(t, seed) })
	}
}
