package bench

import (
	"bufio"
	"bytes"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"testing"
	"time"
)

// oneWay is a connection whose other side has said all that it ever will.
type oneWay struct {
	net.Conn
	said io.Reader
	sent bytes.Buffer
}

func (c *oneWay) Read(b []byte) (int, error)  { return c.said.Read(b) }
func (c *oneWay) Write(b []byte) (int, error) { return c.sent.Write(b) }
func (c *oneWay) Close() error                { return nil }
func (c *oneWay) RemoteAddr() net.Addr        { return new(net.TCPAddr) }

func hears(said string) (*benchConn, *oneWay) {
	c := &oneWay{said: strings.NewReader(said)}
	return &benchConn{Conn: c, r: bufio.NewReaderSize(c, 64)}, c
}

func frameOf(kind byte, data string) string {
	return string(appendBody(nil, "\x00\x00\x00"+string(kind)+data))
}

func TestBenchCommandsOnTheWire(t *testing.T) {
	for name, c := range map[string]struct{ got, want string }{
		"PUB":  {string(appendPub(nil, "t", "hi")), "PUB t\n\x00\x00\x00\x02hi"},
		"MPUB": {string(appendMpub(nil, "t", "hi", 2)), "MPUB t\n\x00\x00\x00\x10\x00\x00\x00\x02\x00\x00\x00\x02hi\x00\x00\x00\x02hi"},
		"FIN":  {string(appendFin(nil, []byte("TTTTTTTTAA0123456789abcdefbody"))), "FIN 0123456789abcdef\n"},
	} {
		if c.got != c.want {
			t.Errorf("%s is %q, want %q", name, c.got, c.want)
		}
	}
}

func TestBenchReadsFrames(t *testing.T) {
	long := strings.Repeat("x", 1000) // longer than the buffer
	c, sent := hears(frameOf(0, "OK") + frameOf(0, "_heartbeat_") + frameOf(2, long) + frameOf(2, "") + frameOf(1, "E_BAD_TOPIC x") + "\x00\x00")
	for _, want := range []struct {
		kind uint32
		data string
	}{{answerFrame, "OK"}, {messageFrame, long}, {messageFrame, ""}} {
		kind, data, err := c.frame()
		if err != nil || kind != want.kind || string(data) != want.data {
			t.Fatalf("got %d %.20q %v, want %d %.20q", kind, data, err, want.kind, want.data)
		}
	}
	if sent.sent.String() != "NOP\n" {
		t.Errorf("answered a heartbeat with %q", sent.sent.String())
	}
	if _, _, err := c.frame(); err == nil || !strings.Contains(err.Error(), "E_BAD_TOPIC x") {
		t.Errorf("an error frame gave %v", err)
	}
	if _, _, err := c.frame(); err == nil || !strings.Contains(err.Error(), "closed the connection") {
		t.Errorf("the end gave %v", err)
	}
}

func FuzzBenchFrame(f *testing.F) {
	f.Add(frameOf(0, "OK") + frameOf(2, "TTTTTTTTAA0123456789abcdefbody"))
	f.Add("HTTP/1.1 400")
	f.Add("\x00\x00\x00\x00")
	f.Add("\xff\xff\xff\xff\x00\x00\x00\x00")
	f.Fuzz(func(t *testing.T, said string) {
		c, _ := hears(said)
		for read := 0; ; {
			_, data, err := c.frame()
			if err != nil {
				return
			}
			if read += headBytes + len(data); read > len(said) {
				t.Fatal("read more than there was")
			}
		}
	})
}

// What the client costs is taken from the server where both share a machine.
func TestBenchClientAllocatesNothingPerMessage(t *testing.T) {
	message := frameOf(2, "TTTTTTTTAA0123456789abcdefbody")
	c := &benchConn{r: bufio.NewReaderSize(strings.NewReader(strings.Repeat(message, 5000)), leastBuffer)}
	fins := make([]byte, 0, 64)
	if n := testing.AllocsPerRun(1000, func() {
		_, data, err := c.frame()
		if err != nil {
			t.Fatal(err)
		}
		fins = appendFin(fins[:0], data)
	}); n != 0 {
		t.Errorf("%v allocations a message", n)
	}
}

func TestHistogram(t *testing.T) {
	var all []time.Duration
	var h, one, two histogram
	random := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		d := time.Duration(random.ExpFloat64() * float64(time.Millisecond))
		all = append(all, d)
		if d%2 == 0 {
			one.add(d)
		} else {
			two.add(d)
		}
	}
	h.merge(&one)
	h.merge(&two)
	slices.Sort(all)
	for _, part := range []float64{0, .01, .5, .99, .999} {
		exact, got := all[int(part*float64(len(all)))], h.quantile(part)
		if got < exact || got > exact+exact/100+1 {
			t.Errorf("quantile %v is %v, want %v", part, got, exact)
		}
	}
	if h.most != all[len(all)-1] || h.quantile(1) != h.most || h.n != uint64(len(all)) {
		t.Errorf("%d durations up to %v", h.n, h.most)
	}
}

func TestHistogramBuckets(t *testing.T) {
	last := -1
	for shift := 2; shift < 63; shift++ {
		for _, v := range []uint64{1<<shift - 1, 1 << shift, 1<<shift + 1, 1<<shift + 1<<shift/2} {
			i := bucketOf(v)
			if top := bucketTop(i); top < v || top-v > v>>bucketBits {
				t.Errorf("%d is in a bucket up to %d", v, top)
			}
			if i < last {
				t.Errorf("%d is in bucket %d, behind %d", v, i, last)
			}
			last = max(last, i)
			if i >= len(histogram{}.buckets) {
				t.Fatalf("no bucket for %d", v)
			}
		}
	}
	var h histogram
	h.add(-1)
	h.add(1<<63 - 1)
}
