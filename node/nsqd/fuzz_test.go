package nsqd

import (
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/nsqmesh/nsqmesh/node/queue"
)

// FuzzCommands sends anything, in pieces of any size. The connection must come to an end when its input does, whatever that
// was, and must not take memory for what was only announced.
func FuzzCommands(f *testing.F) {
	for _, seed := range []string{
		"PUB t\n" + sized("body") + "DPUB t 10\n" + sized("x") + "MPUB t\n" + mpubBody("a", "b"),
		"SUB t c\nRDY 5\nPUB t\n" + sized("x") + "FIN " + id16 + "\nREQ " + id16 + " 0\nTOUCH " + id16 + "\nCLS\n",
		"IDENTIFY\n" + sized(`{"feature_negotiation":true,"snappy":true,"heartbeat_interval":1000}`) + "\xff\x06\x00\x00sNaPpY",
		"IDENTIFY\n" + sized(`{"feature_negotiation":true,"deflate":true}`) + "\x00\x00\x00\xff\xff",
		"IDENTIFY\n" + sized(`{"sample_rate":99,"msg_timeout":1000}`) + "SUB t#ephemeral c#ephemeral\nRDY 1\nNOP\n",
		"MPUB t\n" + int32Bytes(5<<20) + int32Bytes(1<<20) + sized("a") + int32Bytes(1<<20),
		"PUB t\n" + int32Bytes(1<<20) + "x",
		"AUTH\n" + sized("secret") + "\r\n \n",
		strings.Repeat("NOP \r\n", 100) + strings.Repeat("x", 17000),
	} {
		f.Add([]byte(seed), uint16(len(seed)))
		f.Add([]byte(seed), uint16(3))
	}
	o := testOptions()
	h := newHarness(f, o, func(q *queue.Options) { q.MemQueueSize = 1 << 20 })
	f.Fuzz(func(t *testing.T, input []byte, piece uint16) {
		before := allocated()
		ours, theirs := net.Pipe()
		go io.Copy(io.Discard, ours)
		go feed(ours, input, int(piece)+1)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			newConn(h.server, 0, theirs).run()
		}()
		select {
		case <-ended:
		case <-time.After(20 * time.Second):
			t.Fatal("the connection outlives its input")
		}
		if got, most := allocated()-before, uint64(8<<20+200*len(input)); got > most && !raceEnabled {
			t.Errorf("%d bytes of input took %d of memory", len(input), got)
		}
		for _, topic := range h.broker.Topics() {
			if err := h.broker.DeleteTopic(topic.Name()); err != nil {
				t.Error(err)
			}
		}
	})
}

// feed writes in pieces and closes.
func feed(to net.Conn, input []byte, piece int) {
	defer to.Close()
	if _, err := to.Write([]byte(magicV2)); err != nil {
		return
	}
	for len(input) > 0 {
		n := min(piece, len(input))
		if _, err := to.Write(input[:n]); err != nil {
			return
		}
		input = input[n:]
	}
}

func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

// TestAnnouncedIsNotAllocated has clients that announce megabytes and send a few bytes.
func TestAnnouncedIsNotAllocated(t *testing.T) {
	if raceEnabled {
		t.Skip("measures memory")
	}
	h := newHarness(t, testOptions())
	l := h.listen("tcp", "127.0.0.1:0")
	for name, command := range map[string]string{
		"PUB":      "PUB t\n" + int32Bytes(1<<20),
		"MPUB":     "MPUB t\n" + int32Bytes(5<<20) + int32Bytes(1<<20) + int32Bytes(1<<20),
		"IDENTIFY": "IDENTIFY\n" + int32Bytes(5<<20),
	} {
		t.Run(name, func(t *testing.T) {
			const clients = 20
			before := allocated()
			for range clients {
				c := h.dial(l)
				c.send(command, "few bytes")
				c.close()
			}
			waitFor(t, func() bool { return len(h.server.Clients()) == 0 })
			if each := (allocated() - before) / clients; each > 4*firstPart {
				t.Errorf("each took %d bytes", each)
			}
		})
	}
}

// FuzzParams compares the splitting of a line with strings.Split, and numbers with their digits.
func FuzzParams(f *testing.F) {
	f.Add("REQ 0123456789abcdef 100")
	f.Add("PUB  two ")
	f.Fuzz(func(t *testing.T, line string) {
		verb, p := splitVerb([]byte(line))
		got := []string{string(verb)}
		for param, ok := p.next(); ok; param, ok = p.next() {
			got = append(got, string(param))
			n, isNumber := parseNumber(param)
			if want := strings.Trim(string(param), "0123456789") == ""; isNumber != want {
				t.Errorf("%q is a number: %v (%d)", param, isNumber, n)
			}
		}
		if strings.Join(got, " ") != line || len(got) != strings.Count(line, " ")+1 {
			t.Errorf("%q was split into %q", line, got)
		}
	})
}
