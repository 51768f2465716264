package main

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/nsqmesh/nsqmesh/admin"
	"github.com/nsqmesh/nsqmesh/cmd/cli"
	"github.com/nsqmesh/nsqmesh/cmd/keyring"
	"github.com/nsqmesh/nsqmesh/gossip"
	"github.com/nsqmesh/nsqmesh/httpapi"
	"github.com/nsqmesh/nsqmesh/node"
	"github.com/nsqmesh/nsqmesh/node/history"
	"github.com/nsqmesh/nsqmesh/node/lookupd"
	"github.com/nsqmesh/nsqmesh/node/nsqd"
	"github.com/nsqmesh/nsqmesh/node/queue"
	"github.com/nsqmesh/nsqmesh/node/registry"
	"github.com/nsqmesh/nsqmesh/node/statsd"
	"github.com/nsqmesh/nsqmesh/raftstore"
)

const (
	// A request under way when the node stops gets this long to end.
	httpGrace = 2 * time.Second
	// A node that finds none of its seeds speaks for itself after this long.
	firstSync = 3 * time.Second
)

// parts are a node's pieces. Each start function makes some and registers how they stop.
type parts struct {
	id           string
	nodeIDOrigin registry.NodeIDOrigin
	broker       *queue.Broker
	registry     *registry.Registry
	mesh         *gossip.Mesh     // nil when gossip is off
	raft         *raftstore.Store // nil without a mesh
	node         *node.Node
	stock        *lookupd.Peers
	settled      func() // to be called when this node has heard of the others, or has waited for that long enough
	tcp          *nsqd.Server
	drainer      *node.Drainer

	admin               *admin.Admin    // nil when its pages are off
	history             *history.Keeper // likewise
	users               *admin.Users    // nil without a file of them
	nsqdAPI, lookupdAPI http.Handler
}

// openQueues locks the data folder and loads what it holds.
func (s *server) openQueues() error {
	o := s.opts
	s.parts.broker = queue.New(queue.Options{
		DataPath: o.DataPath, NodeID: o.NodeID, Version: cli.StockVersion,
		MemQueueSize: o.MemQueueSize, MemQueueBytes: o.MemQueueBytes, MaxBytesPerFile: o.MaxBytesPerFile,
		SyncEvery: o.SyncEvery, SyncTimeout: o.SyncTimeout, MaxMsgSize: o.MaxMsgSize,
		MsgTimeout: o.MsgTimeout, MaxMsgTimeout: o.MaxMsgTimeout, MaxReqTimeout: o.MaxReqTimeout,
		MaxChannelConsumers: o.MaxChannelConsumers,
		LatencyPercentiles:  o.E2EPercentiles, LatencyWindow: o.E2EWindow,
		Channels: func(topic string) []string { return s.parts.node.Channels(topic) },
		Policy:   func(topic string) *queue.Policy { return s.parts.node.PolicyOf(topic) },
		Log:      s.log,
	})
	if err := s.parts.broker.Load(); err != nil {
		return err
	}
	s.life.onStop("queues", s.parts.broker.Close)
	s.life.run("metadata", s.parts.broker.Run)
	return nil
}

// openRegistry learns who this node is and what it knew of the others.
func (s *server) openRegistry() error {
	identity, err := registry.OpenIdentity(s.opts.DataPath)
	if err != nil {
		return err
	}
	s.parts.id = identity.ID
	s.numberNode(identity)
	s.parts.registry = registry.New(registry.Options{
		ID: identity.ID, Generation: identity.Generation, DataPath: s.opts.DataPath,
		TombstoneLifetime: s.opts.TombstoneLifetime, InactiveProducerTimeout: s.opts.InactiveProducerTimeout,
		Hold: s.meshed(), Log: s.log,
	}, nil)
	if err := s.parts.registry.Load(); err != nil {
		return err
	}
	s.life.run("registry", s.parts.registry.Run)
	return nil
}

// numberNode finds the node id to begin with where none was given. A node that joins others does not take that of its host
// name, which it may share with them.
func (s *server) numberNode(identity registry.Identity) {
	s.parts.nodeIDOrigin = registry.GivenNodeID
	if s.opts.NodeIDGiven {
		return
	}
	s.parts.nodeIDOrigin = registry.ChosenNodeID
	switch {
	case identity.NodeID != nil:
		s.opts.NodeID = int64(*identity.NodeID)
	case s.meshed():
		s.opts.NodeID = int64(registry.FirstNodeID(identity.ID))
	}
}

