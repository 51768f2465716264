package lookupd

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Queues are the topics of this node's own nsqd.
type Queues interface {
	Topics() []string
	Channels(topic string) (channels []string, exists bool)
}

// Changes tell which of them changed.
type Changes interface {
	C() <-chan struct{} // receives after a change; several changes may be one receive
	Names() []string    // topics that changed since the last call
}

// PeersOptions are what this node tells stock nsqlookupds about itself, and how long it waits for them.
type PeersOptions struct {
	BroadcastAddress string
	Hostname         string
	TCPPort          int // as clients dial it
	HTTPPort         int
	Version          string
	Zone, Region     string

	MaxBodySize    int64         // no answer may be larger
	ConnectTimeout time.Duration // of questions over HTTP
	RequestTimeout time.Duration
	Log            *slog.Logger
}

// Peers are the stock nsqlookupds that this node registers with.
type Peers struct {
	o      PeersOptions
	queues Queues
	client *http.Client

	mu    sync.Mutex
	addrs []string // as set, without repeats
	peers map[string]*peer
	start func(*peer) // nil unless Run runs
}

// NewPeers returns Peers that connect to nobody yet.
func NewPeers(o PeersOptions, q Queues) *Peers {
	return &Peers{o: o, queues: q, client: newClient(o), peers: map[string]*peer{}}
}

// SetPeers says which nsqlookupds there are now. Those that are no longer among them are disconnected.
func (p *Peers) SetPeers(addrs []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.addrs = slices.Clone(addrs)
	p.reconcile()
}

func (p *Peers) reconcile() {
	if p.start == nil {
		return
	}
	for addr, peer := range p.peers {
		if !slices.Contains(p.addrs, addr) {
			peer.stop()
			delete(p.peers, addr)
		}
	}
	for _, addr := range p.addrs {
		if p.peers[addr] == nil {
			p.peers[addr] = newPeer(p, addr)
			p.start(p.peers[addr])
		}
	}
}

// Run keeps all peers registered until ctx ends. Nothing is unregistered then: the connections just end.
func (p *Peers) Run(ctx context.Context, changes Changes) error {
	var runs sync.WaitGroup
	defer runs.Wait()
	defer p.halt()
	p.mu.Lock()
	p.start = func(peer *peer) {
		ctx, stop := context.WithCancel(ctx)
		peer.stop = stop
		runs.Go(func() { peer.run(ctx) })
	}
	p.reconcile()
	p.mu.Unlock()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-changes.C():
			p.tell(changes.Names())
		}
	}
}

func (p *Peers) halt() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.start = nil
	for addr, peer := range p.peers {
		peer.stop()
		delete(p.peers, addr)
	}
}

// tell hands the peers how topics look at this moment: what comes and goes within a blink is told as coming and going.
func (p *Peers) tell(names []string) {
	slices.Sort(names)
	events := make([]event, len(names))
	for i, name := range names {
		channels, exists := p.queues.Channels(name)
		events[i] = event{name, exists, channels}
	}
	for _, peer := range p.list() {
		peer.enqueue(events)
	}
}

func (p *Peers) list() []*peer {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := make([]*peer, 0, len(p.peers))
	for _, peer := range p.peers {
		list = append(list, peer)
	}
	return list
}
