package main

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var raftFigures = flag.Bool("raft-figures", false, "measure the figures of docs/raft.md (two minutes)")

// The figures of docs/raft.md, on real processes over loopback.
func TestRaftFigures(t *testing.T) {
	if !*raftFigures {
		t.Skip("asked for by -raft-figures")
	}
	nodes := []*process{startNode(t, t.TempDir(), "--raft-bootstrap-expect=3", "--node-name=n0", "--log-level=warn")}
	for i := 1; i < 3; i++ {
		nodes = append(nodes, startNode(t, t.TempDir(), "--raft-bootstrap-expect=3", fmt.Sprint("--node-name=n", i),
			"--log-level=warn", "--gossip-seed="+nodes[0].addr.Gossip))
	}
	waitForGroup(t, 3, 0, nodes...)
	t.Logf("metadata writes, 64 clients: %.0f/s at the leader", metadataWrites(t, nodes[leaderOf(t, nodes)]))
	t.Logf("metadata writes, 64 clients: %.0f/s at another voter", metadataWrites(t, nodes[(leaderOf(t, nodes)+1)%3]))
	for how, end := range map[string]func(*process){"kill -9": (*process).kill, "SIGTERM": func(p *process) { go p.stop() }} {
		var took []time.Duration
		for round := range 9 {
			took = append(took, firstWrite(t, nodes, how, round, end))
		}
		slices.Sort(took)
		t.Logf("first write after %s of the leader: median %v, worst %v", how, took[len(took)/2], took[len(took)-1])
	}
}

func metadataWrites(t *testing.T, p *process) float64 {
	var n atomic.Int64
	var clients sync.WaitGroup
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	begin := time.Now()
	for c := range 64 {
		clients.Go(func() {
			for i := 0; time.Since(begin) < 4*time.Second; i++ {
				resp, err := client.Post(p.lookupd(fmt.Sprintf("/topic/create?topic=w%d.%d.%d", os.Getpid(), c, i)), "", nil)
				if err != nil || resp.StatusCode != http.StatusOK {
					t.Errorf("create: %v %v", resp, err)
					return
				}
				_ = resp.Body.Close()
				n.Add(1)
			}
		})
	}
	clients.Wait()
	return float64(n.Load()) / time.Since(begin).Seconds()
}

// firstWrite ends the leader, returns how long the next write at another node took, and starts the node again.
func firstWrite(t *testing.T, nodes []*process, how string, round int, end func(*process)) time.Duration {
	i := leaderOf(t, nodes)
	other := nodes[(i+1)%3]
	end(nodes[i])
	begin := time.Now()
	for n := 0; ; n++ {
		status, _ := ask(http.MethodPost, other.lookupd(fmt.Sprintf("/topic/create?topic=f.%d.%d.%d", len(how), round, n)), nil)
		if status == http.StatusOK {
			break
		}
	}
	took := time.Since(begin)
	nodes[i].await()
	nodes[i].start("--gossip-seed=" + other.addr.Gossip) // at new addresses
	waitForNodes(t, 3, nodes...)
	waitForGroup(t, 3, 0, nodes...)
	return took
}
