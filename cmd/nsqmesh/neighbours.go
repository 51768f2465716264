package main

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/nsqmesh/nsqmesh/gossip"
)

const (
	callChannels = "channels" // a topic's name; the answer is a name a line
	// The first message of a topic on this node waits so long for a neighbour that may be gone.
	neighbourPatience = 250 * time.Millisecond
)

// answerNeighbours lets other nodes ask for the channels of a topic.
func (s *server) answerNeighbours() {
	if s.parts.mesh == nil {
		return
	}
	s.parts.mesh.Handle(callChannels, func(_ context.Context, _ string, topic []byte) ([]byte, error) {
		return []byte(strings.Join(s.parts.node.KnownChannels(string(topic)), "\n")), nil
	})
}

// neighbourChannels asks all other nodes at the same time for the channels of a topic.
func (s *server) neighbourChannels(topic string) (all []string) {
	if s.parts.mesh == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), neighbourPatience)
	defer cancel()
	var mu sync.Mutex
	var asked sync.WaitGroup
	for _, m := range s.parts.mesh.Members() {
		if m.Self || m.Status != gossip.Alive {
			continue
		}
		asked.Go(func() {
			answer, err := s.parts.mesh.Call(ctx, m.ID, callChannels, []byte(topic))
			if err != nil {
				s.log.Debug("cannot ask a neighbour for channels", "topic", topic, "node", m.Name, "err", err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			all = append(all, strings.Fields(string(answer))...)
		})
	}
	asked.Wait()
	return all
}
