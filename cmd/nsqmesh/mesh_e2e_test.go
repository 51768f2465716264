package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nsqio/go-nsq"
)

// What tests ask of nodes, as their users do: over HTTP and with the stock client.

var httpClient = &http.Client{Timeout: patience}

// startMesh starts n nodes that know each other.
func startMesh(t testing.TB, n int, flags ...string) []*process {
	t.Helper()
	nodes := []*process{startNode(t, t.TempDir(), flags...)}
	for len(nodes) < n {
		nodes = append(nodes, startNode(t, t.TempDir(), append(flags, "--gossip-seed="+nodes[0].addr.Gossip)...))
	}
	waitForNodes(t, n, nodes...)
	return nodes
}

// waitForNodes waits until each of the nodes lists n of them.
func waitForNodes(t testing.TB, n int, nodes ...*process) time.Duration {
	t.Helper()
	return waitFor(t, fmt.Sprintf("%d nodes in /nodes", n), func() bool {
		return !slices.ContainsFunc(nodes, func(p *process) bool { return len(p.producers("/nodes")) != n })
	})
}

// ask returns status 0 where there is no answer.
func ask(method, address string, body io.Reader) (status int, answer string) {
	req, err := http.NewRequest(method, address, body)
	if err != nil {
		return 0, err.Error()
	}
	resp, err := httpClient.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err.Error()
	}
	return resp.StatusCode, string(b)
}

func get(t testing.TB, address string) string {
	t.Helper()
	status, answer := ask(http.MethodGet, address, nil)
	if status != http.StatusOK {
		t.Fatalf("GET %s: %d %s", address, status, answer)
	}
	return answer
}

func post(t testing.TB, address, body string) string {
	t.Helper()
	status, answer := ask(http.MethodPost, address, strings.NewReader(body))
	if status != http.StatusOK {
		t.Fatalf("POST %s: %d %s", address, status, answer)
	}
	return answer
}

func (p *process) nsqd(path string) string    { return "http://" + p.addr.HTTP + path }
func (p *process) lookupd(path string) string { return "http://" + p.addr.LookupHTTP + path }

// lookupAnswer is of /lookup and /nodes alike.
type lookupAnswer struct {
	Channels  []string
	Producers []struct {
		BroadcastAddress string `json:"broadcast_address"`
		TCPPort          int    `json:"tcp_port"`
		HTTPPort         int    `json:"http_port"`
		Topics           []string
		Tombstones       []bool
	}
}

// look asks the lookup side, which answers nothing for a topic that it does not know.
func (p *process) look(path string) (a lookupAnswer) {
	status, answer := ask(http.MethodGet, p.lookupd(path), nil)
	if status == http.StatusOK {
		if err := json.Unmarshal([]byte(answer), &a); err != nil {
			p.t.Errorf("GET %s: %v in %s", path, err, answer)
		}
	}
	return a
}

// producers are the TCP addresses that the lookup side gives to clients.
func (p *process) producers(path string) []string {
	var all []string
	for _, one := range p.look(path).Producers {
		all = append(all, fmt.Sprintf("%s:%d", one.BroadcastAddress, one.TCPPort))
	}
	slices.Sort(all)
	return all
}

func lookupPath(topic string) string { return "/lookup?topic=" + url.QueryEscape(topic) }

// names tells whether node p sends the consumers of a topic to exactly these nodes.
func (p *process) names(topic string, nodes ...*process) bool {
	var want []string
	for _, n := range nodes {
		want = append(want, n.addr.TCP)
	}
	slices.Sort(want)
	return slices.Equal(p.producers(lookupPath(topic)), want)
}

// topicStats is what /stats tells of a topic.
type topicStats struct {
	Name         string `json:"topic_name"`
	Depth        int
	MessageCount int `json:"message_count"`
	Paused       bool
	Channels     []channelStats
}

type channelStats struct {
	Name     string `json:"channel_name"`
	Depth    int
	InFlight int `json:"in_flight_count"`
	Deferred int `json:"deferred_count"`
	Clients  int `json:"client_count"`
	Paused   bool
}

func (p *process) stats() []topicStats {
	p.t.Helper()
	var all struct{ Topics []topicStats }
	if err := json.Unmarshal([]byte(get(p.t, p.nsqd("/stats?format=json"))), &all); err != nil {
		p.t.Fatal(err)
	}
	return all.Topics
}

// topic is the zero topicStats where the node has none of that name.
func (p *process) topic(name string) topicStats {
	p.t.Helper()
	for _, one := range p.stats() {
		if one.Name == name {
			return one
		}
	}
	return topicStats{}
}

func (s topicStats) channel(name string) channelStats {
	for _, one := range s.Channels {
		if one.Name == name {
			return one
		}
	}
	return channelStats{}
}

// quiet keeps what go-nsq logs about killed nodes out of the tests' output.
type quiet struct{}

func (quiet) Output(int, string) error { return nil }

func newProducer(t testing.TB, address string) *nsq.Producer {
	t.Helper()
	p, err := nsq.NewProducer(address, nsq.NewConfig())
	if err != nil {
		t.Fatal(err)
	}
	p.SetLogger(quiet{}, nsq.LogLevelError)
	t.Cleanup(p.Stop)
	return p
}

// newConsumer is connected to nothing yet. It asks for nodes often, as nobody wants to wait for it here.
func newConsumer(t testing.TB, topic, channel string, inFlight int, handle nsq.HandlerFunc) *nsq.Consumer {
	t.Helper()
	cfg := nsq.NewConfig()
	cfg.MaxInFlight = inFlight
	cfg.LookupdPollInterval = 50 * time.Millisecond
	cfg.LookupdPollJitter = 0
	cfg.MaxAttempts = 0
	cfg.MaxBackoffDuration = 0
	c, err := nsq.NewConsumer(topic, channel, cfg)
	if err != nil {
		t.Fatal(err)
	}
	c.SetLogger(quiet{}, nsq.LogLevelError)
	c.AddHandler(handle)
	t.Cleanup(func() {
		c.Stop()
		<-c.StopChan
	})
	return c
}

// receive takes what a handler has got.
func receive[T any](t testing.TB, from <-chan T) (got T) {
	t.Helper()
	select {
	case got = <-from:
	case <-time.After(patience):
		t.Fatal("nothing came")
	}
	return got
}
