package main

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/nsqio/go-nsq"
)

// A topic that is deleted through any node is gone on every node, and a node that was away does not bring it back.
func TestADeletedTopicStaysDeleted(t *testing.T) {
	const topic = "orders"
	nodes := startMesh(t, 3)
	for _, n := range nodes {
		post(t, n.nsqd("/topic/create?topic="+topic), "")
		post(t, n.nsqd("/channel/create?topic="+topic+"&channel=billing"), "")
		post(t, n.nsqd("/pub?topic="+topic), "old")
	}
	for _, n := range nodes {
		waitFor(t, "all producers", func() bool { return n.names(topic, nodes...) })
	}
	away := nodes[1]
	away.stop()
	post(t, nodes[2].lookupd("/topic/delete?topic="+topic), "")
	gone := func(nodes ...*process) {
		t.Helper()
		for _, n := range nodes {
			waitFor(t, "the topic's end", func() bool { return n.topic(topic).Name == "" && !n.knows(topic) })
		}
	}
	gone(nodes[0], nodes[2])

	away.start()
	waitForNodes(t, 3, nodes...)
	gone(nodes...)
	// What the node says from now on comes behind all that it said when it came back.
	post(t, away.nsqd("/pub?topic=later"), "x")
	for _, n := range nodes {
		waitFor(t, "what the node says", func() bool { return n.names("later", away) })
		if n.knows(topic) || n.topic(topic).Name != "" {
			t.Error("the node that was away brings the topic back")
		}
	}

	post(t, away.nsqd("/pub?topic="+topic), "new")
	for _, n := range nodes {
		waitFor(t, "the new topic", func() bool { return n.names(topic, away) })
	}
	got := make(chan string, 10)
	c := newConsumer(t, topic, "billing", 10, func(m *nsq.Message) error {
		got <- string(m.Body)
		return nil
	})
	if err := c.ConnectToNSQLookupd(nodes[0].lookupd("")); err != nil {
		t.Fatal(err)
	}
	if body := receive(t, got); body != "new" {
		t.Errorf("a consumer of the new topic gets %q", body)
	}
}

// knows tells whether the lookup side has heard of a topic.
func (p *process) knows(topic string) bool {
	var all struct{ Topics []string }
	if err := json.Unmarshal([]byte(get(p.t, p.lookupd("/topics"))), &all); err != nil {
		p.t.Error(err)
	}
	return slices.Contains(all.Topics, topic)
}
