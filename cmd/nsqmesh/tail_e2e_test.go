package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nsqmesh/nsqmesh/cmd/cli"
)

func TestTail(t *testing.T) {
	nodes := startMesh(t, 2)
	t.Run("waits for a topic, then prints what comes on any node", func(t *testing.T) {
		p := startTool(t, nodes[0], "tail", "news", "--consumer-opt=lookupd_poll_interval,50ms", "--consumer-opt=lookupd_poll_jitter,0")
		waitFor(t, "a word about it", func() bool { return strings.Contains(p.err.String(), "no node has the topic news yet") })
		for _, n := range nodes {
			post(t, n.nsqd("/pub?topic=news"), "of "+n.addr.TCP)
		}
		waitFor(t, "two lines", func() bool { return strings.Count(p.out.String(), "\n") == 2 })
		if got := p.out.lines(); !slices.Contains(got, "of "+nodes[0].addr.TCP) || !slices.Contains(got, "of "+nodes[1].addr.TCP) {
			t.Errorf("printed %q", got)
		}
		p.interrupt()
		waitFor(t, "its channel to go", func() bool {
			return len(nodes[0].topic("news").Channels) == 0 && len(nodes[1].topic("news").Channels) == 0
		})
	})
	t.Run("takes no more than it is asked for", func(t *testing.T) {
		post(t, nodes[0].nsqd("/topic/create?topic=ten"), "")
		post(t, nodes[0].nsqd("/channel/create?topic=ten&channel=c"), "")
		post(t, nodes[0].nsqd("/mpub?topic=ten"), "0\n1\n2\n3\n4\n5\n6\n7\n8\n9")
		status, out, errOut := useTool(t, nodes[1], "", "tail", "--channel=c", "-n", "3", "--print-topic", "ten")
		if status != cli.ExitOK || out != "ten | 0\nten | 1\nten | 2\n" {
			t.Errorf("ended with %d, printed %q; %s", status, out, errOut)
		}
		waitFor(t, "the rest to be there for others", func() bool {
			c := nodes[0].topic("ten").channel("c")
			return c.Depth == 7 && c.InFlight == 0 && c.Deferred == 0
		})
	})
	t.Run("JSON keeps every byte", func(t *testing.T) {
		for _, body := range []string{"text ü \"", "\xff\x00"} {
			post(t, nodes[0].nsqd("/pub?topic=bytes"), body)
		}
		begin := time.Now().Add(-time.Minute)
		status, out, errOut := useTool(t, nodes[1], "", "tail", "-n", "2", "--output=json", "--nsqd-tcp-address="+nodes[0].addr.TCP, "bytes")
		if status != cli.ExitOK {
			t.Fatalf("ended with %d: %s", status, errOut)
		}
		for i, line := range strings.Split(strings.TrimSuffix(out, "\n"), "\n") {
			var m struct {
				Topic, ID, Node string
				Timestamp       time.Time
				Attempts        int
				Body            *string
				Base64          []byte `json:"body_base64"`
			}
			if err := json.Unmarshal([]byte(line), &m); err != nil {
				t.Fatal(err)
			}
			if m.Topic != "bytes" || len(m.ID) != 16 || m.Attempts != 1 || m.Node != nodes[0].addr.TCP || m.Timestamp.Before(begin) {
				t.Errorf("%+v", m)
			}
			if i == 0 && (m.Body == nil || *m.Body != "text ü \"" || m.Base64 != nil) || i == 1 && (m.Body != nil || string(m.Base64) != "\xff\x00") {
				t.Errorf("%s", line)
			}
		}
	})
	t.Run("goes on when the node that it was told of dies", func(t *testing.T) {
		post(t, nodes[1].nsqd("/topic/create?topic=lives"), "")
		p := startTool(t, nodes[0], "tail", "lives", "--consumer-opt=lookupd_poll_interval,50ms", "--consumer-opt=lookupd_poll_jitter,0")
		waitFor(t, "the consumer", func() bool { return len(nodes[1].topic("lives").Channels) == 1 })
		nodes[0].kill()
		fresh := startNode(t, t.TempDir(), "--gossip-seed="+nodes[1].addr.Gossip)
		waitForNodes(t, 2, fresh, nodes[1])
		post(t, fresh.nsqd("/pub?topic=lives"), "still here")
		waitFor(t, "a message of a node that came later", func() bool { return p.out.String() == "still here\n" })
		p.interrupt()
	})
}
