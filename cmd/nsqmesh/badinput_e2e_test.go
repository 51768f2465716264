package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nsqio/go-nsq"
)

// badInput is what no client should send, per connection.
func badInput() map[string][]byte {
	random := rand.New(rand.NewPCG(1, 2))
	noise := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(random.Uint32())
		}
		return b
	}
	return map[string][]byte{
		"random bytes":                  noise(10_000),
		"random bytes behind the magic": append([]byte("  V2"), noise(10_000)...),
		"random bytes of the old magic": append([]byte("  V1"), noise(10_000)...),
		"random lines":                  append([]byte("  V2"), bytes.ReplaceAll(noise(10_000), []byte{0}, []byte("\n"))...),
		"half a magic":                  []byte("  "),
		"an unknown magic":              []byte("  V9"),
		"nothing but zeros":             make([]byte, 10_000),
		"HTTP":                          []byte("GET /ping HTTP/1.1\r\nHost: x\r\n\r\n"),
		"a line without an end":         append([]byte("  V2"), bytes.Repeat([]byte("x"), 1<<20)...),
		"an oversized body":             []byte("  V2PUB calm\n\x7f\xff\xff\xff"),
		"a negative body":               []byte("  V2PUB calm\n\xff\xff\xff\xff"),
		"an empty body":                 []byte("  V2PUB calm\n\x00\x00\x00\x00"),
		"a body that is cut":            []byte("  V2PUB calm\n\x00\x00\x00\x64half"),
		"an oversized batch":            []byte("  V2MPUB calm\n\x7f\xff\xff\xff\x00\x00\x00\x01"),
		"a batch of too many":           []byte("  V2MPUB calm\n\x00\x00\x00\x08\x7f\xff\xff\xff\x00\x00\x00\x01"),
		"a batch of a negative number":  []byte("  V2MPUB calm\n\x00\x00\x00\x08\xff\xff\xff\xff\x00\x00\x00\x01"),
		"a batch with a negative body":  []byte("  V2MPUB calm\n\x00\x00\x00\x08\x00\x00\x00\x01\xff\xff\xff\xff"),
		"a batch that is cut":           []byte("  V2MPUB calm\n\x00\x00\x00\x64\x00\x00\x00\x02\x00\x00\x00\x01a"),
		"an oversized IDENTIFY":         []byte("  V2IDENTIFY\n\x7f\xff\xff\xff{"),
		"an IDENTIFY of nonsense":       []byte("  V2IDENTIFY\n\x00\x00\x00\x02[}"),
		"an IDENTIFY that is deep":      append([]byte("  V2IDENTIFY\n\x00\x01\x00\x00"), bytes.Repeat([]byte("["), 1<<16)...),
		"an oversized registration":     []byte("  V1IDENTIFY\n\x7f\xff\xff\xff{"),
		"a negative registration":       []byte("  V1IDENTIFY\n\xff\xff\xff\xff{"),
		"a consumer of a bad name":      []byte("  V2SUB ca/lm x\n"),
		"a FIN of nothing":              []byte("  V2FIN 0123456789abcdef\nFIN\nRDY -1\nRDY 99999999999999999999\n"),
		"a SUB that goes at once":       []byte("  V2SUB calm#ephemeral gone#ephemeral\nRDY 100\n"),
	}
}

// calm is a producer and a consumer that should notice nothing of what others do to their node.
type calm struct {
	t     testing.TB
	worst time.Duration
	stop  chan struct{}
	once  sync.Once
	done  sync.WaitGroup
}

func startCalm(t testing.TB, node *process) *calm {
	t.Helper()
	c := &calm{t: t, stop: make(chan struct{})}
	got := make(chan string, 10)
	consumer := newConsumer(t, "calm", "c", 10, func(m *nsq.Message) error {
		got <- string(m.Body)
		return nil
	})
	producer := newProducer(t, node.addr.TCP)
	if err := consumer.ConnectToNSQD(node.addr.TCP); err != nil {
		t.Fatal(err)
	}
	c.done.Go(func() { c.run(producer, got) })
	return c
}

func (c *calm) run(producer *nsq.Producer, got <-chan string) {
	for n := 0; ; n++ {
		select {
		case <-c.stop:
			c.t.Logf("another client sent and got %d messages, the slowest in %v", n, c.worst)
			return
		case <-time.After(time.Millisecond):
		}
		begin := time.Now()
		if err := producer.Publish("calm", []byte(strconv.Itoa(n))); err != nil {
			c.t.Errorf("another client cannot publish: %v", err)
			return
		}
		select {
		case body := <-got:
			if body != strconv.Itoa(n) {
				c.t.Errorf("another client got %q, want %d", body, n)
				return
			}
		case <-time.After(patience):
			c.t.Error("another client gets nothing any more")
			return
		}
		c.worst = max(c.worst, time.Since(begin))
	}
}

func (c *calm) end() {
	c.once.Do(func() { close(c.stop) })
	c.done.Wait()
}

