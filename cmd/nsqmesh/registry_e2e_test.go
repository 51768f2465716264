package main

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/nsqio/go-nsq"
)

// What one node is told, all nodes know soon.

func TestANewTopicIsKnownEverywhereInABlink(t *testing.T) {
	nodes := startMesh(t, 3)
	producer := newProducer(t, nodes[0].addr.TCP)
	if err := producer.Ping(); err != nil { // connects
		t.Fatal(err)
	}
	var took []time.Duration
	for i := range 100 {
		topic := fmt.Sprintf("topic%d", i)
		begin := time.Now()
		if err := producer.Publish(topic, []byte("x")); err != nil {
			t.Fatal(err)
		}
		waitFor(t, topic+" at node 3", func() bool { return nodes[2].names(topic, nodes[0]) })
		took = append(took, time.Since(begin))
	}
	slices.Sort(took)
	worst := took[len(took)-1]
	t.Logf("from the first PUB to the other node's /lookup: median %v, worst %v", took[len(took)/2], worst)
	if worst > 5*time.Second {
		t.Errorf("a topic took %v", worst)
	}
}

// A watch asks one node again and again who produces a topic, and complains when one is missing that must be there.
func watch(t testing.TB, asked *process, topic string, always *process) (end func()) {
	stop := make(chan struct{})
	var done sync.WaitGroup
	done.Go(func() {
		for n := 0; ; n++ {
			select {
			case <-stop:
				t.Logf("asked %d times", n)
				return
			case <-time.After(2 * time.Millisecond):
			}
			if got := asked.producers(lookupPath(topic)); !slices.Contains(got, always.addr.TCP) {
				t.Errorf("%s is missing for a moment in %v", always.addr.TCP, got)
				<-stop
				return
			}
		}
	})
	return func() {
		close(stop)
		done.Wait()
	}
}

func TestNodesThatComeAndGo(t *testing.T) {
	const topic = "orders"
	nodes := startMesh(t, 2)
	nodes = append(nodes, startNode(t, t.TempDir(), append(fixedPorts(t), "--gossip-seed="+nodes[0].addr.Gossip)...))
	for _, n := range nodes {
		post(t, n.nsqd("/pub?topic="+topic), "x")
	}
	named := func(by *process, want ...*process) time.Duration {
		t.Helper()
		return waitFor(t, "the right producers in /lookup", func() bool { return by.names(topic, want...) })
	}
	for _, n := range nodes {
		named(n, nodes...)
		waitFor(t, "the topic's name on disk", func() bool { return n.remembers(topic) })
	}
	one, three, two := nodes[0], nodes[1], nodes[2]
	endWatches := []func(){watch(t, one, topic, three), watch(t, three, topic, one), watch(t, one, topic, one)}

	two.kill()
	t.Logf("killed: node 1 drops it after %v", named(one, one, three))
	t.Logf("killed: then node 3 after %v more", named(three, one, three))
	two.start()
	t.Logf("back on its ports: node 3 names it after %v", named(three, nodes...))
	named(one, nodes...)

	begin := time.Now()
	two.stop()
	named(one, one, three)
	named(three, one, three)
	t.Logf("stopped: both have dropped it after %v", time.Since(begin))
	two.start(anyPorts...)
	t.Logf("back on other ports: node 3 names it after %v", named(three, nodes...))
	named(one, nodes...)
	for _, end := range endWatches {
		end()
	}
	named(two, nodes...)
	for _, path := range []string{"/nodes", lookupPath(topic), "/topics", "/channels?topic=" + topic} {
		waitFor(t, "the same answer of all to "+path, func() bool {
			want := inOrder(t, get(t, one.lookupd(path)))
			return want == inOrder(t, get(t, two.lookupd(path))) && want == inOrder(t, get(t, three.lookupd(path)))
		})
	}
}

