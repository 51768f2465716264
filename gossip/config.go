package gossip

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"github.com/hashicorp/memberlist"
)

// State is what a mesh replicates. Its methods are called from several goroutines at once; all of them must be quick, as
// Digest is called while memberlist waits.
type State interface {
	// Hash is equal on two members if, and for all practical purposes only if, their states are.
	Hash() uint64
	// Digest is a compact summary of the state, some 20 bytes for every owner.
	Digest() []byte
	// Missing compares a digest with the state and returns a request for what the state lacks, nil for nothing.
	Missing(digest []byte) (want []byte)
	// Answer returns what a request asks for, in chunks of at most 1 MiB.
	Answer(want []byte) (chunks [][]byte)
	// Merge takes a chunk. If the chunk says that there is something which the state lacks, want asks for it.
	Merge(chunk []byte) (want []byte, err error)
}

// Network is the ground under a mesh: the real network, or one in memory.
type Network interface {
	ListenPacket(address string) (net.PacketConn, error)
	Listen(address string) (net.Listener, error)
	Dial(ctx context.Context, address string) (net.Conn, error)
}

// Resolver finds the addresses of seeds. *net.Resolver is one.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
	LookupSRV(ctx context.Context, service, proto, name string) (string, []*net.SRV, error)
}

// Config says who a node is and how it finds the others.
type Config struct {
	ID      string // unique for ever, at most 64 bytes
	Name    string // unique among live members, at most 64 bytes
	Cluster string // members of other clusters are refused; "nsqmesh" if empty

	Bind          string // host:port for gossip, UDP and TCP
	Advertise     string // host, host:port or :port that the others use; found out if empty
	LinkBind      string // host:port for links; no links are accepted if empty
	LinkAdvertise string

	Seeds       []string // host:port, DNS names (all addresses), srv+name
	SeedsFile   string   // more seeds, one a line, read again at every attempt
	MembersFile string   // last known members, written here and tried like seeds; optional

	Keys    [][]byte      // gossip keys of 16, 24 or 32 bytes, the first encrypts; none: plain gossip
	TLS     *tls.Config   // for links, both ways; nil: plain links
	Profile string        // "local", "lan" (also if empty) or "wan"
	Grace   time.Duration // how long a member that fell silent without proof of death still counts as alive

	State    State
	OnChange func() // some member's liveness or address changed: ask again; must not block
	Log      *slog.Logger

	Network  Network  // the real one if nil
	Resolver Resolver // the system's if nil
}

const (
	maxName        = 64
	maxCluster     = 200
	defaultCluster = "nsqmesh"
)

// ErrConfig says that a mesh cannot be made from a Config.
var ErrConfig = errors.New("bad gossip configuration")

func (c *Config) check() error {
	switch {
	case c.ID == "" || len(c.ID) > maxName:
		return fmt.Errorf("%w: the id must have 1 to %d bytes", ErrConfig, maxName)
	case c.Name == "" || len(c.Name) > maxName:
		return fmt.Errorf("%w: the name must have 1 to %d bytes", ErrConfig, maxName)
	case len(c.Cluster) > maxCluster:
		return fmt.Errorf("%w: the cluster's name must have at most %d bytes", ErrConfig, maxCluster)
	}
	if _, ok := profiles[c.Profile]; !ok {
		return fmt.Errorf("%w: unknown profile %q", ErrConfig, c.Profile)
	}
	for _, key := range c.Keys {
		if err := memberlist.ValidateKey(key); err != nil {
			return fmt.Errorf("%w: %w", ErrConfig, err)
		}
	}
	return nil
}

func (c *Config) fill() {
	if c.Cluster == "" {
		c.Cluster = defaultCluster
	}
	if c.State == nil {
		c.State = noState{}
	}
	if c.OnChange == nil {
		c.OnChange = func() {}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Network == nil {
		c.Network = realNetwork{}
	}
	if c.Resolver == nil {
		c.Resolver = net.DefaultResolver
	}
}

// noState serves a mesh that is used for membership and calls alone.
type noState struct{}

func (noState) Hash() uint64                 { return 0 }
func (noState) Digest() []byte               { return nil }
func (noState) Missing([]byte) []byte        { return nil }
func (noState) Answer([]byte) [][]byte       { return nil }
func (noState) Merge([]byte) ([]byte, error) { return nil, nil }
