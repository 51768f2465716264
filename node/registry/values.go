package registry

import (
	"encoding/binary"
	"net"
	"strconv"
)

const (
	flagPaused  = 1 // the topic, the channel, or what an intent asks for
	flagForeign = 2 // the stamp was made by another node than the owner of the document, and says so
)

// stamped is the value of registrations and intents.
type stamped struct {
	paused bool
	stamp  Stamp
	text   string // of a policy
}

func (s stamped) encode(owner string) string {
	var flags byte
	if s.paused {
		flags |= flagPaused
	}
	if s.stamp.Node != owner {
		flags |= flagForeign
	}
	b := binary.AppendUvarint([]byte{flags}, s.stamp.Counter)
	if s.stamp.Node != owner {
		b = appendOwner(b, s.stamp.Node)
	}
	return string(b) + s.text
}

// decodeStamped reads what garbage left readable: a value that is cut short has a zero stamp, which anything covers.
func decodeStamped(value, owner string) stamped {
	r := reader{b: []byte(value)}
	flags := r.octet()
	s := stamped{paused: flags&flagPaused != 0, stamp: Stamp{Counter: r.number(), Node: owner}}
	if flags&flagForeign != 0 {
		s.stamp.Node = r.owner()
	}
	s.text = string(r.b)
	if r.bad {
		return stamped{}
	}
	return s
}

// buried is the value of a tombstone: which registration it is for. A later one of the same producer is not hidden.
type buried struct {
	generation uint64
	stamp      Stamp
}

func (t buried) encode(owner string) string {
	b := binary.AppendUvarint(nil, t.generation)
	return string(b) + stamped{stamp: t.stamp}.encode(owner)
}

func decodeBuried(value, owner string) buried {
	r := reader{b: []byte(value)}
	generation := r.number()
	return buried{generation, decodeStamped(string(r.b), owner).stamp}
}

// Node is what a node says about itself, all of it slow to change.
type Node struct {
	Name, Hostname, BroadcastAddress string
	TCPPort, HTTPPort                int // of its nsqd, as clients dial it; TCPPort 0 is a node without one
	LookupTCPPort, LookupHTTPPort    int
	Version, Zone, Region            string
	Draining                         bool // it has producers go elsewhere
	NodeID                           int  // in its message ids
	NodeIDOrigin                     NodeIDOrigin
}

// Producer is an nsqd, a node's own or a stock one that is a guest of it, in the form that lookups list it.
type Producer struct {
	RemoteAddress    string `json:"remote_address"`
	Hostname         string `json:"hostname"`
	BroadcastAddress string `json:"broadcast_address"`
	TCPPort          int    `json:"tcp_port"`
	HTTPPort         int    `json:"http_port"`
	Version          string `json:"version"`
	TopologyZone     string `json:"topology_zone"`
	TopologyRegion   string `json:"topology_region"`
}

func (n Node) producer() Producer {
	return Producer{
		RemoteAddress: net.JoinHostPort(n.BroadcastAddress, strconv.Itoa(n.TCPPort)),
		Hostname:      n.Hostname, BroadcastAddress: n.BroadcastAddress,
		TCPPort: n.TCPPort, HTTPPort: n.HTTPPort,
		Version: n.Version, TopologyZone: n.Zone, TopologyRegion: n.Region,
	}
}

// Later releases append fields to these; a reader takes what it knows and finds zeros where an older one wrote less.

func (n Node) encode() string {
	var b []byte
	for _, s := range []string{n.Name, n.Hostname, n.BroadcastAddress, n.Version, n.Zone, n.Region} {
		b = appendText(b, clip(s))
	}
	for _, p := range []int{n.TCPPort, n.HTTPPort, n.LookupTCPPort, n.LookupHTTPPort} {
		b = binary.AppendVarint(b, int64(p))
	}
	b = append(b, bit(n.Draining), byte(n.NodeIDOrigin))
	return string(binary.AppendVarint(b, int64(n.NodeID)))
}

func decodeNode(value string) Node {
	r := reader{b: []byte(value)}
	return Node{
		Name: r.text(maxText), Hostname: r.text(maxText), BroadcastAddress: r.text(maxText),
		Version: r.text(maxText), Zone: r.text(maxText), Region: r.text(maxText),
		TCPPort: r.signed(), HTTPPort: r.signed(), LookupTCPPort: r.signed(), LookupHTTPPort: r.signed(),
		Draining: r.octet() == 1, NodeIDOrigin: NodeIDOrigin(r.octet()), NodeID: r.signed(),
	}
}

func encodeGuest(p Producer, silent bool) string {
	var b []byte
	for _, s := range []string{p.RemoteAddress, p.Hostname, p.BroadcastAddress, p.Version, p.TopologyZone, p.TopologyRegion} {
		b = appendText(b, clip(s))
	}
	for _, n := range []int{p.TCPPort, p.HTTPPort} {
		b = binary.AppendVarint(b, int64(n))
	}
	return string(append(b, bit(silent)))
}

func decodeGuest(value string) (p Producer, silent bool) {
	r := reader{b: []byte(value)}
	p = Producer{
		RemoteAddress: r.text(maxText), Hostname: r.text(maxText), BroadcastAddress: r.text(maxText),
		Version: r.text(maxText), TopologyZone: r.text(maxText), TopologyRegion: r.text(maxText),
		TCPPort: r.signed(), HTTPPort: r.signed(),
	}
	return p, r.octet() == 1
}

// maxText bounds what a node or a guest may say in one field: all of them together stay below maxValue.
const maxText = 512

func clip(s string) string { return s[:min(len(s), maxText)] }

func bit(set bool) byte {
	if set {
		return 1
	}
	return 0
}

func (r *reader) signed() int {
	n, size := binary.Varint(r.b)
	if size <= 0 {
		r.b, r.bad = nil, true
		return 0
	}
	r.b = r.b[size:]
	return int(n)
}
