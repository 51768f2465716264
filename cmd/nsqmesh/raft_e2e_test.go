package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nsqmesh/nsqmesh/httpapi"
)

// raft is what a node tells of the authority.
func (p *process) raft() (st httpapi.RaftStatus) {
	_, answer := ask(http.MethodGet, p.lookupd("/raft"), nil)
	_ = json.Unmarshal([]byte(answer), &st)
	return st
}

// startCandidates starts nodes, of which n are candidates for a group of three and the others none.
func startCandidates(t *testing.T, n, others int, flags ...string) []*process {
	t.Helper()
	flags = append([]string{"--gossip-profile=local", "--raft-timeout=500ms"}, flags...)
	nodes := []*process{startNode(t, t.TempDir(), append(flags, "--raft-bootstrap-expect=3", "--node-name=n0")...)}
	for i := 1; i < n+others; i++ {
		own := append(slices.Clone(flags), "--gossip-seed="+nodes[0].addr.Gossip, fmt.Sprintf("--node-name=n%d", i))
		if i < n {
			own = append(own, "--raft-bootstrap-expect=3")
		}
		nodes = append(nodes, startNode(t, t.TempDir(), own...))
	}
	waitForNodes(t, n+others, nodes...)
	waitForGroup(t, 3, n-3, nodes...)
	return nodes
}

// waitForGroup waits until all nodes know a leader, and it so many voters and spares that live.
func waitForGroup(t *testing.T, voters, spares int, nodes ...*process) {
	t.Helper()
	waitFor(t, fmt.Sprintf("%d voters and %d spares", voters, spares), func() bool {
		for _, p := range nodes {
			st := p.raft()
			v, s := 0, 0
			for _, one := range st.Servers {
				switch {
				case !one.Alive:
				case one.Voter:
					v++
				default:
					s++
				}
			}
			if !st.Authority || st.Leader == "" || st.LeaderlessMs > 0 || v != voters || s != spares {
				return false
			}
		}
		return true
	})
}

func leaderOf(t *testing.T, nodes []*process) int {
	t.Helper()
	i := -1
	waitFor(t, "a leader", func() bool {
		i = slices.IndexFunc(nodes, func(p *process) bool { return p.running() && p.raft().Role == "leader" })
		return i >= 0
	})
	return i
}

func TestDeletesAndPausesGoThroughRaft(t *testing.T) {
	t.Parallel()
	nodes := startCandidates(t, 3, 1)
	for i, p := range nodes {
		topic := fmt.Sprintf("t%d", i)
		post(t, p.lookupd("/topic/create?topic="+topic), "")
		if !strings.Contains(get(t, p.lookupd("/topics")), topic) {
			t.Errorf("node %d does not know the topic that it was asked to create", i)
		}
		for _, other := range nodes {
			post(t, other.nsqd("/pub?topic="+topic), "x")
			post(t, other.nsqd("/channel/create?topic="+topic+"&channel=c"), "")
		}
		post(t, p.nsqd("/channel/pause?topic="+topic+"&channel=c"), "")
		for _, other := range nodes {
			waitFor(t, "the channel is paused everywhere", func() bool { return other.topic(topic).channel("c").Paused })
		}
		post(t, p.nsqd("/topic/delete?topic="+topic), "")
		if p.topic(topic).Name != "" {
			t.Errorf("node %d has the topic that it was asked to delete", i)
		}
		for _, other := range nodes {
			waitFor(t, "the topic is gone everywhere", func() bool { return other.topic(topic).Name == "" })
		}
	}
	want := nodes[0].raft().CommitIndex
	waitFor(t, "all have applied the same", func() bool {
		return !slices.ContainsFunc(nodes, func(p *process) bool { return p.raft().AppliedIndex < want })
	})
	var mesh struct{ Raft *httpapi.RaftStatus }
	if err := json.Unmarshal([]byte(get(t, nodes[3].lookupd("/mesh"))), &mesh); err != nil || mesh.Raft == nil || mesh.Raft.Role != "follower" {
		t.Errorf("/mesh of a node that is no candidate: %+v, %v", mesh.Raft, err)
	}
}

