package main

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// Lines of docs/differences-from-nsqd.md that need a whole node, or several, to be seen.

func TestRequestsThatStockAnswersOddly(t *testing.T) {
	node := startNode(t, t.TempDir(), "--gossip-address=", "--max-body-size=1000", "--max-msg-size=900")
	post(t, node.nsqd("/topic/create?topic=orders"), "")
	large := binaryBatch([][]byte{make([]byte, 600), make([]byte, 600)})
	for name, c := range map[string]struct {
		method, address, body string
		status                int
		answer                string
	}{
		"the block rate":            {"PUT", node.nsqd("/debug/setblockrate?rate=0"), "", 200, ""},
		"memory to be freed":        {"POST", node.nsqd("/debug/freememory"), "", 200, ""},
		"a lookup of a star":        {"GET", node.lookupd("/lookup?topic=*"), "", 404, `{"message":"TOPIC_NOT_FOUND"}`},
		"the channels of a star":    {"GET", node.lookupd("/channels?topic=*"), "", 200, `{"channels":[]}`},
		"the delete of a star":      {"POST", node.lookupd("/topic/delete?topic=*"), "", 200, ""},
		"an endless batch":          {"POST", node.nsqd("/mpub?binary=true&topic=orders"), string(large), 413, `{"message":"BAD_MESSAGE"}`},
		"a list of no auth servers": {"GET", node.nsqd("/config/auth_http_addresses"), "", 200, "[]"},
	} {
		t.Run(name, func(t *testing.T) {
			lengthless := io.MultiReader(strings.NewReader(c.body))
			if status, answer := ask(c.method, c.address, lengthless); status != c.status || answer != c.answer {
				t.Errorf("got %d %s, want %d %s", status, answer, c.status, c.answer)
			}
		})
	}
	if !node.knows("orders") || node.topic("orders").Depth != 0 {
		t.Errorf("the topic is now %+v", node.topic("orders"))
	}
}

// A consumer does not bring back what was deleted a moment ago; a producer does.
func TestAConsumerThatComesBackAfterADelete(t *testing.T) {
	nodes := startMesh(t, 2)
	post(t, nodes[0].nsqd("/pub?topic=orders"), "x")
	waitFor(t, "the topic", func() bool { return nodes[1].names("orders", nodes[0]) })
	post(t, nodes[1].lookupd("/topic/delete?topic=orders"), "")
	waitFor(t, "its end", func() bool { return nodes[0].topic("orders").Name == "" && !nodes[0].knows("orders") })
	consumer := dialWire(t, nodes[0].addr.TCP)
	consumer.send("SUB orders c\n")
	if answer := consumer.answer(); answer != "E_SUB_FAILED SUB failed topic was deleted a moment ago" {
		t.Errorf("SUB: %s", answer)
	}
	post(t, nodes[0].nsqd("/pub?topic=orders"), "y")
	consumer = dialWire(t, nodes[0].addr.TCP)
	consumer.send("SUB orders c\nRDY 1\n")
	if m := consumer.message(); m.body != "y" {
		t.Errorf("got %+v", m)
	}
}

// What an nsqd is asked to delete or pause, all nodes delete or pause; a node that is tombstoned deletes its own alone.
func TestDeletesAndPausesOfOneNodeAreThoseOfAll(t *testing.T) {
	nodes := startMesh(t, 2)
	for _, n := range nodes {
		post(t, n.nsqd("/topic/create?topic=orders"), "")
		post(t, n.nsqd("/channel/create?topic=orders&channel=c"), "")
	}
	waitFor(t, "both producers", func() bool { return nodes[0].names("orders", nodes...) && nodes[1].names("orders", nodes...) })
	one, two := nodes[0], nodes[1]
	post(t, one.nsqd("/channel/pause?topic=orders&channel=c"), "")
	waitFor(t, "the pause", func() bool { return two.topic("orders").channel("c").Paused })
	post(t, two.nsqd("/channel/unpause?topic=orders&channel=c"), "")
	waitFor(t, "its end", func() bool { return !one.topic("orders").channel("c").Paused })

	tombstone := fmt.Sprintf("/topic/tombstone?topic=orders&node=%s", one.addr.HTTP)
	post(t, two.lookupd(tombstone), "")
	waitFor(t, "the tombstone", func() bool { return one.names("orders", two) })
	post(t, one.nsqd("/topic/delete?topic=orders"), "")
	if one.topic("orders").Name != "" {
		t.Error("the topic is still there")
	}
	post(t, two.nsqd("/pub?topic=later"), "x") // comes behind what would be told of the delete
	waitFor(t, "what is told", func() bool { return one.names("later", two) })
	if two.topic("orders").Name == "" {
		t.Error("a tombstoned node deletes the topic of the others")
	}
	post(t, one.nsqd("/topic/create?topic=orders"), "")
	waitFor(t, "the new topic", func() bool { return two.names("orders", nodes...) })
	post(t, two.nsqd("/topic/delete?topic=orders"), "")
	waitFor(t, "its end everywhere", func() bool { return one.topic("orders").Name == "" })
	if status, _ := ask(http.MethodPost, one.nsqd("/pub?topic=orders"), strings.NewReader("x")); status != http.StatusOK {
		t.Errorf("/pub after the delete: %d", status)
	}
}
