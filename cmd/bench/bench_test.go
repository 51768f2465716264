package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nsqmesh/nsqmesh/cmd/cli"
	"github.com/nsqmesh/nsqmesh/node/nsqd"
	"github.com/nsqmesh/nsqmesh/node/queue"
)

// benchServer is the TCP side of a node in this process.
type benchServer struct {
	*queue.Broker
	address string
}

func (s benchServer) Channel(topic, channel string) (*queue.Channel, error) {
	t, err := s.Topic(topic)
	if err != nil {
		return nil, err
	}
	return t.Channel(channel)
}

func startBenchServer(t testing.TB, change func(*nsqd.Options)) benchServer {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	broker := queue.New(queue.Options{
		DataPath: t.TempDir(), MemQueueSize: 1_000_000, MaxBytesPerFile: 100 << 20, SyncEvery: 2500, SyncTimeout: 2 * time.Second,
		MaxMsgSize: 1 << 20, MsgTimeout: time.Minute, MaxMsgTimeout: 15 * time.Minute, MaxReqTimeout: time.Hour, Log: log,
	})
	if err := broker.Load(); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o := nsqd.Defaults()
	o.Version, o.Log = cli.StockVersion, log
	change(&o)
	s := benchServer{broker, l.Addr().String()}
	server := nsqd.New(o, s)
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	t.Cleanup(func() {
		l.Close()
		server.Close()
		<-served
		if err := broker.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func unchanged(*nsqd.Options) {}

// benchmark runs nsqmesh bench in this process.
func benchmark(ctx context.Context, args ...string) (status int, out, errOut string) {
	var o bytes.Buffer
	var e syncBuffer
	status = runBench(ctx, args, cli.Stdio{In: strings.NewReader(""), Out: &o, Err: &e})
	return status, o.String(), e.String()
}

// syncBuffer is written to by whoever shows progress.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// figuresOf runs a scenario that must succeed.
func figuresOf(t testing.TB, args ...string) map[string]float64 {
	t.Helper()
	status, out, errOut := benchmark(t.Context(), append(args, "--output=json")...)
	if status != cli.ExitOK {
		t.Fatalf("bench %v: exit status %d, %s", args, status, errOut)
	}
	var r benchResult
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	if r.Scenario != args[0] || r.Interrupted || r.Server == "" {
		t.Errorf("bench %v says %s", args, out)
	}
	return r.Figures
}

func TestBenchCountsWhatTheServerTook(t *testing.T) {
	s := startBenchServer(t, unchanged)
	for name, c := range map[string]struct {
		flags    []string
		messages float64
	}{
		"batches":              {[]string{"--batch=50", "--conns=3", "--count=1000"}, 1000},
		"an incomplete batch":  {[]string{"--batch=300", "--conns=1", "--count=1000"}, 1200},
		"single messages":      {[]string{"--batch=1", "--pipeline=64", "--count=999"}, 999},
		"one at a time":        {[]string{"--batch=1", "--pipeline=1", "--conns=4", "--count=100"}, 100},
		"large messages":       {[]string{"--batch=1", "--size=900000", "--count=5"}, 5},
		"the smallest message": {[]string{"--size=1", "--batch=3", "--count=30"}, 30},
	} {
		t.Run(name, func(t *testing.T) {
			topic := strings.ReplaceAll(name, " ", "-")
			at := []string{"--address=" + s.address, "--topic=" + topic, "--channel=c"}
			pub := figuresOf(t, append(append([]string{"pub"}, at...), c.flags...)...)
			stats := s.Stats(topic, "c")
			if pub["messages"] != c.messages || len(stats) != 1 || float64(stats[0].Channels[0].Depth) != c.messages {
				t.Errorf("published %v, want %v; the server has %+v", pub["messages"], c.messages, stats)
			}
			if pub["messages_per_second"] <= 0 || pub["seconds"] <= 0 {
				t.Errorf("%v", pub)
			}
			sub := figuresOf(t, append(append([]string{"sub"}, at...), "--size=900000", "--conns=2", "--rdy=100")...)
			if sub["messages"] != c.messages || sub["messages_per_second"] <= 0 {
				t.Errorf("consumed %v, want %v", sub, c.messages)
			}
			waitFor(t, "every message finished", func() bool {
				ch := s.Stats(topic, "c")[0].Channels[0]
				return ch.Depth == 0 && ch.InFlight == 0 && ch.TimeoutCount == 0
			})
		})
	}
}

func TestBenchLatency(t *testing.T) {
	s := startBenchServer(t, unchanged)
	f := figuresOf(t, "latency", "--address="+s.address, "--rate=2000", "--seconds=0.3", "--conns=2")
	if f["messages"] != f["sent_messages"] || f["messages"] < 500 || f["messages"] > 700 {
		t.Errorf("%v of %v messages came, want about 600", f["messages"], f["sent_messages"])
	}
	last := 0.0
	for _, name := range []string{"latency_p50_us", "latency_p99_us", "latency_p999_us", "latency_max_us"} {
		if f[name] <= 0 || f[name] < last {
			t.Errorf("%s is %v, after %v", name, f[name], last)
		}
		last = f[name]
	}
}

func TestBenchLatencyDoesNotCountStrangers(t *testing.T) {
	s := startBenchServer(t, unchanged)
	at := []string{"--address=" + s.address, "--topic=shared", "--channel=c"}
	figuresOf(t, append([]string{"pub", "--count=5000", "--seconds=20"}, at...)...)
	f := figuresOf(t, append([]string{"latency", "--rate=1000", "--seconds=0.2"}, at...)...)
	if f["messages"] != f["sent_messages"] || f["messages"] > 300 {
		t.Errorf("%v of %v messages came", f["messages"], f["sent_messages"])
	}
}

func TestBenchFanout(t *testing.T) {
	s := startBenchServer(t, unchanged)
	f := figuresOf(t, "fanout", "--address="+s.address, "--topic=fan", "--channels=3", "--count=1000")
	channels := s.Stats("fan", "")[0].Channels
	if f["messages"] != 1000 || len(channels) != 3 {
		t.Fatalf("%v messages to %d channels", f["messages"], len(channels))
	}
	for _, c := range channels {
		if c.Depth != 1000 {
			t.Errorf("%s has %d messages", c.Name, c.Depth)
		}
	}
}

// The server is this process, so its CPU and memory are not the server's alone; that they are there is what counts.
func TestBenchOfALocalServer(t *testing.T) {
	s := startBenchServer(t, unchanged)
	pid := "--pid=" + strconv.Itoa(os.Getpid())
	pub := figuresOf(t, "pub", "--address="+s.address, "--count=200000", "--seconds=60", pid)
	if pub["server_cpu_us_per_message"] <= 0 || pub["server_cpu_seconds"] <= 0 || pub["server_rss_mb"] < 1 {
		t.Errorf("%v", pub)
	}
	idle := figuresOf(t, "idle", "--address="+s.address, "--conns=20", "--seconds=0.1", pid)
	if _, ok := idle["idle_cpu_percent"]; !ok || idle["connections"] != 20 {
		t.Errorf("%v", idle)
	}
	if _, ok := idle["kb_per_connection"]; !ok {
		t.Errorf("%v", idle)
	}
}

func TestBenchLookup(t *testing.T) {
	var asked sync.Map
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Store(r.URL.String(), true)
		if r.FormValue("topic") == "lost" {
			http.Error(w, `{"message":"TOPIC_NOT_FOUND"}`, http.StatusNotFound)
		}
	})}
	go server.Serve(l)
	defer server.Close()
	f := figuresOf(t, "lookup", "--http-address="+l.Addr().String(), "--topic=a b", "--seconds=0.05", "--pid="+strconv.Itoa(os.Getpid()))
	for _, request := range []string{"lookup", "topics", "nodes"} {
		if f[request+"_requests"] < 2 || f[request+"_requests_per_second"] <= 0 {
			t.Errorf("%s: %v", request, f)
		}
	}
	for _, path := range []string{"/lookup?topic=a+b", "/topics", "/nodes"} {
		if _, ok := asked.Load(path); !ok {
			t.Errorf("%s was not asked for", path)
		}
	}
	one := figuresOf(t, "lookup", "--http-address="+l.Addr().String(), "--request=nodes", "--seconds=0.01")
	if _, ok := one["topics_requests"]; ok || one["nodes_requests"] < 1 {
		t.Errorf("%v", one)
	}
	status, _, errOut := benchmark(t.Context(), "lookup", "--http-address="+l.Addr().String(), "--topic=lost")
	if status != cli.ExitFault || !strings.Contains(errOut, "404") || !strings.Contains(errOut, "--topic that it knows") {
		t.Errorf("exit status %d, %s", status, errOut)
	}
}

