package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"
)

// Real processes on a real network that breaks. Rules in the hub lose packets as a network does: in silence.
func TestOnANetworkThatBreaks(t *testing.T) {
	const hosts = 4
	if !inHub(t, hosts) {
		return
	}
	const topic = "orders"
	var nodes []*process
	for i := 1; i <= hosts; i++ {
		nodes = append(nodes, startHost(t, i))
	}
	waitForNodes(t, hosts, nodes...)
	for _, n := range nodes {
		post(t, n.nsqd("/pub?topic="+topic), "x")
	}
	sees := func(by []*process, want []*process) bool {
		return !slices.ContainsFunc(by, func(n *process) bool { return !n.names(topic, want...) })
	}
	allSee := func(by []*process, want ...*process) time.Duration {
		t.Helper()
		return waitFor(t, fmt.Sprintf("%d producers at %d nodes", len(want), len(by)), func() bool { return sees(by, want) })
	}
	allSee(nodes, nodes...)

	t.Run("one direction between two hosts is lost", func(t *testing.T) {
		mend := cut(t, 1, 2)
		defer mend()
		during(t, 6*time.Second, "all there", func() bool { return sees(nodes, nodes) })
		post(t, nodes[0].nsqd("/pub?topic=oneway1"), "x")
		post(t, nodes[1].nsqd("/pub?topic=oneway2"), "x")
		took := waitFor(t, "news by way of the others", func() bool {
			return nodes[1].names("oneway1", nodes[0]) && nodes[0].names("oneway2", nodes[1])
		})
		t.Logf("news take %v around the cut", took)
	})

	t.Run("a partition in halves", func(t *testing.T) {
		left, right := nodes[:2], nodes[2:]
		mend := split(t, []int{1, 2}, []int{3, 4})
		took := allSee(left, left...) + allSee(right, right...)
		t.Logf("the halves have dropped each other after %v", took)
		if took > 10*time.Second {
			t.Error("that is too long")
		}
		post(t, left[0].nsqd("/pub?topic=left"), "x")
		post(t, right[0].nsqd("/pub?topic=right"), "x")
		post(t, right[1].lookupd("/topic/create?topic=wanted"), "")
		time.Sleep(3 * time.Second)
		mend()
		took = allSee(nodes, nodes...) + waitFor(t, "the topics of the other half", func() bool {
			return !slices.ContainsFunc(nodes, func(n *process) bool {
				return !n.names("left", left[0]) || !n.names("right", right[0]) || !slices.Contains(n.topics(), "wanted")
			})
		})
		t.Logf("equal %v after the heal", took)
		if took > 5*time.Second {
			t.Error("that is too long")
		}
	})

	t.Run("one host is cut off", func(t *testing.T) {
		lost, rest := nodes[3], nodes[:3]
		mend := split(t, []int{4}, []int{1, 2, 3})
		t.Logf("dropped after %v", allSee(rest, rest...))
		waitFor(t, "isolation", lost.isolated)
		allSee(nodes[3:], nodes...)
		during(t, 3*time.Second, "all known to the one that is cut off", func() bool { return sees(nodes[3:], nodes) })
		mend()
		t.Logf("back %v after the heal", allSee(nodes, nodes...))
		waitFor(t, "the end of isolation", func() bool { return !lost.isolated() })
	})

	t.Run("a bad network", func(t *testing.T) {
		mend := worsen(t, hosts, "loss", "5%", "delay", "5ms", "5ms")
		defer mend()
		for i := range 200 {
			post(t, nodes[i%hosts].nsqd(fmt.Sprintf("/pub?topic=lossy%d", i)), "x")
			if i%10 == 0 && !sees(nodes, nodes) {
				t.Error("somebody is missing for a moment")
			}
		}
		took := waitFor(t, "all topics everywhere", func() bool {
			return !slices.ContainsFunc(nodes, func(n *process) bool { return len(n.topics()) != len(nodes[0].topics()) || len(n.topics()) < 200 })
		})
		t.Logf("all topics are everywhere %v after the last one", took)
	})
}

// topics are all that a node knows of.
func (p *process) topics() []string {
	p.t.Helper()
	var answer struct{ Topics []string }
	if err := json.Unmarshal([]byte(get(p.t, p.lookupd("/topics"))), &answer); err != nil {
		p.t.Error(err)
	}
	return answer.Topics
}
