package httpapi

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/nsqmesh/nsqmesh/node/nsqd"
	"github.com/nsqmesh/nsqmesh/node/queue"
)

// testNode is a node without neighbours behind the API.
type testNode struct {
	*queue.Broker
	o   NsqdOptions
	api http.Handler
}

func newTestNode(t testing.TB, adapt ...func(*NsqdOptions)) *testNode {
	t.Helper()
	broker := queue.New(queue.Options{
		DataPath: t.TempDir(), MemQueueSize: 10000, MaxBytesPerFile: 1 << 20, MaxMsgSize: 1 << 20,
		MsgTimeout: time.Minute, MaxMsgTimeout: time.Hour, MaxReqTimeout: time.Hour,
	})
	if err := broker.Load(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { broker.Close() })
	n := &testNode{Broker: broker, o: NsqdOptions{
		Queues:   broker,
		Metadata: localMetadata{broker},
		Clients:  func() []nsqd.ClientStats { return nil },
		Config:   &fakeConfig{},
		Info:     Info{Version: "1.2.3", StartTime: time.Now()},
		Limits:   Limits{MaxMsgSize: 16, MaxBodySize: 60, MaxReqTimeout: time.Hour},
		Log:      slog.New(slog.DiscardHandler),
	}}
	for _, f := range adapt {
		f(&n.o)
	}
	n.api = NewNsqd(n.o)
	return n
}

// localMetadata is the metadata of a node without neighbours.
type localMetadata struct{ *queue.Broker }

func (m localMetadata) CreateTopic(_ context.Context, topic string) error {
	_, err := m.Topic(topic)
	return err
}

func (m localMetadata) DeleteTopic(_ context.Context, topic string) error {
	return m.Broker.DeleteTopic(topic)
}

func (m localMetadata) PauseTopic(_ context.Context, topic string, paused bool) error {
	t := m.FindTopic(topic)
	if t == nil {
		return queue.ErrTopicNotFound
	}
	t.Pause(paused)
	return m.Persist()
}

func (m localMetadata) CreateChannel(_ context.Context, topic, channel string) error {
	t := m.FindTopic(topic)
	if t == nil {
		return queue.ErrTopicNotFound
	}
	_, err := t.Channel(channel)
	return err
}

func (m localMetadata) DeleteChannel(_ context.Context, topic, channel string) error {
	t := m.FindTopic(topic)
	if t == nil {
		return queue.ErrTopicNotFound
	}
	return t.DeleteChannel(channel)
}

func (m localMetadata) PauseChannel(_ context.Context, topic, channel string, paused bool) error {
	t := m.FindTopic(topic)
	if t == nil {
		return queue.ErrTopicNotFound
	}
	c := t.FindChannel(channel)
	if c == nil {
		return queue.ErrChannelNotFound
	}
	c.Pause(paused)
	return m.Persist()
}

// names lists the topics with their channels: "a(c d) b()".
func (n *testNode) names() string {
	var all []string
	for _, t := range n.Topics() {
		var channels []string
		for _, c := range t.Channels() {
			channels = append(channels, c.Name())
		}
		all = append(all, t.Name()+"("+strings.Join(channels, " ")+")")
	}
	return strings.Join(all, " ")
}

type consumer struct{}

func (consumer) Wake()  {}
func (consumer) Close() {}

// messages takes what a new channel of the topic gets.
func (n *testNode) messages(t *testing.T, topic string) []string {
	t.Helper()
	found := n.FindTopic(topic)
	if found == nil {
		t.Fatalf("no topic %s", topic)
	}
	c, err := found.Channel("reader")
	if err != nil {
		t.Fatal(err)
	}
	s, err := c.Subscribe(consumer{}, queue.Terms{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.SetReady(1000)
	var bodies []string
	for range 1000 { // the hand-over from topic to channel may still be on its way
		for _, m := range s.Take(make([]queue.Message, 0, 1000)) {
			bodies = append(bodies, m.Body)
		}
		if uint64(len(bodies)) == n.Stats(topic, "")[0].MessageCount {
			break
		}
		time.Sleep(time.Millisecond)
	}
	return bodies
}

func (n *testNode) post(uri, body string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	n.api.ServeHTTP(w, httptest.NewRequest("POST", uri, strings.NewReader(body)))
	return w
}

func failure(text string) string { return `{"message":"` + text + `"}` }