func TestSleeperDropsWhatWasDeletedMeanwhile(t *testing.T) {
	t.Parallel()
	nodes := startCandidates(t, 3, 1)
	sleeper := nodes[3]
	post(t, sleeper.nsqd("/pub?topic=t"), "old")
	waitFor(t, "others know the topic", func() bool { return nodes[0].names("t", sleeper) })
	sleeper.stop()
	waitFor(t, "the topic is known without its producer", func() bool { return strings.Contains(get(t, nodes[0].lookupd("/topics")), `"t"`) })
	post(t, nodes[0].lookupd("/topic/delete?topic=t"), "")
	// A publish where the delete is not known yet would be covered by it.
	waitFor(t, "the delete is known", func() bool { return !strings.Contains(get(t, nodes[1].lookupd("/topics")), `"t"`) })
	post(t, nodes[1].nsqd("/pub?topic=t"), "new")
	sleeper.start("--gossip-seed=" + nodes[1].addr.Gossip)
	waitFor(t, "the old topic is dropped", func() bool { return sleeper.topic("t").Name == "" })
	waitFor(t, "that is said", func() bool { return strings.Contains(sleeper.log.String(), "deleted as the mesh intends") })
	if got := nodes[1].topic("t"); got.Depth != 1 {
		t.Errorf("the new topic: %+v", got)
	}
}

func TestNoQuorumRefusesOnlyWhatIsForAll(t *testing.T) {
	t.Parallel()
	nodes := startCandidates(t, 3, 1)
	post(t, nodes[3].nsqd("/pub?topic=t"), "x")
	post(t, nodes[3].nsqd("/channel/create?topic=t&channel=c"), "")
	waitFor(t, "the topic is known", func() bool { return nodes[0].names("t", nodes[3]) })
	nodes[1].kill()
	nodes[2].kill()
	for _, p := range []*process{nodes[0], nodes[3]} {
		begin := time.Now()
		status, answer := ask(http.MethodPost, p.lookupd("/topic/delete?topic=t"), nil)
		if status != http.StatusServiceUnavailable || !strings.Contains(answer, "NO_QUORUM") || !strings.Contains(answer, "not seen: n1 n2") && !strings.Contains(answer, "not seen: n2 n1") {
			t.Errorf("delete without a quorum: %d %s", status, answer)
		}
		if d := time.Since(begin); d > 5*time.Second {
			t.Errorf("it took %v to say so", d)
		}
		post(t, p.nsqd("/pub?topic=t"), "y")
		post(t, p.nsqd("/pub?topic=fresh"), "y")
		if !p.names("t", nodes[0], nodes[3]) && !p.names("t", nodes[3]) {
			t.Errorf("lookups without a quorum: %v", p.producers(lookupPath("t")))
		}
		get(t, p.lookupd("/mesh"))
	}
	post(t, nodes[3].nsqd("/channel/pause?topic=t&channel=c&scope=local"), "")
	if !nodes[3].topic("t").channel("c").Paused {
		t.Error("scope=local does not pause on this node")
	}
	nodes[1].start("--gossip-seed=" + nodes[0].addr.Gossip)
	waitFor(t, "deletes go on with a quorum", func() bool {
		status, _ := ask(http.MethodPost, nodes[3].lookupd("/topic/delete?topic=t"), nil)
		return status == http.StatusOK
	})
}

func TestLostMajorityIsRecovered(t *testing.T) {
	t.Parallel()
	nodes := startCandidates(t, 3, 1)
	post(t, nodes[3].lookupd("/topic/create?topic=kept"), "")
	waitFor(t, "all voters have it", func() bool { return strings.Contains(get(t, nodes[0].lookupd("/topics")), "kept") })
	for _, p := range nodes[:3] {
		p.kill()
	}
	for _, p := range nodes[1:3] {
		if err := os.RemoveAll(filepath.Join(p.dir, raftFolder)); err != nil {
			t.Fatal(err)
		}
	}
	status, out, errOut := useTool(t, nodes[3], "", "raft", "recover", "--data-path="+nodes[0].dir)
	if status != 0 || !strings.Contains(out, "only voter") {
		t.Fatalf("recover: %d\n%s%s", status, out, errOut)
	}
	nodes[0].start("--gossip-seed=" + nodes[3].addr.Gossip)
	waitFor(t, "one voter decides", func() bool {
		status, _ := ask(http.MethodPost, nodes[3].lookupd("/topic/create?topic=new"), nil)
		return status == http.StatusOK
	})
	for _, p := range nodes[1:3] {
		p.start("--gossip-seed=" + nodes[0].addr.Gossip)
	}
	waitForGroup(t, 3, 0, nodes...)
	for i, p := range nodes {
		waitFor(t, fmt.Sprintf("node %d has all", i), func() bool {
			topics := get(t, p.lookupd("/topics"))
			return strings.Contains(topics, "kept") && strings.Contains(topics, "new")
		})
	}
}
