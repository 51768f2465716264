// Package simnet is a network in memory for tests: hosts with packets and streams, latency, loss, cuts in one direction
// or both, hosts that crash, freeze or lose power. It is made for bubbles of testing/synctest, where minutes pass in
// milliseconds: everything that waits, waits on channels and timers of the bubble it was made in.
//
// One lock guards the conditions and the set of hosts and streams; every stream direction and every packet queue has its
// own. Nothing blocks while it holds one. A Network never reorders the bytes of a stream and never invents any.
package simnet

import (
	"math/rand/v2"
	"sync"
	"time"
)

// Network is a set of hosts and the conditions between them.
type Network struct {
	mu       sync.Mutex
	rng      *rand.Rand
	hosts    map[string]*Host
	cuts     map[[2]*Host]bool // from, to
	latency  time.Duration
	perMille int
	halves   map[*half]struct{}
}

// New makes a network without loss and with 200 µs of latency. The seed decides which packets get lost.
func New(seed uint64) *Network {
	return &Network{
		rng: rand.New(rand.NewPCG(seed, 1)), hosts: make(map[string]*Host), cuts: make(map[[2]*Host]bool),
		latency: 200 * time.Microsecond, halves: make(map[*half]struct{}),
	}
}

// Host returns the host with an IP address, made if it is new. After a crash it returns a new host in the old one's place:
// what is left of the old processes keeps the old one, and can do nothing with it.
func (n *Network) Host(ip string) *Host {
	n.mu.Lock()
	defer n.mu.Unlock()
	h := n.hosts[ip]
	if h == nil || h.dead {
		h = &Host{net: n, ip: ip, nextPort: 40000, listeners: make(map[int]*listener), sockets: make(map[int]*packetConn)}
		n.hosts[ip] = h
	}
	return h
}

// SetLatency sets the time that everything takes from host to host; packets take up to half as long again.
func (n *Network) SetLatency(d time.Duration) { n.change(func() { n.latency = d }) }

// SetLoss sets how many of a thousand packets get lost, and how many writes on a stream need a retransmission.
func (n *Network) SetLoss(perMille int) { n.change(func() { n.perMille = perMille }) }

// Cut lets nothing through from one host to another. The other direction stays.
func (n *Network) Cut(from, to *Host) { n.change(func() { n.cuts[[2]*Host{from, to}] = true }) }

// Split lets nothing through between two groups of hosts.
func (n *Network) Split(some, others []*Host) {
	n.change(func() {
		for _, a := range some {
			for _, b := range others {
				n.cuts[[2]*Host{a, b}], n.cuts[[2]*Host{b, a}] = true, true
			}
		}
	})
}

// Heal takes all cuts back.
func (n *Network) Heal() { n.change(func() { clear(n.cuts) }) }

// change alters conditions and wakes everybody who waits for better ones.
func (n *Network) change(f func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	f()
	for h := range n.halves {
		h.kick()
	}
}

// blocked reports whether nothing gets from one host to another now.
func (n *Network) blocked(from, to *Host) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.isBlocked(from, to)
}

func (n *Network) isBlocked(from, to *Host) bool {
	return n.cuts[[2]*Host{from, to}] || from.silent() || to.silent()
}

// delay returns how long one packet takes, or that it gets lost.
func (n *Network) delay() (d time.Duration, lost bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.rng.IntN(1000) < n.perMille {
		return 0, true
	}
	if n.latency == 0 {
		return 0, false
	}
	return n.latency + time.Duration(n.rng.Int64N(int64(n.latency/2)+1)), false
}

// retransmission is what a lost segment costs a stream.
const retransmission = 200 * time.Millisecond

// streamDelay returns how long a segment of a stream takes.
func (n *Network) streamDelay() time.Duration {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.rng.IntN(1000) < n.perMille {
		return n.latency + retransmission
	}
	return n.latency
}
