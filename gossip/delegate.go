package gossip

import (
	"errors"
	"net/netip"
	"time"

	"github.com/hashicorp/memberlist"
)

// delegate is what memberlist calls. It is called with memberlist's lock held or from the goroutine that also handles
// probes: nothing here blocks or calls memberlist, and what is kept is copied.
type delegate struct {
	mesh *Mesh
	life *life
}

var errForeign = errors.New("not a node of this mesh")

// NodeMeta is asked for in every alive message of this node.
func (d delegate) NodeMeta(int) []byte { return d.life.meta().encode() }

func (d delegate) NotifyMsg(b []byte) { d.mesh.takeHint(b) }

func (d delegate) GetBroadcasts(overhead, limit int) [][]byte {
	return d.mesh.udp.GetBroadcasts(overhead, limit)
}

// LocalState is a digest with its owner, never content: push/pull is bounded and slow.
func (d delegate) LocalState(bool) []byte {
	return append(appendText([]byte{hintVersion}, d.mesh.cfg.ID), d.mesh.cfg.State.Digest()...)
}

func (d delegate) MergeRemoteState(b []byte, _ bool) {
	r := reader{rest: b}
	version, from := r.uint8(), r.text()
	if r.bad || version != hintVersion || from == d.mesh.cfg.ID {
		return
	}
	d.mesh.syncer.soon(from, append([]byte{}, r.rest...))
}

// NotifyAlive keeps out what only looks like one of us: memberlist calls it for every alive message.
func (d delegate) NotifyAlive(n *memberlist.Node) error {
	m, err := decodeMeta(n.Meta)
	if err != nil || m.peerName() != n.Name {
		return errForeign
	}
	return nil
}

func (d delegate) NotifyJoin(n *memberlist.Node)   { d.listed(n) }
func (d delegate) NotifyUpdate(n *memberlist.Node) { d.listed(n) }

func (d delegate) listed(n *memberlist.Node) {
	m, err := decodeMeta(n.Meta)
	if err != nil || m.instance == d.life.instance {
		return
	}
	addr := nodeAddr(n)
	if m.id == d.mesh.cfg.ID || m.name == d.mesh.cfg.Name {
		d.life.rivals.seen(m, addr)
	}
	if m.id != d.mesh.cfg.ID {
		d.mesh.table.listed(m, addr)
	}
}

func (d delegate) NotifyLeave(n *memberlist.Node) {
	m, err := decodeMeta(n.Meta)
	if err != nil {
		return
	}
	d.life.rivals.lost(m.instance)
	if d.mesh.table.unlisted(n.Name, m) {
		d.mesh.verify(d.life, m.id, m.instance)
	}
}

// AckPayload is empty: acks are small, and stay so.
func (d delegate) AckPayload() []byte { return nil }

func (d delegate) NotifyPingComplete(n *memberlist.Node, _ time.Duration, _ []byte) {
	d.mesh.table.answered(n.Name)
}

func nodeAddr(n *memberlist.Node) netip.AddrPort {
	ip, _ := netip.AddrFromSlice(n.Addr)
	return netip.AddrPortFrom(ip.Unmap(), n.Port)
}
