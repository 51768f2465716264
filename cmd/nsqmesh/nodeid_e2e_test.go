package main

import (
	"encoding/json"
	"fmt"
	"testing"
)

// nodeIDs are those of all nodes, as one of them knows them, by TCP port.
func (p *process) nodeIDs() map[string]int {
	p.t.Helper()
	var answer struct {
		Members []struct {
			TCPPort int  `json:"tcp_port"`
			NodeID  *int `json:"node_id"`
		}
	}
	if err := json.Unmarshal([]byte(get(p.t, p.lookupd("/mesh"))), &answer); err != nil {
		p.t.Fatal(err)
	}
	ids := map[string]int{}
	for _, m := range answer.Members {
		if m.NodeID != nil {
			ids[fmt.Sprintf("127.0.0.1:%d", m.TCPPort)] = *m.NodeID
		}
	}
	return ids
}

func TestMessageIDsAreUniqueInAMeshOfOneHost(t *testing.T) {
	first := startNode(t, t.TempDir(), fixedPorts(t)...)
	seed := "--gossip-seed=" + first.addr.Gossip
	had := first.nodeIDs()[first.addr.TCP]
	given := startNode(t, t.TempDir(), append(fixedPorts(t), seed, fmt.Sprint("--node-id=", had))...)
	third := startNode(t, t.TempDir(), append(fixedPorts(t), seed)...)
	nodes := []*process{first, given, third}
	settled := func() bool {
		ids := third.nodeIDs()
		different := map[int]bool{}
		for _, n := range ids {
			different[n] = true
		}
		return len(ids) == len(nodes) && len(different) == len(nodes) && ids[given.addr.TCP] == had
	}
	waitFor(t, "a node id for each", settled)

	const messages = 50
	seen := map[string]string{}
	for _, n := range nodes {
		for i := range messages {
			post(t, n.nsqd("/pub?topic=ids"), fmt.Sprint(i))
		}
		c := dialWire(t, n.addr.TCP)
		c.send("SUB ids c\nRDY %d\n", messages)
		for _, m := range c.messages(messages) {
			if other := seen[m.id]; other != "" {
				t.Errorf("id %s on %s and %s", m.id, other, n.addr.TCP)
			}
			seen[m.id] = n.addr.TCP
		}
	}

	taken := third.nodeIDs()[first.addr.TCP]
	first.kill()
	first.start()
	waitFor(t, "a node id for each", settled)
	if now := third.nodeIDs()[first.addr.TCP]; now != taken {
		t.Errorf("the node id that was taken, %d, became %d with a restart", taken, now)
	}
}
