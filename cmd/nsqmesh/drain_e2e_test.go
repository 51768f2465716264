package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/nsqmesh/nsqmesh/cmd/cli"
)

// Nodes that go, by real processes: every message that was acknowledged is delivered at least once.

// drainAnswer is what /drain and nsqmesh drain tell.
type drainAnswer struct {
	State                      string
	Waiting, Deferred, Dropped int
	Moved                      int
	To                         map[string]int `json:"moved_to"`
	Error                      string
}

func (p *process) draining() (a drainAnswer) {
	if status, answer := ask(http.MethodGet, p.nsqd("/drain"), nil); status == http.StatusOK {
		if err := json.Unmarshal([]byte(answer), &a); err != nil {
			p.t.Errorf("GET /drain: %v in %s", err, answer)
		}
	}
	return a
}

func TestADrainedNodeLeavesNothingBehind(t *testing.T) {
	nodes := startMesh(t, 3, "--mem-queue-size=500")
	source := nodes[2]
	for _, names := range []string{"topic=orders&channel=c", "topic=orders&channel=paused"} {
		post(t, source.nsqd("/topic/create?topic=orders"), "")
		post(t, source.nsqd("/channel/create?"+names), "")
	}
	post(t, source.nsqd("/channel/pause?topic=orders&channel=paused"), "")
	p := newProducer(t, source.addr.TCP)
	for topic, n := range map[string]int{"orders": 2000, "alone": 30, "short#ephemeral": 5} {
		if err := publishBatches(p, topic, span{0, n}); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.DeferredPublish("orders", time.Hour, []byte("2000")); err != nil {
		t.Fatal(err)
	}

	status, out, errOut := useTool(t, nodes[0], "", "drain", "--wait=0", "--output=json", source.addr.TCP)
	var told drainAnswer
	if err := json.Unmarshal([]byte(out), &told); err != nil || status != cli.ExitOK {
		t.Fatalf("drain ended with %d: %s %s", status, out, errOut)
	}
	if told.State != "left" || told.Moved != 2*2001+30 || told.Dropped != 5 {
		t.Errorf("it tells of %+v", told)
	}
	source.await()
	if !source.cmd.ProcessState.Success() {
		t.Errorf("the drained node ended with %v", source.cmd.ProcessState)
	}
	sum := map[string]int{}
	for _, n := range nodes[:2] {
		sum["alone"] += n.topic("alone").Depth
		for _, c := range n.topic("orders").Channels {
			sum[c.Name] += c.Depth
			sum["deferred"] += c.Deferred
			if c.Name == "paused" && !c.Paused {
				t.Errorf("channel %s is not paused on %s", c.Name, n.addr.TCP)
			}
		}
	}
	if got, want := fmt.Sprint(sum), "map[alone:30 c:2000 deferred:2 paused:2000]"; got != want {
		t.Errorf("the others have %s, want %s", got, want)
	}
	waitFor(t, "a mesh that knows it left", func() bool { return len(nodes[0].producers("/nodes")) == 2 })
	source.start()
	if s := source.stats(); len(s) > 0 && (source.topic("orders").channel("c").Depth > 0 || source.topic("alone").Depth > 0) {
		t.Errorf("it came back with %+v", s)
	}
}

func TestDrainingIsMarkedRefusesPublishesAndCanBeUndone(t *testing.T) {
	nodes := startMesh(t, 2)
	source := nodes[1]
	post(t, source.nsqd("/pub?topic=orders"), "x")
	forPublish := lookupPath("orders") + "&for=publish"
	waitFor(t, "both as publishers", func() bool { return len(nodes[0].producers(forPublish)) == 2 })
	source.signal(syscall.SIGUSR1)
	waitFor(t, "no more than one to publish to", func() bool { return len(nodes[0].producers(forPublish)) == 1 })
	if status, out, errOut := useTool(t, nodes[0], "", "drain", "--stay", "--wait=1h", "--detach", source.addr.HTTP); status != cli.ExitOK {
		t.Fatal(out, errOut) // it changes its mind about leaving
	}
	waitFor(t, "a drained node", func() bool { return source.draining().State == "drained" })
	if status, answer := ask(http.MethodPost, source.nsqd("/pub?topic=orders"), strings.NewReader("x")); status != http.StatusServiceUnavailable || !strings.Contains(answer, "DRAINING") {
		t.Errorf("/pub: %d %s", status, answer)
	}
	if err := newProducer(t, source.addr.TCP).Publish("orders", []byte("x")); err == nil || !strings.Contains(err.Error(), "E_PUB_FAILED PUB failed draining") {
		t.Errorf("PUB: %v", err)
	}
	if info := get(t, source.nsqd("/info")); !strings.Contains(info, `"draining":true`) {
		t.Errorf("/info: %s", info)
	}
	if status, out, errOut := useTool(t, nodes[0], "", "drain", "--undo", source.addr.HTTP); status != cli.ExitOK {
		t.Fatal(out, errOut)
	}
	waitFor(t, "both as publishers again", func() bool { return len(nodes[0].producers(forPublish)) == 2 })
	post(t, source.nsqd("/pub?topic=orders"), "x")
}

func TestAKillWhileMessagesMoveLosesNone(t *testing.T) {
	const n = 20000
	for _, victim := range []string{"source", "target"} {
		t.Run(victim, func(t *testing.T) {
			nodes := []*process{startNode(t, t.TempDir(), append(fixedPorts(t), "--mem-queue-size=0")...)}
			for range 2 {
				nodes = append(nodes, startNode(t, t.TempDir(),
					append(fixedPorts(t), "--mem-queue-size=0", "--gossip-seed="+nodes[0].addr.Gossip)...))
			}
			waitForNodes(t, 3, nodes...)
			source := nodes[1]
			post(t, source.nsqd("/topic/create?topic=orders"), "")
			post(t, source.nsqd("/channel/create?topic=orders&channel=c"), "")
			if err := publishBatches(newProducer(t, source.addr.TCP), "orders", span{0, n}); err != nil {
				t.Fatal(err)
			}
			post(t, source.nsqd("/drain?wait=0s&stay=true"), "")
			waitFor(t, "some that moved", func() bool { return source.draining().Moved > 0 })
			killed := source
			if victim == "target" {
				for _, other := range []*process{nodes[0], nodes[2]} {
					if other.topic("orders").channel("c").Depth > 0 {
						killed = other
					}
				}
			}
			before := source.draining()
			killed.kill()
			killed.start()
			if killed == source {
				post(t, source.nsqd("/drain?wait=0s&stay=true"), "")
			}
			waitFor(t, "a drained node", func() bool { return source.draining().State == "drained" })

			all := newTally(n)
			c := newConsumer(t, "orders", "c", 1000, all.handle)
			for _, p := range nodes {
				if err := c.ConnectToNSQD(p.addr.TCP); err != nil {
					t.Fatal(err)
				}
			}
			waitFor(t, "every message", func() bool { return all.first.Load() == n })
			t.Logf("killed when %d of %d had moved; %d came twice", before.Moved, n, all.again.Load())
			if all.again.Load() > 3000 {
				t.Errorf("%d came twice, which are more than were on their way", all.again.Load())
			}
		})
	}
}

// Each of three nodes is taken down and started again while producers, which try another node when one refuses, and
// consumers go on.
func TestARollingRestartLosesNothing(t *testing.T) {
	for name, takeDown := range map[string]func(t *testing.T, p, other *process){
		"drained": func(t *testing.T, p, other *process) {
			if status, out, errOut := useTool(t, other, "", "drain", "--wait=2s", p.addr.TCP); status != cli.ExitOK {
				t.Fatalf("drain: %s %s", out, errOut)
			}
			p.await()
		},
		"stopped": func(_ *testing.T, p, _ *process) { p.stop() },
	} {
		t.Run(name, func(t *testing.T) {
			nodes := []*process{startNode(t, t.TempDir(), fixedPorts(t)...)}
			for range 2 {
				nodes = append(nodes, startNode(t, t.TempDir(), append(fixedPorts(t), "--gossip-seed="+nodes[0].addr.Gossip)...))
			}
			waitForNodes(t, 3, nodes...)
			post(t, nodes[0].nsqd("/topic/create?topic=orders"), "")
			post(t, nodes[0].nsqd("/channel/create?topic=orders&channel=c"), "")
			const most = 200000
			all := newTally(most)
			for range 2 {
				c := newConsumer(t, "orders", "c", 100, all.handle)
				var lookups []string
				for _, p := range nodes {
					lookups = append(lookups, p.addr.LookupHTTP)
				}
				if err := c.ConnectToNSQLookupds(lookups); err != nil {
					t.Fatal(err)
				}
			}
			load := startLoad(t, nodes, most)
			for i, p := range nodes {
				load.advance(500)
				takeDown(t, p, nodes[(i+1)%3])
				load.advance(500)
				p.start("--gossip-seed=" + nodes[(i+1)%3].addr.Gossip)
				waitForNodes(t, 3, nodes...)
			}
			sent, refused := load.end()
			waitFor(t, "every acknowledged message", func() bool {
				return !load.missing(all)
			})
			t.Logf("%d acknowledged, %d times another node was tried, %d came twice", sent, refused, all.again.Load())
		})
	}
}

// load publishes until it is ended. What a node does not acknowledge goes to the next one.
type load struct {
	t          testing.TB
	nodes      []*process
	next       atomic.Int64
	sent       atomic.Int64
	refused    atomic.Int64
	acked      []atomic.Bool
	stop       chan struct{}
	publishers sync.WaitGroup
}

func startLoad(t *testing.T, nodes []*process, most int) *load {
	l := &load{t: t, nodes: nodes, acked: make([]atomic.Bool, most), stop: make(chan struct{})}
	for i := range 3 {
		var urls []string
		for j := range nodes {
			urls = append(urls, nodes[(i+j)%len(nodes)].nsqd("/pub?topic=orders"))
		}
		l.publishers.Go(func() { l.publish(urls) })
	}
	t.Cleanup(func() { l.end() })
	return l
}

// publish goes by HTTP: a go-nsq producer has a data race of its own when it connects again.
func (l *load) publish(urls []string) {
	client := &http.Client{Timeout: patience}
	defer client.CloseIdleConnections()
	pace := time.NewTicker(time.Millisecond)
	defer pace.Stop()
	for {
		select {
		case <-l.stop:
			return
		case <-pace.C:
		}
		n := l.next.Add(1) - 1
		if n >= int64(len(l.acked)) {
			return
		}
		for i := 0; ; i++ {
			resp, err := client.Post(urls[i%len(urls)], "", strings.NewReader(strconv.FormatInt(n, 10)))
			if err == nil {
				resp.Body.Close()
			}
			if err == nil && resp.StatusCode == http.StatusOK {
				l.acked[n].Store(true)
				l.sent.Add(1)
				break
			}
			l.refused.Add(1)
			if i > 1000 {
				l.t.Errorf("nobody takes message %d", n)
				return
			}
			if i%len(urls) == len(urls)-1 {
				time.Sleep(5 * time.Millisecond)
			}
		}
	}
}

// advance waits until so many more are acknowledged.
func (l *load) advance(n int64) {
	l.t.Helper()
	until := l.sent.Load() + n
	waitFor(l.t, fmt.Sprint(n, " more messages"), func() bool { return l.sent.Load() >= until })
}

func (l *load) end() (sent, refused int64) {
	select {
	case <-l.stop:
	default:
		close(l.stop)
	}
	l.publishers.Wait()
	return l.sent.Load(), l.refused.Load()
}

func (l *load) missing(all *tally) bool {
	for n := range l.acked {
		if l.acked[n].Load() && all.times[n].Load() == 0 {
			return true
		}
	}
	return false
}

func TestAStopLetsConsumersFinish(t *testing.T) {
	p := startNode(t, t.TempDir(), "--stop-grace=20s")
	post(t, p.nsqd("/topic/create?topic=orders"), "")
	post(t, p.nsqd("/channel/create?topic=orders&channel=c"), "")
	post(t, p.nsqd("/mpub?topic=orders"), "1\n2\n3")
	w := dialWire(t, p.addr.TCP)
	w.send("SUB orders c\nRDY 2\n")
	got := w.messages(2)
	p.signal(syscall.SIGTERM)
	waitFor(t, "a node that refuses", func() bool {
		status, _ := ask(http.MethodPost, p.nsqd("/pub?topic=probe%23ephemeral"), strings.NewReader("x"))
		return status == http.StatusServiceUnavailable
	})
	for _, m := range got {
		w.send("FIN %s\n", m.id)
	}
	p.await()
	if !p.cmd.ProcessState.Success() {
		t.Fatal(p.cmd.ProcessState)
	}
	p.start()
	if c := p.topic("orders").channel("c"); c.Depth != 1 {
		t.Errorf("%d are left of 3, of which 2 were finished", c.Depth)
	}
}

func TestASecondSignalHurriesAStop(t *testing.T) {
	p := startNode(t, t.TempDir(), "--stop-grace=1h")
	post(t, p.nsqd("/topic/create?topic=orders"), "")
	post(t, p.nsqd("/channel/create?topic=orders&channel=c"), "")
	post(t, p.nsqd("/mpub?topic=orders"), "1\n2\n3")
	w := dialWire(t, p.addr.TCP)
	w.send("SUB orders c\nRDY 2\n")
	w.messages(2)
	p.signal(syscall.SIGTERM)
	waitFor(t, "a node that refuses", func() bool {
		status, _ := ask(http.MethodPost, p.nsqd("/pub?topic=probe%23ephemeral"), strings.NewReader("x"))
		return status == http.StatusServiceUnavailable
	})
	p.signal(syscall.SIGTERM)
	p.await()
	p.start()
	if c := p.topic("orders").channel("c"); c.Depth != 3 {
		t.Errorf("%d are left of 3", c.Depth)
	}
}

func TestCommandsInTheDrainingPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/draining.md")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("examples need curl")
	}
	a := startNode(t, t.TempDir(), "--node-name=node-a")
	seed := "--gossip-seed=" + a.addr.Gossip
	b := startNode(t, t.TempDir(), "--node-name=node-b", seed)
	c := startNode(t, t.TempDir(), "--node-name=node-c", seed)
	waitForNodes(t, 3, a, b, c)
	post(t, c.nsqd("/pub?topic=orders"), "x")
	commands := commandFolder(t)
	for _, line := range shellLines(string(page)) {
		example(t, a, commands, strings.ReplaceAll(line, "127.0.0.1:4151", a.addr.HTTP))
	}
	c.await()
	if n := a.topic("orders").Depth + b.topic("orders").Depth; n != 1 {
		t.Errorf("the others have %d messages", n)
	}
}
