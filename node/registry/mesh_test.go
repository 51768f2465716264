package registry

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
)

// mesh is registries that exchange what gossip would, over a network that loses some of it.
type mesh struct {
	rng   *rand.Rand
	nodes []*Registry
	loss  float64
}

type wire struct {
	m  *mesh
	of int
}

func (w wire) Alive(string) bool { return true }

func (w wire) Broadcast(_ string, chunk []byte) {
	for i, r := range w.m.nodes {
		if i == w.of || r == nil || w.m.rng.Float64() < w.m.loss {
			continue
		}
		if want, err := r.Merge(chunk); err == nil && want != nil {
			w.m.ask(r, w.m.nodes[w.of], want)
		}
	}
}

func (m *mesh) ask(r, peer *Registry, want []byte) {
	for _, chunk := range peer.Answer(want) {
		if m.rng.Float64() >= m.loss {
			r.Merge(chunk)
		}
	}
}

// round is one anti-entropy exchange of every node with a random other one.
func (m *mesh) round() {
	for _, r := range m.nodes {
		peer := m.nodes[m.rng.IntN(len(m.nodes))]
		if r.Hash() == peer.Hash() {
			continue
		}
		if want := r.Missing(peer.Digest()); want != nil {
			m.ask(r, peer, want)
		}
		if want := peer.Missing(r.Digest()); want != nil {
			m.ask(peer, r, want)
		}
	}
}

func (m *mesh) agrees() bool {
	return !slices.ContainsFunc(m.nodes, func(r *Registry) bool { return r.Hash() != m.nodes[0].Hash() })
}

func TestMeshConverges(t *testing.T) {
	for seed := range 30 {
		m := &mesh{rng: rand.New(rand.NewPCG(uint64(seed), 2)), loss: 0.3}
		for n := range 12 {
			m.nodes = append(m.nodes, nil)
			r := New(Options{ID: id(n), Generation: 1}, nil)
			m.nodes[n] = r
			r.Connect(wire{m, n})
		}
		for i, r := range m.nodes {
			r.SetNode(Node{BroadcastAddress: fmt.Sprint("h", i), TCPPort: 1, HTTPPort: 2})
		}
		for range 300 {
			r := m.nodes[m.rng.IntN(len(m.nodes))]
			topic := fmt.Sprint("t", m.rng.IntN(20))
			switch m.rng.IntN(6) {
			case 0:
				r.DeleteTopic(topic)
			case 1:
				r.RemoveTopic(topic)
			case 2:
				r.CreateTopic(topic)
			default:
				r.SetTopic(topic, with(fmt.Sprint("c", m.rng.IntN(3))))
			}
			if m.rng.IntN(10) == 0 {
				m.round()
			}
		}
		rounds := 0
		for ; !m.agrees() && rounds < 60; rounds++ {
			m.round()
		}
		if !m.agrees() {
			t.Fatalf("seed %d: no agreement", seed)
		}
		for _, r := range m.nodes {
			if !maps.Equal(shownBy(r), shownBy(m.nodes[0])) {
				t.Fatalf("seed %d: equal hashes, different views", seed)
			}
		}
	}
}
