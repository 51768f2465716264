package follow

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/nsqmesh/nsqmesh/httpapi"
	"github.com/nsqmesh/nsqmesh/node/registry"
)

// directory is the lookup side of a node, with what it knows in the hands of a test.
type directory struct {
	*registry.Registry
	web *httptest.Server
}

func startDirectory(t testing.TB) *directory {
	t.Helper()
	d := newDirectory()
	t.Cleanup(d.stop)
	return d
}

func newDirectory() *directory {
	r := registry.New(registry.Options{ID: strings.Repeat("0", 31) + "1"}, nil)
	web := httptest.NewServer(httpapi.NewLookupd(httpapi.LookupdOptions{
		Directory: r, Metadata: intents{r}, Registrations: r.Registrations, Log: slog.New(slog.DiscardHandler),
	}))
	return &directory{r, web}
}

func (d *directory) stop() {
	d.web.CloseClientConnections()
	d.web.Close()
}

// ExampleLookups are of a mesh for the examples: one node, which has a message.
var ExampleLookups = sync.OnceValue(func() []string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	f, d := newNsqd(l), newDirectory()
	f.queue = []string{"an order"}
	d.add(f, "", "", "orders")
	return []string{d.web.URL}
})

// intents is what the registry alone makes of them.
type intents struct{ *registry.Registry }

func (m intents) CreateTopic(_ context.Context, topic string) error {
	m.Registry.CreateTopic(topic)
	return nil
}

func (m intents) CreateChannel(_ context.Context, topic, channel string) error {
	m.Registry.CreateChannel(topic, channel)
	return nil
}

func (m intents) DeleteTopic(_ context.Context, topic string) error {
	m.Registry.DeleteTopic(topic)
	return nil
}

func (m intents) DeleteChannel(_ context.Context, topic, channel string) error {
	m.Registry.DeleteChannel(topic, channel)
	return nil
}

// add lists a node.
func (d *directory) add(f *fakeNsqd, zone, region string, topics ...string) *registry.Guest {
	g := d.Identify(registry.Producer{
		RemoteAddress: f.address(), BroadcastAddress: "127.0.0.1", TCPPort: f.port(), TopologyZone: zone, TopologyRegion: region,
	})
	for _, topic := range topics {
		g.Register(topic, "")
	}
	return g
}

func mesh(directories ...*directory) Mesh {
	m := Mesh{Log: slog.New(slog.DiscardHandler)}
	for _, d := range directories {
		m.Lookups = append(m.Lookups, d.web.URL)
	}
	return m
}

func TestLookupAddresses(t *testing.T) {
	for given, want := range map[string]string{
		"localhost:4161":                "http://localhost:4161/watch",
		"[::1]:4161":                    "http://[::1]:4161/watch",
		"https://mesh.example.com":      "https://mesh.example.com/watch",
		"https://mesh.example.com/nsq/": "https://mesh.example.com/nsq/watch",
		"localhost":                     "",
		"ftp://localhost:4161":          "",
		"http://":                       "",
		"http://a b:1":                  "",
	} {
		u, err := parseLookup(given)
		if err == nil && u.String() != want || (err != nil) != (want == "") {
			t.Errorf("%s is %v, %v", given, u, err)
		}
		if err != nil && !errors.Is(err, ErrLookup) {
			t.Errorf("%s: %v", given, err)
		}
	}
}
