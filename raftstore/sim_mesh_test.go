package raftstore

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/nsqmesh/nsqmesh/gossip/simnet"
)

// simMesh is the mesh as one life of a node sees it.
type simMesh struct {
	*simNode
	host *simnet.Host
}

func portOf(purpose string) string {
	return map[string]string{PurposeRaft: ":1001", PurposeFollow: ":1002", CallKind: ":1003"}[purpose]
}

func (m simMesh) StreamListener(purpose string) net.Listener {
	l, err := m.host.Listen("0.0.0.0" + portOf(purpose))
	if err != nil {
		return deadListener{}
	}
	return l
}

type deadListener struct{}

func (deadListener) Accept() (net.Conn, error) { return nil, net.ErrClosed }
func (deadListener) Close() error              { return nil }
func (deadListener) Addr() net.Addr            { return address("nowhere") }

func (m simMesh) DialStream(ctx context.Context, node, purpose string) (net.Conn, error) {
	m.sim.mu.Lock()
	ip := ""
	for _, n := range m.sim.nodes {
		if n.name == node {
			ip = n.ip
		}
	}
	m.sim.mu.Unlock()
	return m.host.Dial(ctx, ip+portOf(purpose))
}

func (m simMesh) Call(ctx context.Context, node, kind string, body []byte) ([]byte, error) {
	conn, err := m.DialStream(ctx, node, kind)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Now()) })
	defer stop()
	if err := json.NewEncoder(conn).Encode(body); err != nil {
		return nil, err
	}
	var a answered
	if err := json.NewDecoder(conn).Decode(&a); err != nil {
		return nil, err
	}
	if a.Error != "" {
		return nil, fmt.Errorf("%s: %s", node, a.Error)
	}
	return a.Body, nil
}

type answered struct {
	Body  []byte
	Error string
}

func serveCalls(l net.Listener, st *Store) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
			defer cancel()
			_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
			var body []byte
			if err := json.NewDecoder(io.LimitReader(conn, 1<<20)).Decode(&body); err != nil {
				return
			}
			var a answered
			if a.Body, err = st.Answer(ctx, "", body); err != nil {
				a.Error = err.Error()
			}
			_ = json.NewEncoder(conn).Encode(a)
		}()
	}
}

func (m simMesh) Announce(note []byte) {
	m.sim.mu.Lock()
	defer m.sim.mu.Unlock()
	if m.simNode.host == m.host { // not a life that has crashed
		m.simNode.note = note
		for _, n := range m.sim.nodes {
			if n.Store != nil {
				n.Look()
			}
		}
	}
}

func (m simMesh) Members() (all []Member) {
	m.sim.mu.Lock()
	defer m.sim.mu.Unlock()
	for _, n := range m.sim.nodes {
		if n.lives == 0 {
			continue
		}
		self := n == m.simNode
		alive := self || n.up && m.simNode.host == m.host && m.simNode.up && !m.sim.cuts[[2]string{n.name, m.name}] && !m.sim.cuts[[2]string{m.name, n.name}]
		if alive {
			m.seen[n.name] = n.note
		}
		if note, known := m.seen[n.name]; known {
			all = append(all, Member{Node: n.name, Name: n.name, Alive: alive, Self: self, Note: note})
		}
	}
	return all
}
