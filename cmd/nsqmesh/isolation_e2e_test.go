package main

import (
	"encoding/json"
	"syscall"
	"testing"
	"time"

	"github.com/nsqmesh/nsqmesh/cmd/cluster"
)

// isolated is what a node says about itself in /mesh.
func (p *process) isolated() (isolated bool) {
	var report cluster.Report
	if err := json.Unmarshal([]byte(get(p.t, p.lookupd("/mesh"))), &report); err != nil {
		p.t.Error(err)
	}
	return report.Isolated
}

// A node from which all others are cut off must not tell its clients that there is nobody else.
func TestANodeThatHearsNobodyAnswersFromWhatItKnew(t *testing.T) {
	const topic = "orders"
	nodes := startMesh(t, 3)
	one, others := nodes[0], nodes[1:]
	for _, n := range nodes {
		post(t, n.nsqd("/pub?topic="+topic), "x")
	}
	waitFor(t, "all producers", func() bool { return one.names(topic, nodes...) })
	if one.isolated() {
		t.Error("a node among others is isolated")
	}
	for _, n := range others {
		n.signal(syscall.SIGSTOP)
		t.Cleanup(func() {
			if n.running() {
				n.signal(syscall.SIGCONT)
			}
		})
	}
	t.Logf("isolated after %v", waitFor(t, "isolation", one.isolated))
	waitFor(t, "all producers still", func() bool { return one.names(topic, nodes...) })
	for end := time.Now().Add(4 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if !one.names(topic, nodes...) {
			t.Fatalf("only %v are left", one.producers(lookupPath(topic)))
		}
	}
	others[0].kill() // that can be told even now
	waitFor(t, "the killed one to be gone", func() bool { return one.names(topic, one, others[1]) })
	others[1].signal(syscall.SIGCONT)
	t.Logf("running again: no longer isolated after %v", waitFor(t, "the end of isolation", func() bool { return !one.isolated() }))
	if !one.names(topic, one, others[1]) {
		t.Errorf("in the end there are %v", one.producers(lookupPath(topic)))
	}
}
