package main

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nsqmesh/nsqmesh/gossip"
	"github.com/nsqmesh/nsqmesh/gossip/simnet"
	"github.com/nsqmesh/nsqmesh/node/registry"
)

// simulated is a mesh of registries over gossip on a network in memory, in virtual time.
type simulated struct {
	t     *testing.T
	net   *simnet.Network
	rng   *rand.Rand
	nodes []*simulatedNode
}

type simulatedNode struct {
	*registry.Registry
	mesh  *gossip.Mesh
	host  *simnet.Host
	id    string
	count int
}

// simulate runs f with a mesh of so many nodes that has been at rest for a while.
func simulate(t *testing.T, size int, f func(s *simulated)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &simulated{t: t, net: simnet.New(uint64(size)), rng: rand.New(rand.NewPCG(uint64(size), 3))}
		ctx, stop := context.WithCancel(context.Background())
		defer func() {
			s.net.Heal()
			stop()
			time.Sleep(time.Minute) // memberlist does not wait for its goroutines
		}()
		for i := range size {
			s.add(ctx, i)
		}
		s.await("a whole mesh", func() bool { return s.whole(s.nodes) && s.equal() })
		time.Sleep(10 * time.Second)
		f(s)
	})
}

func (s *simulated) add(ctx context.Context, i int) {
	ip := fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255)
	n := &simulatedNode{host: s.net.Host(ip), id: fmt.Sprintf("%032x", i+1)}
	n.Registry = registry.New(registry.Options{ID: n.id, Generation: 1, Log: slog.New(slog.DiscardHandler)}, nil)
	cfg := gossip.Config{
		ID: n.id, Name: fmt.Sprint("node", i), Bind: ip + ":4155", LinkBind: ip + ":4156", Network: n.host,
		State: n.Registry, OnChange: n.MembersChanged, Log: slog.New(slog.DiscardHandler),
	}
	for _, seed := range s.nodes[:min(3, len(s.nodes))] {
		cfg.Seeds = append(cfg.Seeds, seed.mesh.Addr())
	}
	n.mesh = gossip.New(cfg)
	if err := n.mesh.Listen(); err != nil {
		s.t.Fatal(err)
	}
	n.Connect(n.mesh)
	n.SetNode(registry.Node{Name: cfg.Name, BroadcastAddress: ip, TCPPort: 4150, HTTPPort: 4151})
	go func() { _ = n.Run(ctx) }()
	go func() { _ = n.mesh.Run(ctx) }()
	s.nodes = append(s.nodes, n)
}

// change gives a node something new to tell: one of so many topics gets another channel.
func (s *simulated) change(n *simulatedNode, topics int) (topic string) {
	n.count++
	topic = fmt.Sprintf("topic.%s.%d", n.id[28:], n.count%topics)
	n.SetTopic(topic, registry.Topic{Channels: []registry.Channel{{Name: fmt.Sprint("channel", n.count)}}})
	return topic
}

func (s *simulated) whole(nodes []*simulatedNode) bool {
	for _, n := range nodes {
		for _, o := range nodes {
			if !n.mesh.Alive(o.id) {
				return false
			}
		}
	}
	return true
}

func (s *simulated) equal() bool {
	return !slices.ContainsFunc(s.nodes, func(n *simulatedNode) bool { return n.Hash() != s.nodes[0].Hash() })
}

func (s *simulated) await(what string, so func() bool) time.Duration {
	s.t.Helper()
	begin := time.Now()
	for !so() {
		if time.Since(begin) > 5*time.Minute {
			s.t.Fatalf("waited in vain for %s", what)
		}
		time.Sleep(time.Millisecond * time.Duration(1+len(s.nodes)/100))
	}
	return time.Since(begin)
}

// pick returns some node.
func (s *simulated) pick() *simulatedNode { return s.nodes[s.rng.IntN(len(s.nodes))] }

func (s *simulated) hosts(from, to int) (all []*simnet.Host) {
	for _, n := range s.nodes[from:to] {
		all = append(all, n.host)
	}
	return all
}
