package main

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
)

const (
	// lookupVariableName names lookup addresses for all tools, separated by commas.
	lookupVariableName = envPrefix + "LOOKUPD"
	defaultLookupd     = "127.0.0.1:4161"

	helloPatience = time.Second // for other members to show that they can be asked, too
	spareLookupds = 4           // members that are asked when the given ones are down
)

// clusterFlags say where the nodes are. Any one node knows all of its mesh.
type clusterFlags struct {
	lookupds []string
	api      apiFlags
}

func newClusterFlags() clusterFlags { return clusterFlags{api: newAPIFlags()} }

func (c *clusterFlags) add(f *flagTable) {
	f.add(&c.lookupds, "lookupd-http-address", "lookup `address` of any node, or of an nsqlookupd; repeat for more (default $"+
		lookupVariableName+" or "+defaultLookupd+")")
	c.api.add(f)
}

// cluster is what lookup addresses lead to.
type cluster struct {
	api      *apiClient
	lookupds []string
	guessed  bool // nobody named a lookup address
}

func (c *clusterFlags) open(std stdio) (*cluster, error) {
	client, err := c.api.client()
	if err != nil {
		return nil, err
	}
	addresses := c.lookupds
	if len(addresses) == 0 {
		addresses = splitCommas(lookupVariable(std.environ, lookupVariableName))
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
	return &cluster{client, addresses, guessed}, nil
}

// producerInfo is a node as lookups tell of it.
type producerInfo struct {
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

func (p producerInfo) tcp() string  { return joinPort(p.BroadcastAddress, p.TCPPort) }
func (p producerInfo) http() string { return joinPort(p.BroadcastAddress, p.HTTPPort) }

// joinPort is empty where there is no port.
func joinPort(host string, port int) string {
	if port <= 0 {
		return ""
	}
	return net.JoinHostPort(host, strconv.Itoa(port))
}

// lookupAnswers is what /lookup, /nodes, /topics and /channels tell, each a part of it.
type lookupAnswers struct {
	Topics    []string       `json:"topics"`
	Channels  []string       `json:"channels"`
	Producers []producerInfo `json:"producers"`
}

// ask asks all lookup addresses and joins their answers: nodes of a mesh agree, stock nsqlookupds need not. Some may be
// down, but not all. An address that knows no such topic has answered; unknown tells that all are like that.
func (c *cluster) ask(ctx context.Context, path string, query url.Values) (all lookupAnswers, unknown bool, err error) {
	var failed []error
	answered := 0
	for _, address := range c.lookupds {
		var one lookupAnswers
		err := c.api.get(ctx, address, path, query, &one)
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

// notFound says how to name a node, if nobody has.
func (c *cluster) notFound(failed []error) error {
	err := fmt.Errorf("find the nodes: %w", errors.Join(failed...))
	if c.guessed {
		err = fmt.Errorf("%w (name a node with --lookupd-http-address or $%s)", err, lookupVariableName)
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
		if !slices.ContainsFunc(a.Producers, func(q producerInfo) bool { return q.tcp() == p.tcp() && q.http() == p.http() }) {
			a.Producers = append(a.Producers, p)
		}
	}
}

// nodes are all nodes, sorted by address.
func (c *cluster) nodes(ctx context.Context) ([]producerInfo, error) {
	all, _, err := c.ask(ctx, "/nodes", nil)
	slices.SortFunc(all.Producers, func(p, q producerInfo) int { return strings.Compare(p.tcp(), q.tcp()) })
	return all.Producers, err
}

func (c *cluster) topics(ctx context.Context) ([]string, error) {
	all, _, err := c.ask(ctx, "/topics", nil)
	return all.Topics, err
}

// lookup is who has a topic; nobody, if it is not known.
func (c *cluster) lookup(ctx context.Context, topic string) (lookupAnswers, error) {
	all, _, err := c.ask(ctx, "/lookup", url.Values{"topic": {topic}})
	return all, err
}

// publishers are the TCP addresses of nodes that take messages for a topic. Nodes of a mesh name them, the near ones first;
// an nsqlookupd only knows who has the topic and, if nobody, who is there.
func (c *cluster) publishers(ctx context.Context, topic string) ([]producerInfo, error) {
	all, _, err := c.ask(ctx, "/lookup", url.Values{"topic": {topic}, "for": {"publish"}})
	if err == nil && len(all.Producers) == 0 {
		all, _, err = c.ask(ctx, "/nodes", nil)
	}
	return slices.DeleteFunc(all.Producers, func(p producerInfo) bool { return p.TCPPort <= 0 }), err
}

// more adds lookup addresses of other members, so that a tool that runs for long survives the node that it was told of.
func (c *cluster) more(ctx context.Context) []string {
	ctx, cancel := context.WithTimeout(ctx, helloPatience)
	defer cancel()
	all := slices.Clone(c.lookupds)
	mesh, err := c.mesh(ctx)
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
			if c.api.get(ctx, address, "/info", nil, new(struct{})) != nil {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			if len(all) < len(c.lookupds)+spareLookupds && !slices.Contains(all, address) {
				all = append(all, address)
			}
		})
	}
	asks.Wait()
	return all
}
