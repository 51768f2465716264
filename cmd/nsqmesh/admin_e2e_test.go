package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nsqio/go-nsq"

	"github.com/nsqmesh/nsqmesh/admin"
)

// adminAPI asks the admin of a node.
func adminAPI[T any](t *testing.T, p *process, path string) (answer T) {
	t.Helper()
	if err := json.Unmarshal([]byte(get(t, "http://"+p.addr.AdminHTTP+"/api/v1"+path)), &answer); err != nil {
		t.Fatal(err)
	}
	return answer
}

func do(t *testing.T, p *process, act admin.Action) (r admin.Result) {
	t.Helper()
	body, err := json.Marshal(act)
	if err != nil {
		t.Fatal(err)
	}
	status, answer := ask("POST", "http://"+p.addr.AdminHTTP+"/api/v1/actions", strings.NewReader(string(body)))
	if err := json.Unmarshal([]byte(answer), &r); status != 200 || err != nil {
		t.Fatalf("%s: %d %s", act.Kind, status, answer)
	}
	return r
}

// done is do where every node must have done it.
func done(t *testing.T, p *process, act admin.Action) {
	t.Helper()
	if r := do(t, p, act); !r.OK {
		t.Fatalf("%s: %+v", act.Kind, r)
	}
}

// TestAdminActs does everything that can be done through the third node, and looks at the other two for what it did.
func TestAdminActs(t *testing.T) {
	nodes := startMesh(t, 3)
	one, two, three := nodes[0], nodes[1], nodes[2]
	at := one.addr.HTTP
	done(t, three, admin.Action{Kind: admin.CreateTopic, Topic: "t", Nodes: []string{at, two.addr.HTTP}})
	done(t, three, admin.Action{Kind: admin.CreateChannel, Topic: "t", Channel: "c"})
	for _, p := range []*process{one, two} {
		if p.topic("t").channel("c").Name != "c" {
			t.Fatalf("%s has no channel", p.addr.HTTP)
		}
	}
	done(t, three, admin.Action{Kind: admin.PauseChannel, Topic: "t", Channel: "c"})
	if !one.topic("t").channel("c").Paused || !two.topic("t").channel("c").Paused {
		t.Error("the channel is not paused everywhere")
	}
	done(t, three, admin.Action{Kind: admin.UnpauseChannel, Topic: "t", Channel: "c"})
	for range 3 {
		done(t, three, admin.Action{Kind: admin.Publish, Topic: "t", Body: "hello", Nodes: []string{at}})
	}
	seen := adminAPI[admin.Peek](t, three, "/topics/t/channels/c/messages")
	if seen.Total != 3 || len(seen.Messages) != 3 || string(seen.Messages[0].Body) != "hello" {
		t.Errorf("waiting are %+v", seen)
	}
	if d := adminAPI[admin.TopicDetail](t, two, "/topics/t"); d.Depth != 3 || len(d.OnNodes) != 2 {
		t.Errorf("the topic is %+v", d)
	}
	checkInFlight(t, three, one)

	done(t, three, admin.Action{Kind: admin.Tombstone, Topic: "t", Nodes: []string{at}})
	if !three.names("t", two) {
		t.Error("a tombstoned node is found")
	}
	done(t, two, admin.Action{Kind: admin.Untombstone, Topic: "t", Nodes: []string{at}})
	waitFor(t, "the node to be found again", func() bool { return three.names("t", one, two) })
	done(t, three, admin.Action{Kind: admin.EmptyChannel, Topic: "t", Channel: "c"})
	if d := one.topic("t").channel("c").Depth; d != 0 {
		t.Errorf("%d messages are left", d)
	}
	done(t, three, admin.Action{Kind: admin.DeleteTopic, Topic: "t"})
	if one.topic("t").Name != "" || two.topic("t").Name != "" {
		t.Error("the topic is still there")
	}
	if log := adminAPI[admin.Audit](t, one, "/audit"); len(log.Entries) < 10 || log.Entries[0].Action.Kind != admin.Untombstone && log.Entries[0].Action.Kind != admin.DeleteTopic {
		t.Errorf("the log of actions has %d entries", len(log.Entries))
	}
}

// checkInFlight takes messages away from a consumer that keeps them, and then cuts its connection.
func checkInFlight(t *testing.T, through, at *process) {
	t.Helper()
	kept := make(chan struct{}, 10)
	c := newConsumer(t, "t", "c", 3, func(m *nsq.Message) error {
		m.DisableAutoResponse()
		kept <- struct{}{}
		return nil
	})
	if err := c.ConnectToNSQD(at.addr.TCP); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		receive(t, kept)
	}
	waitFor(t, "the consumer in the list", func() bool {
		return len(adminAPI[admin.ChannelDetail](t, through, "/topics/t/channels/c").ClientRows) == 1
	})
	client := adminAPI[admin.ChannelDetail](t, through, "/topics/t/channels/c").ClientRows[0]
	inFlight := adminAPI[admin.Peek](t, through, "/topics/t/channels/c/messages?state=in_flight")
	if len(inFlight.Messages) != 3 || inFlight.Messages[0].Client != client.RemoteAddress {
		t.Fatalf("in flight are %+v", inFlight)
	}
	done(t, through, admin.Action{Kind: admin.Move, Topic: "t", Channel: "c", To: "aside", IDs: []string{inFlight.Messages[0].ID}, Nodes: []string{at.addr.HTTP}})
	if n := at.topic("aside").Depth; n != 1 {
		t.Errorf("aside has %d messages", n)
	}
	done(t, through, admin.Action{Kind: admin.Requeue, Topic: "t", Channel: "c"})
	for range 2 {
		receive(t, kept) // the same consumer has room again
	}
	done(t, through, admin.Action{Kind: admin.Disconnect, Nodes: []string{at.addr.HTTP}, Client: client.RemoteAddress})
	c.Stop()
}

