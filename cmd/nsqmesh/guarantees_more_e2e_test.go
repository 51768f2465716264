package main

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/nsqmesh/nsqmesh/cmd/cli"
)

// The lines of docs/guarantees.md beside its table: names and pauses, order, a full disk, deletes by gossip.

// A pause is on disk before it is answered, a name some milliseconds after it was made.
func TestPausesAndNamesSurviveAKill(t *testing.T) {
	f := &fated{t: t, fate: fate{channel: "c"}, node: startNode(t, t.TempDir(), "--mem-queue-size=0", "--gossip-address=")}
	f.create()
	f.settle()
	post(t, f.node.nsqd("/topic/pause?topic=orders"), "")
	f.node.kill()
	f.node.start()
	if !f.node.topic("orders").Paused {
		t.Error("the topic is not paused any more")
	}
	post(t, f.node.nsqd("/topic/unpause?topic=orders"), "")
	post(t, f.node.nsqd("/channel/pause?"+f.names()), "")
	f.node.kill()
	f.node.start()
	if o := f.node.topic("orders"); o.Paused || !o.channel("c").Paused {
		t.Errorf("after a kill: %+v", o)
	}
}

// A name that was made too late to be in nsqd.dat has its messages when it is used again.
func TestMessagesOfAForgottenNameAreFound(t *testing.T) {
	f := &fated{t: t, fate: fate{channel: "c"}, node: startNode(t, t.TempDir(), "--mem-queue-size=0", "--gossip-address=")}
	waiting(f)
	f.settle()
	f.node.kill()
	if err := os.WriteFile(filepath.Join(f.node.dir, "nsqd.dat"), []byte(`{"topics":null,"version":"1.3.0"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	f.node.start()
	if got := f.node.stats(); len(got) != 0 {
		t.Fatalf("a node that has forgotten its topics knows %+v", got)
	}
	if want := (left{waiting: hundred}); f.consume(want) != want {
		t.Error("found more messages than there were")
	}
}

// With one publisher a channel's messages come in the order of publishing, be they in memory, on disk or both. What is put
// back goes to the end. A clean stop appends what was in memory to what was on disk.
func TestOrder(t *testing.T) {
	f := &fated{t: t, fate: fate{channel: "c"}, node: startNode(t, t.TempDir(), "--mem-queue-size=10", "--gossip-address=")}
	waiting(f)
	w := dialWire(t, f.node.addr.TCP)
	w.send("SUB orders c\nRDY 1\n")
	var got []string
	for n := range hundred + 1 {
		m := w.message()
		got = append(got, m.body)
		if n == 5 {
			w.send("REQ %s 0\n", m.id)
		} else {
			w.send("FIN %s\n", m.id)
		}
	}
	want := append(published(0, hundred), "05")
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}

	w.Close()
	f.await(channelStats{}) // or the node may still send it something
	f.publish(0)
	f.node.stop()
	f.node.start()
	w = dialWire(t, f.node.addr.TCP)
	w.send("SUB orders c\nRDY 1\n")
	got = nil
	for range hundred {
		m := w.message()
		w.send("FIN %s\n", m.id)
		got = append(got, m.body)
	}
	if want := append(published(10, hundred), published(0, 10)...); !slices.Equal(got, want) {
		t.Errorf("after a stop: got %q", got)
	}
}

func published(from, to int) (bodies []string) {
	for n := from; n < to; n++ {
		bodies = append(bodies, fmt.Sprintf("%02d", n))
	}
	return bodies
}

// fullDisk is a folder with no more room than a megabyte.
func fullDisk(t *testing.T) string {
	if os.Geteuid() != 0 {
		t.Skip("only root may make a small disk")
	}
	dir := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", dir).CombinedOutput(); err != nil {
		t.Skipf("no small disks here: %v: %s", err, out)
	}
	t.Cleanup(func() { mustRun(t, exec.Command("umount", dir)) })
	return dir
}

// When the disk is full publishers are told so, whatever they were told OK to is delivered, and a disk with room again is
// used again.
func TestAFullDiskLosesNothing(t *testing.T) {
	node := startNode(t, fullDisk(t), "--mem-queue-size=10", "--gossip-address=")
	post(t, node.nsqd("/topic/create?topic=orders"), "")
	post(t, node.nsqd("/channel/create?topic=orders&channel=c"), "")
	padding := strings.Repeat(" ", 5000)
	acknowledged := 0
	var status int
	var answer string
	for ; ; acknowledged++ {
		body := bytes.NewBufferString(strconv.Itoa(acknowledged) + padding)
		if status, answer = ask(http.MethodPost, node.nsqd("/pub?topic=orders"), body); status != http.StatusOK {
			break
		}
	}
	if status != http.StatusServiceUnavailable || answer != `{"message":"EXITING"}` {
		t.Errorf("/pub on a full disk: %d %s", status, answer)
	}
	if status, answer := ask(http.MethodGet, node.nsqd("/ping"), nil); status != http.StatusInternalServerError || !strings.HasSuffix(answer, "no space left on device") {
		t.Errorf("/ping: %d %s", status, answer)
	}
	producer := dialWire(t, node.addr.TCP)
	producer.send("PUB orders\n\x00\x00\x13\x88%s", padding)
	if a := producer.answer(); !strings.HasPrefix(a, "E_PUB_FAILED PUB failed write to disk queue") {
		t.Errorf("PUB: %s", a)
	}

	consumer := dialWire(t, node.addr.TCP)
	consumer.send("SUB orders c\nRDY 100\n")
	for n := range acknowledged {
		m := consumer.message()
		if got := strings.TrimSpace(m.body); got != strconv.Itoa(n) {
			t.Fatalf("message %d of %d is %q", n, acknowledged, got)
		}
		consumer.send("FIN %s\n", m.id)
	}
	consumer.send("RDY 0\n")
	waitFor(t, "a file that was read to go, and room for more messages than memory takes", func() bool {
		for range 11 {
			if status, _ := ask(http.MethodPost, node.nsqd("/pub?topic=orders"), strings.NewReader(padding)); status != http.StatusOK {
				return false
			}
		}
		status, _ := ask(http.MethodGet, node.nsqd("/ping"), nil)
		return status == http.StatusOK
	})
}

// A delete reaches the topic of each node as it is when the node hears of it, so messages go, too, that were published to
// a node which had not heard yet. What is made anew after that stays.
func TestADeleteTakesWhatIsThereWhenItArrives(t *testing.T) {
	nodes := startMesh(t, 2, "--mem-queue-size=0")
	for _, n := range nodes {
		post(t, n.nsqd("/pub?topic=orders"), "x")
	}
	waitFor(t, "both producers", func() bool { return nodes[0].names("orders", nodes...) })
	away := nodes[1]
	away.stop()
	post(t, nodes[0].lookupd("/topic/delete?topic=orders"), "")
	away.start("--gossip-address=")
	post(t, away.nsqd("/pub?topic=orders"), "not knowing")
	if got := away.topic("orders").Depth; got != 2 {
		t.Fatalf("the node that is away has %d messages", got)
	}
	away.stop()
	away.start()
	waitFor(t, "the topic's end", func() bool { return away.topic("orders").Name == "" })
	post(t, away.nsqd("/pub?topic=orders"), "knowing")
	waitFor(t, "the new topic", func() bool { return nodes[0].names("orders", away) })
	if got := away.topic("orders").Depth; got != 1 {
		t.Errorf("the new topic has %d messages", got)
	}
}

// A stop cannot save what is in memory when the disk is full. It says so, and does not pretend to have ended well. What
// was on disk is there again once there is room for a node to start.
func TestAStopOnAFullDisk(t *testing.T) {
	disk := fullDisk(t)
	others := filepath.Join(disk, "others")
	if err := os.WriteFile(others, make([]byte, 100_000), 0o600); err != nil {
		t.Fatal(err)
	}
	node := startNode(t, disk, "--mem-queue-size=10", "--gossip-address=")
	post(t, node.nsqd("/topic/create?topic=orders"), "")
	post(t, node.nsqd("/channel/create?topic=orders&channel=c"), "")
	acknowledged := 0
	for body := strings.Repeat("x", 5000); ; acknowledged++ {
		if status, _ := ask(http.MethodPost, node.nsqd("/pub?topic=orders"), strings.NewReader(body)); status != http.StatusOK {
			break
		}
	}
	_ = node.cmd.Process.Signal(syscall.SIGTERM)
	node.await()
	if code := node.cmd.ProcessState.ExitCode(); code != cli.ExitFault || !strings.Contains(node.log.String(), "FATAL: stop queues: ") {
		t.Errorf("exit status %d after %s", code, node.log.String())
	}
	if err := os.Remove(others); err != nil {
		t.Fatal(err)
	}
	node.start()
	if got := node.topic("orders").channel("c").Depth; got < acknowledged-10 {
		t.Errorf("%d of %d messages are left", got, acknowledged)
	}
}