// A node that does not run but is still there is found out by its silence.
func TestANodeThatHangs(t *testing.T) {
	const topic = "orders"
	nodes := startMesh(t, 3)
	for _, n := range nodes {
		post(t, n.nsqd("/pub?topic="+topic), "x")
	}
	named := func(want ...*process) (took time.Duration) {
		t.Helper()
		for _, by := range nodes[:2] {
			took += waitFor(t, "the right producers in /lookup", func() bool { return by.names(topic, want...) })
		}
		return took
	}
	named(nodes...)
	hung := nodes[2]
	hung.signal(syscall.SIGSTOP)
	t.Cleanup(func() { hung.signal(syscall.SIGCONT) })
	t.Logf("hung: the others have dropped it after %v", named(nodes[:2]...))
	begin := time.Now()
	post(t, nodes[0].nsqd("/pub?topic=new"), "x")
	t.Logf("a new topic on another node waits %v for it", time.Since(begin))
	hung.signal(syscall.SIGCONT)
	t.Logf("running again: the others name it after %v", named(nodes...))
	waitFor(t, "the same on the node that hung", func() bool { return hung.names(topic, nodes...) && hung.names("new", nodes[0]) })
}

// remembers tells whether a node will know the topic after a kill.
func (p *process) remembers(topic string) bool {
	b, err := os.ReadFile(filepath.Join(p.dir, "nsqd.dat"))
	return err == nil && strings.Contains(string(b), strconv.Quote(topic))
}

// inOrder makes answers comparable whose arrays may come in any order.
func inOrder(t testing.TB, answer string) string {
	t.Helper()
	var lists map[string][]any
	if err := json.Unmarshal([]byte(answer), &lists); err != nil {
		t.Fatalf("%v in %s", err, answer)
	}
	for _, list := range lists {
		slices.SortFunc(list, func(a, b any) int { return slices.Compare([]byte(fmt.Sprint(a)), []byte(fmt.Sprint(b))) })
	}
	return fmt.Sprint(lists)
}

func TestASeedThatStartsLater(t *testing.T) {
	port := freePort(t)
	seed := fmt.Sprintf("localhost:%d", port)
	early := startNode(t, t.TempDir(), "--gossip-seed="+seed)
	if got := early.producers("/nodes"); len(got) != 1 {
		t.Errorf("a node without its seed lists %v", got)
	}
	late := startNode(t, t.TempDir(), fmt.Sprintf("--gossip-address=127.0.0.1:%d", port))
	t.Logf("the seed is found after %v", waitForNodes(t, 2, early, late))

	late.kill()
	waitForNodes(t, 1, early)
	late.start()
	t.Logf("the seed that was killed is found again after %v", waitForNodes(t, 2, early, late))
}

// The channels of a topic belong to the whole mesh: the first message of a node that never had the topic goes to the
// channels which consumers have just made on another one, however soon it comes.
func TestTheFirstMessageOnANewNodeReachesTheChannelsOfTheOthers(t *testing.T) {
	nodes := startMesh(t, 3)
	producer := newProducer(t, nodes[1].addr.TCP)
	if err := producer.Ping(); err != nil { // connects
		t.Fatal(err)
	}
	for i := range 50 {
		topic := fmt.Sprintf("first%d", i)
		for _, channel := range []string{"here", "there"} {
			subscribe(t, nodes[0], topic, channel)
		}
		if err := producer.Publish(topic, []byte("first")); err != nil {
			t.Fatal(err)
		}
		for _, channel := range []string{"here", "there"} {
			conn := subscribe(t, nodes[1], topic, channel)
			if body := nextMessage(t, conn); body != "first" {
				t.Errorf("channel %s of %s got %q", channel, topic, body)
			}
		}
	}
}

// subscribe has made the channel when it returns.
func subscribe(t testing.TB, node *process, topic, channel string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", node.addr.TCP)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err := conn.Write(nsq.MagicV2); err != nil {
		t.Fatal(err)
	}
	if _, err := nsq.Subscribe(topic, channel).WriteTo(conn); err != nil {
		t.Fatal(err)
	}
	if kind, answer, err := nsq.ReadUnpackedResponse(conn); err != nil || kind != nsq.FrameTypeResponse {
		t.Fatalf("SUB is answered by %q, %v", answer, err)
	}
	return conn
}

func nextMessage(t testing.TB, conn net.Conn) string {
	t.Helper()
	if _, err := nsq.Ready(1).WriteTo(conn); err != nil {
		t.Fatal(err)
	}
	kind, frame, err := nsq.ReadUnpackedResponse(conn)
	if err != nil || kind != nsq.FrameTypeMessage {
		t.Fatalf("instead of a message came %q, %v", frame, err)
	}
	m, err := nsq.DecodeMessage(frame)
	if err != nil {
		t.Fatal(err)
	}
	return string(m.Body)
}