func TestBadInputHarmsNobodyElse(t *testing.T) {
	node := startNode(t, t.TempDir())
	client := startCalm(t, node)
	t.Cleanup(client.end)
	addresses := map[string]string{
		"nsqd": node.addr.TCP, "nsqd HTTP": node.addr.HTTP, "lookupd": node.addr.LookupTCP, "lookupd HTTP": node.addr.LookupHTTP,
		"gossip": node.addr.Gossip, "cluster": node.addr.Cluster,
	}
	before := node.goroutines()
	for where, address := range addresses {
		for name, input := range badInput() {
			t.Run(where+": "+name, func(t *testing.T) { sendBytes(t, address, input) })
		}
	}
	for name, input := range badInput() {
		t.Run("gossip, a datagram: "+name, func(t *testing.T) { sendDatagram(t, node.addr.Gossip, input) })
	}
	waitFor(t, "all of it forgotten", func() bool { return node.goroutines() <= before+spare })
}

// sendBytes sends input and goes away without waiting for more than the answer to it.
func sendBytes(t *testing.T, address string, input []byte) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err := conn.Write(input); err != nil {
		return // hung up on, as it may be
	}
	_ = conn.(*net.TCPConn).CloseWrite()
	if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("the node does not hang up on who has hung up")
	}
}

func sendDatagram(t *testing.T, address string, input []byte) {
	conn, err := net.Dial("udp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, _ = conn.Write(input[:min(len(input), 60_000)])
}

const spare = 20 // goroutines more or less mean nothing

// goroutines is the number of them in the node.
func (p *process) goroutines() (n int) {
	p.t.Helper()
	head := get(p.t, p.nsqd("/debug/pprof/goroutine?debug=1"))
	if _, err := fmt.Sscanf(head, "goroutine profile: total %d", &n); err != nil {
		p.t.Fatal(err)
	}
	return n
}

// memory is what the node uses in MiB, garbage left out: its heap, and what the system counts, 0 where it does not tell.
// Under a race detector the latter means nothing.
func (p *process) memory() (heap, resident int) {
	p.t.Helper()
	post(p.t, p.nsqd("/debug/freememory"), "")
	var all struct {
		Memory struct {
			InUse int `json:"heap_in_use_bytes"`
		}
	}
	if err := json.Unmarshal([]byte(get(p.t, p.nsqd("/stats?format=json&include_clients=false"))), &all); err != nil {
		p.t.Fatal(err)
	}
	if status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid)); err == nil && !raceDetector() {
		_, rest, _ := strings.Cut(string(status), "VmRSS:")
		_, _ = fmt.Sscan(rest, &resident)
	}
	return all.Memory.InUse >> 20, resident >> 10
}

func raceDetector() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

func TestSilentConnectionsHarmNobodyElse(t *testing.T) {
	node := startNode(t, t.TempDir())
	client := startCalm(t, node)
	t.Cleanup(client.end)
	report := func(n int) (heap, resident int) {
		heap, resident = node.memory()
		t.Logf("%d silent connections: heap %d MiB, resident %d MiB, %d goroutines", n, heap, resident, node.goroutines())
		return heap, resident
	}

	goroutines := node.goroutines()
	heap, resident := report(0)
	silent := openSilent(t, 10_000, node.addr.TCP, node.addr.LookupTCP)
	waitFor(t, "connections that are served", func() bool { return node.goroutines() >= goroutines+len(silent)-spare })
	report(len(silent))
	rest := silent[len(silent)-len(silent)/10:]
	for _, conn := range silent[:len(silent)-len(rest)] {
		conn.Close()
	}
	waitFor(t, "goroutines that end", func() bool { return node.goroutines() <= goroutines+2*len(rest)+spare })
	if h, r := report(len(rest)); h > heap+moreMemory || r > resident+moreMemory {
		t.Error("memory does not come back")
	}

	client.end()
	took := node.stop()
	t.Logf("stopped in %v", took)
	if took > 10*time.Second {
		t.Error("stopping takes too long while there are silent connections")
	}
}

const moreMemory = 48 // MiB

// openSilent opens n connections that say nothing, or as many as the system allows.
func openSilent(t *testing.T, n int, addresses ...string) (all []net.Conn) {
	t.Cleanup(func() {
		for _, conn := range all {
			conn.Close()
		}
	})
	for i := range n {
		conn, err := net.DialTimeout("tcp", addresses[i%len(addresses)], patience)
		if err != nil {
			t.Logf("the system allows %d connections: %v", i, err)
			break
		}
		_ = conn.(*net.TCPConn).SetLinger(0) // leaves nothing behind in the system
		all = append(all, conn)
	}
	if few := 200; len(all) < few {
		t.Fatalf("no more than %d connections", len(all))
	} else if len(all) < n { // room for the rest of the test
		for _, conn := range all[len(all)-few/2:] {
			conn.Close()
		}
		all = all[:len(all)-few/2]
	}
	return all
}