func TestInterruptedBenchPrintsWhatItHas(t *testing.T) {
	for name, args := range map[string][]string{
		"pub":     {"--topic=t", "--count=0"},
		"latency": {"--topic=t", "--rate=1000"},
		"fanout":  {"--topic=t", "--channels=2", "--count=0", "--batch=1"},
	} {
		t.Run(name, func(t *testing.T) {
			s := startBenchServer(t, unchanged)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			go func() {
				waitFor(t, "messages", func() bool {
					stats := s.Stats("t", "")
					return len(stats) == 1 && stats[0].MessageCount > 10
				})
				cancel()
			}()
			begin := time.Now()
			status, out, errOut := benchmark(ctx, append([]string{name, "--address=" + s.address, "--seconds=300"}, args...)...)
			if status != cli.ExitOK || !strings.Contains(out, "interrupted") || !strings.Contains(out, "messages/s") {
				t.Errorf("exit status %d, %s%s", status, out, errOut)
			}
			if took := time.Since(begin); took > patience {
				t.Errorf("it took %s to stop", took)
			}
		})
	}
}

func TestBenchShowsProgressWhenAskedTo(t *testing.T) {
	s := startBenchServer(t, unchanged)
	flags := []string{"latency", "--address=" + s.address, "--rate=100", "--seconds=1.1"}
	if _, _, errOut := benchmark(t.Context(), append(flags, "--progress")...); !strings.Contains(errOut, "/s\n") {
		t.Errorf("no progress in %q", errOut)
	}
	if _, _, errOut := benchmark(t.Context(), append(flags, "--seconds=0.1")...); errOut != "" {
		t.Errorf("progress on a stream that is no terminal: %q", errOut)
	}
}

const patience = 30 * time.Second // for whatever should take a moment

// waitFor polls until it is so.
func waitFor(t testing.TB, what string, so func() bool) time.Duration {
	t.Helper()
	begin := time.Now()
	for !so() {
		if time.Since(begin) > patience {
			t.Fatalf("waited in vain for %s", what)
		}
		time.Sleep(2 * time.Millisecond)
	}
	return time.Since(begin)
}
