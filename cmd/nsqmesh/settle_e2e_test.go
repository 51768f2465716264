package main

import (
	"os"
	"testing"
)

// A node that begins with an empty folder must not make a topic before it has heard which channels there are.
func TestTheFirstMessageOnANodeWithAnEmptyFolderReachesAllChannels(t *testing.T) {
	first := startNode(t, t.TempDir(), fixedPorts(t)...)
	seed := "--gossip-seed=" + first.addr.Gossip
	second := startNode(t, t.TempDir(), append(fixedPorts(t), seed)...)
	waitForNodes(t, 2, first, second)
	for _, n := range []*process{first, second} {
		post(t, n.nsqd("/topic/create?topic=orders"), "")
		post(t, n.nsqd("/channel/create?topic=orders&channel=billing"), "")
	}
	for range 5 {
		second.kill()
		if err := os.RemoveAll(second.dir); err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir(second.dir, 0o700); err != nil {
			t.Fatal(err)
		}
		second.launch(nil)
		waitFor(t, "the node to take a message", func() bool {
			status, _ := ask("POST", second.nsqd("/pub?topic=orders"), nil)
			if status == 400 { // it serves; an empty message is none
				post(t, second.nsqd("/pub?topic=orders"), "x")
			}
			return status == 400
		})
		c := second.topic("orders").channel("billing")
		if c.Depth != 1 {
			t.Errorf("the channel has %d messages", c.Depth)
		}
	}
}