func (s *server) meshed() bool { return s.opts.GossipAddress != "" && len(s.opts.GossipSeeds) > 0 }

// openMesh binds the ports between nodes; nobody is spoken to yet.
func (s *server) openMesh() error {
	o := s.opts
	if o.GossipAddress == "" {
		return nil
	}
	keys, err := keyring.ReadFile(o.GossipKeyFile)
	if err != nil {
		return err
	}
	if keyring.Exposed(o.GossipKeyFile) {
		s.log.Warn("others can read the keys of gossip: make the file readable for this node alone", "file", o.GossipKeyFile)
	}
	seeds, file := splitSeeds(o.GossipSeeds)
	s.parts.mesh = gossip.New(gossip.Config{
		ID: s.parts.id, Name: s.name(), Cluster: o.ClusterName,
		Bind: o.GossipAddress, Advertise: o.GossipAdvertise,
		LinkBind: o.ClusterAddress, LinkAdvertise: o.ClusterAdvertise,
		Seeds: seeds, SeedsFile: file, MembersFile: s.file("nsqmesh.members"),
		Keys: keys, TLS: s.tls.cluster, Profile: o.GossipProfile,
		State: s.parts.registry, OnChange: s.membersChanged, Log: s.log,
	})
	if err := s.parts.mesh.Listen(); err != nil {
		return err
	}
	s.life.onStop("mesh ports", func() error {
		s.parts.mesh.Close()
		return nil
	})
	if len(keys) > 0 {
		s.life.run("gossip keys", s.followKeyFile)
	}
	s.parts.registry.Connect(s.parts.mesh)
	return nil
}

// splitSeeds takes the one seed that is a file apart from the others.
func splitSeeds(all []string) (seeds []string, file string) {
	for _, seed := range all {
		if path, ok := strings.CutPrefix(seed, "file:"); ok {
			file = path
		} else {
			seeds = append(seeds, seed)
		}
	}
	return seeds, file
}

// startNode tells the registry what is here and then joins the mesh.
func (s *server) startNode() error {
	o := s.opts
	s.parts.stock = lookupd.NewPeers(lookupd.PeersOptions{
		BroadcastAddress: o.BroadcastAddress, Hostname: s.host, TCPPort: o.BroadcastTCPPort, HTTPPort: o.BroadcastHTTPPort,
		Version: cli.StockVersion, Zone: o.TopologyZone, Region: o.TopologyRegion,
		MaxBodySize: o.MaxBodySize, ConnectTimeout: o.HTTPClientConnectTimeout, RequestTimeout: o.HTTPClientRequestTimeout,
		Log: s.log,
	}, brokerNames{s.parts.broker})
	s.parts.stock.SetPeers(o.LookupdTCPAddresses)
	s.parts.node = node.New(node.Options{
		Broker: s.parts.broker, Registry: s.parts.registry, Peers: s.livePeers,
		Known: s.parts.stock.Channels, Neighbours: s.neighbourChannels, Authority: s.authority(), Settled: s.settle(),
		Policies: o.Policies, MaxMsgSize: o.MaxMsgSize, Log: s.log,
	})
	s.answerNeighbours()
	s.parts.registry.SetNode(registry.Node{
		Name: s.name(), Hostname: s.host, BroadcastAddress: o.BroadcastAddress,
		TCPPort: o.BroadcastTCPPort, HTTPPort: o.BroadcastHTTPPort,
		LookupTCPPort: portOf(s.socks.lookupTCP), LookupHTTPPort: portOf(s.socks.lookupHTTP),
		Version: cli.StockVersion, Zone: o.TopologyZone, Region: o.TopologyRegion,
		NodeID: int(o.NodeID), NodeIDOrigin: s.parts.nodeIDOrigin,
	})
	s.parts.node.Renumber()
	s.parts.node.Enforce()
	s.parts.node.Obey()
	s.parts.node.Declare()
	s.life.run("stock lookupds", func(ctx context.Context) error {
		return s.parts.stock.Run(ctx, s.parts.broker.Watch())
	})
	s.life.run("node", s.parts.node.Run)
	s.life.run("idle topics", s.parts.node.RunIdle)
	return nil
}

// settle returns what is closed once the node has settled.
func (s *server) settle() <-chan struct{} {
	settled := make(chan struct{})
	s.parts.settled = sync.OnceFunc(func() { close(settled) })
	return settled
}

// livePeers counts the other nodes that are up.
func (s *server) livePeers() int {
	if s.parts.mesh == nil {
		return 0
	}
	return s.parts.mesh.Stats().Alive
}