// TestAdminWithoutANode has one node that hangs and then is dead: it is missed, and holds nobody up for long.
func TestAdminWithoutANode(t *testing.T) {
	nodes := startMesh(t, 3)
	one, three := nodes[0], nodes[2]
	done(t, one, admin.Action{Kind: admin.CreateTopic, Topic: "t", Nodes: []string{one.addr.HTTP, three.addr.HTTP}})
	three.signal(syscall.SIGSTOP)
	t.Cleanup(func() { three.signal(syscall.SIGCONT) })
	waitFor(t, "the node to be missed", func() bool {
		v := adminAPI[admin.Overview](t, one, "/overview")
		return len(v.Missing) == 1 && v.Missing[0].Address == three.addr.HTTP && v.Answering == 2
	})
	waitFor(t, "the node to be dead", func() bool {
		v := adminAPI[admin.Overview](t, one, "/overview")
		return len(v.Missing) == 1 && strings.Contains(v.Missing[0].Reason, "is dead")
	})
	began := time.Now()
	adminAPI[admin.TopicDetail](t, one, "/topics/t")
	t.Logf("a page took %v with a dead node", time.Since(began))
	r := do(t, one, admin.Action{Kind: admin.PauseTopic, Topic: "t"})
	if r.OK || len(r.Nodes) != 2 {
		t.Errorf("pausing with a dead node: %+v", r)
	}
	three.signal(syscall.SIGCONT)
	waitFor(t, "the node to hear of it", func() bool { return three.topic("t").Paused })
	waitFor(t, "the node to be missed no more", func() bool {
		return len(adminAPI[admin.Overview](t, one, "/overview").Missing) == 0
	})
}

// TestStockAdminAsksAnyNode makes the calls of a stock nsqadmin, with what it would do after each.
func TestStockAdminAsksAnyNode(t *testing.T) {
	nodes := startMesh(t, 2)
	one, two := nodes[0], nodes[1]
	for _, call := range []struct{ method, address string }{
		{"POST", two.lookupd("/topic/create?topic=t%23ephemeral")},
		{"POST", two.lookupd("/topic/create?topic=t")},
		{"POST", two.lookupd("/channel/create?topic=t&channel=c")},
		{"GET", two.lookupd("/topics")},
		{"GET", two.lookupd("/lookup?topic=t")},
		{"GET", two.lookupd("/channels?topic=t")},
		{"POST", one.nsqd("/topic/create?topic=t")},
		{"POST", one.nsqd("/channel/create?topic=t&channel=c")},
		{"GET", two.lookupd("/nodes")},
		{"GET", one.nsqd("/info")},
		{"GET", one.nsqd("/stats?format=json&topic=t&include_clients=false")},
		{"GET", one.nsqd("/stats?format=json&topic=t&channel=c")},
		{"GET", one.nsqd("/stats?format=json&include_clients=false")},
		{"POST", one.nsqd("/channel/pause?topic=t&channel=c")},
		{"POST", one.nsqd("/channel/unpause?topic=t&channel=c")},
		{"POST", one.nsqd("/channel/empty?topic=t&channel=c")},
		{"POST", one.nsqd("/topic/pause?topic=t")},
		{"POST", one.nsqd("/topic/unpause?topic=t")},
		{"POST", one.nsqd("/topic/empty?topic=t")},
		{"POST", two.lookupd("/topic/tombstone?topic=t&node=" + strings.ReplaceAll(one.addr.HTTP, ":", "%3A"))},
		{"POST", one.nsqd("/topic/delete?topic=t")},
		{"POST", one.nsqd("/topic/create?topic=u")},
		{"POST", two.lookupd("/topic/delete?topic=u")},
		{"POST", one.nsqd("/topic/delete?topic=u")}, // after the mesh did it
	} {
		if status, answer := ask(call.method, call.address, nil); status != http.StatusOK {
			t.Errorf("%s %s: %d %s", call.method, call.address, status, answer)
		}
		if strings.Contains(call.address, "topic/create?topic=u") {
			waitFor(t, "the topic to be known", func() bool { return two.names("u", one) })
		}
	}
	var stats struct {
		Topics []struct {
			Latency  json.RawMessage `json:"e2e_processing_latency"`
			Channels []struct {
				Latency json.RawMessage `json:"e2e_processing_latency"`
			} `json:"channels"`
		} `json:"topics"`
	}
	post(t, one.nsqd("/topic/create?topic=w"), "")
	post(t, one.nsqd("/channel/create?topic=w&channel=c"), "")
	if err := json.Unmarshal([]byte(get(t, one.nsqd("/stats?format=json"))), &stats); err != nil {
		t.Fatal(err)
	}
	for _, topic := range stats.Topics { // a stock nsqadmin ends where one is missing
		for _, c := range topic.Channels {
			if !strings.HasPrefix(string(c.Latency), "{") || !strings.HasPrefix(string(topic.Latency), "{") {
				t.Errorf("latency is %s and %s", topic.Latency, c.Latency)
			}
		}
	}
}
