package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nsqmesh/nsqmesh/cmd/cli"
)

const (
	// LookupVariableName names lookup addresses for all tools, separated by commas.
	LookupVariableName = cli.EnvPrefix + "LOOKUPD"
	defaultLookupd     = "127.0.0.1:4161"

	helloPatience = time.Second // for other members to show that they can be asked, too
	spareLookupds = 4           // members that are asked when the given ones are down
)

// Flags say where the nodes are. Any one node knows all of its mesh.
type Flags struct {
	Lookupds []string
	Api      APIFlags
}

func NewFlags() Flags { return Flags{Api: NewAPIFlags()} }

func (c *Flags) Add(f *cli.Flags) {
	f.Add(&c.Lookupds, "lookupd-http-address", "lookup `address` of any node, or of an nsqlookupd; repeat for more (default $"+
		LookupVariableName+" or "+defaultLookupd+")")
	c.Api.Add(f)
}

// Cluster is what lookup addresses lead to.
type Cluster struct {
	Api      *Client
	Lookupds []string
	guessed  bool // nobody named a lookup address
}

func (c *Flags) Open(std cli.Stdio) (*Cluster, error) {
	client, err := c.Api.Client()
	if err != nil {
		return nil, err
	}
	addresses := c.Lookupds
	if len(addresses) == 0 {
		addresses = cli.SplitCommas(cli.LookupVariable(std.Environ, LookupVariableName))
	}
	guessed := len(addresses) == 0
	if guessed {
		addresses = []string{defaultLookupd}
	}
	for _, a := range addresses {
		if _, err := baseURL(a); err != nil {
			return nil, err
		}
	}
	return &Cluster{client, addresses, guessed}, nil
}

// Producer is a node as lookups tell of it.
type Producer struct {
	Hostname         string   `json:"hostname"`
	BroadcastAddress string   `json:"broadcast_address"`
	TCPPort          int      `json:"tcp_port"`
	HTTPPort         int      `json:"http_port"`
	Version          string   `json:"version"`
	Zone             string   `json:"topology_zone"`
	Region           string   `json:"topology_region"`
	Topics           []string `json:"topics,omitempty"`
	Tombstones       []bool   `json:"tombstones,omitempty"`
}

func (p Producer) Tcp() string  { return joinPort(p.BroadcastAddress, p.TCPPort) }
func (p Producer) Http() string { return joinPort(p.BroadcastAddress, p.HTTPPort) }

// joinPort is empty where there is no port.
func joinPort(host string, port int) string {
	if port <= 0 {
		return ""
	}
	return net.JoinHostPort(host, strconv.Itoa(port))
}

// lookupAnswers is what /lookup, /nodes, /topics and /channels tell, each a part of it.
type lookupAnswers struct {
	Topics    []string   `json:"topics"`
	Channels  []string   `json:"channels"`
	Producers []Producer `json:"producers"`
}

// Ask asks all lookup addresses and joins their answers: nodes of a mesh agree, stock nsqlookupds need not. Some may be
// down, but not all. An address that knows no such topic has answered; unknown tells that all are like that.
func (c *Cluster) Ask(ctx context.Context, path string, query url.Values) (all lookupAnswers, unknown bool, err error) {
	var failed []error
	answered := 0
	for _, address := range c.Lookupds {
		var one lookupAnswers
		err := c.Api.Get(ctx, address, path, query, &one)
		switch {
		case isRefusal(err, http.StatusNotFound):
			unknown = true
		case err != nil:
			failed = append(failed, err)
		default:
			answered++
			all.join(one)
		}
	}
	switch {
	case answered > 0:
		return all, false, nil
	case unknown:
		return all, true, nil
	}
	return all, false, c.notFound(failed)
}

// First does something at one lookup address, the first that answers, be it with a refusal.
func (c *Cluster) First(do func(address string) error) error {
	var failed []error
	for _, address := range c.Lookupds {
		err := do(address)
		if err == nil || errors.As(err, new(*refusal)) {
			return err
		}
		failed = append(failed, err)
	}
	return c.notFound(failed)
}

// notFound says how to name a node, if nobody has.
func (c *Cluster) notFound(failed []error) error {
	err := fmt.Errorf("find the nodes: %w", errors.Join(failed...))
	if c.guessed {
		err = fmt.Errorf("%w (name a node with --lookupd-http-address or $%s)", err, LookupVariableName)
	}
	return err
}

func (a *lookupAnswers) join(b lookupAnswers) {
	a.Topics = append(a.Topics, b.Topics...)
	a.Channels = append(a.Channels, b.Channels...)
	slices.Sort(a.Topics)
	slices.Sort(a.Channels)
	a.Topics, a.Channels = slices.Compact(a.Topics), slices.Compact(a.Channels)
	for _, p := range b.Producers {
		if !slices.ContainsFunc(a.Producers, func(q Producer) bool { return q.Tcp() == p.Tcp() && q.Http() == p.Http() }) {
			a.Producers = append(a.Producers, p)
		}
	}
}

// Nodes are all nodes, sorted by address.
func (c *Cluster) Nodes(ctx context.Context) ([]Producer, error) {
	all, _, err := c.Ask(ctx, "/nodes", nil)
	slices.SortFunc(all.Producers, func(p, q Producer) int { return strings.Compare(p.Tcp(), q.Tcp()) })
	return all.Producers, err
}

func (c *Cluster) Topics(ctx context.Context) ([]string, error) {
	all, _, err := c.Ask(ctx, "/topics", nil)
	return all.Topics, err
}

// Lookup is who has a topic; nobody, if it is not known.
func (c *Cluster) Lookup(ctx context.Context, topic string) (lookupAnswers, error) {
	all, _, err := c.Ask(ctx, "/lookup", url.Values{"topic": {topic}})
	return all, err
}

// Publishers are the TCP addresses of nodes that take messages for a topic. Nodes of a mesh name them, the near ones first;
// an nsqlookupd only knows who has the topic and, if nobody, who is there.
func (c *Cluster) Publishers(ctx context.Context, topic string) ([]Producer, error) {
	all, _, err := c.Ask(ctx, "/lookup", url.Values{"topic": {topic}, "for": {"publish"}})
	if err == nil && len(all.Producers) == 0 {
		all, _, err = c.Ask(ctx, "/nodes", nil)
	}
	return slices.DeleteFunc(all.Producers, func(p Producer) bool { return p.TCPPort <= 0 }), err
}

// More adds lookup addresses of other members, so that a tool that runs for long survives the node that it was told of.
func (c *Cluster) More(ctx context.Context) []string {
	ctx, cancel := context.WithTimeout(ctx, helloPatience)
	defer cancel()
	all := slices.Clone(c.Lookupds)
	mesh, err := c.Mesh(ctx)
	if err != nil {
		return all // stock nsqlookupds do not know each other
	}
	var mu sync.Mutex
	var asks sync.WaitGroup
	for _, m := range mesh.Members {
		if m.Self || m.Status != "alive" || m.LookupHTTPPort <= 0 {
			continue
		}
		asks.Go(func() {
			address := joinPort(m.BroadcastAddress, m.LookupHTTPPort)
			if c.Api.Get(ctx, address, "/info", nil, new(struct{})) != nil {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			if len(all) < len(c.Lookupds)+spareLookupds && !slices.Contains(all, address) {
				all = append(all, address)
			}
		})
	}
	asks.Wait()
	return all
}