// join runs the mesh. A node that was away hears of deletes before it says what it has; one that finds nobody speaks anyway.
func (s *server) join() {
	if s.parts.mesh != nil {
		s.life.run("mesh", s.parts.mesh.Run)
	}
	if s.meshed() {
		s.life.run("first sync", s.firstSync)
	} else {
		s.parts.settled()
	}
}

func (s *server) firstSync(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, firstSync)
	defer cancel()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for waiting := true; waiting; {
		select {
		case <-ctx.Done():
			waiting = false
		case <-look.C:
			at := s.parts.mesh.Stats()
			waiting = at.Alive == 0 || !at.InSync || !s.parts.raft.Current()
		}
	}
	s.parts.node.Obey()
	s.parts.registry.Advertise()
	s.parts.settled()
	s.ready.joined.Store(true)
	return nil
}

// startNsqd serves producers and consumers.
func (s *server) startNsqd() error {
	conf := newConfig(s.opts)
	conf.onLogLevel = func(l LogLevel) { s.level.Set(l.slogLevel()) }
	conf.onLookupds = s.parts.stock.SetPeers
	s.startReadiness()
	s.parts.tcp = nsqd.New(s.nsqdOptions(), s.parts.node)
	api := httpapi.NewNsqd(httpapi.NsqdOptions{
		Queues: s.parts.broker, Metadata: s.parts.node, Topic: s.parts.node.Topic, Policies: s.parts.node, Clients: s.parts.tcp.Clients, Config: conf,
		Info: s.info(), Limits: httpapi.Limits{MaxMsgSize: s.opts.MaxMsgSize, MaxBodySize: s.opts.MaxBodySize, MaxReqTimeout: s.opts.MaxReqTimeout},
		NotReady: s.ready.reasons, Metrics: s.metrics(),
		Disconnect: s.parts.tcp.Disconnect, Draining: s.draining(), Vitals: s.vitals, History: s.past(), Audit: s.actions(), Log: s.log,
	})
	s.parts.nsqdAPI = api
	api = s.guard(api)
	if l := s.socks.tcp; l != nil {
		s.life.serve("nsqd TCP", func() error { return s.parts.tcp.Serve(l) })
	}
	s.life.onStop("nsqd TCP", func() error {
		s.parts.tcp.Close()
		return nil
	})
	s.serveHTTPS("nsqd HTTPS", s.socks.https, api, s.tls.clients)
	if s.opts.TLSRequired == TLSRequiredEverywhere {
		api = httpapi.TLSRequired(max(portOf(s.socks.https), 0))
	}
	s.serveHTTP("nsqd HTTP", s.socks.http, api)
	s.life.onStop("settling", func() error { // first, for the servers wait for whoever waits for it
		s.parts.settled()
		return nil
	})
	return nil
}

// startLookupd serves who asks where topics are, and stock nsqds that register.
func (s *server) startLookupd() error {
	tcp := lookupd.New(lookupd.Options{
		BroadcastAddress: s.opts.BroadcastAddress, Hostname: s.host, Version: cli.StockVersion,
		TCPPort: portOf(s.socks.lookupTCP), HTTPPort: portOf(s.socks.lookupHTTP), Log: s.log,
	}, s.parts.registry)
	if l := s.socks.lookupTCP; l != nil {
		s.life.serve("lookupd TCP", func() error { return tcp.Serve(l) })
	}
	s.life.onStop("lookupd TCP", func() error {
		tcp.Close()
		return nil
	})
	done := make(chan struct{})
	s.parts.lookupdAPI = s.lookupAPI(done)
	s.serveHTTP("lookupd HTTP", s.socks.lookupHTTP, s.guard(s.parts.lookupdAPI))
	s.life.onStop("watchers", func() error {
		close(done)
		return nil
	})
	s.life.onStop("consumers", s.letFinish)
	s.join() // late, so that it is early to stop: the others stop sending clients here
	s.runRaft()
	return nil
}

func (s *server) startStatsd() error {
	o := s.opts
	if o.StatsdAddress == "" {
		return nil
	}
	p, err := statsd.New(statsd.Options{
		Address: o.StatsdAddress, Prefix: o.StatsdPrefix, Interval: o.StatsdInterval, MemStats: o.StatsdMemStats,
		PacketSize: o.StatsdUDPPacketSize, ExcludeEphemeral: o.StatsdExcludeEphemeral, Log: s.log,
	}, s.parts.broker)
	if err != nil {
		return err
	}
	s.life.run("statsd", p.Run)
	return nil
}
