package gossip

import (
	"encoding/binary"
	"fmt"
	"net/netip"
)

const (
	metaVersion = 1
	flagLeaving = 1 << 0
)

// meta is what memberlist carries about a node in every alive message: slow facts only, and few bytes.
type meta struct {
	id, name string
	instance uint64 // random for every start
	link     netip.AddrPort
	leaving  bool
}

func (m meta) encode() []byte {
	var flags byte
	if m.leaving {
		flags |= flagLeaving
	}
	b := []byte{metaVersion, flags}
	b = binary.BigEndian.AppendUint64(b, m.instance)
	b = appendText(b, m.id)
	b = appendText(b, m.name)
	ip := m.link.Addr().As16()
	b = append(b, ip[:]...)
	return binary.BigEndian.AppendUint16(b, m.link.Port())
}

// decodeMeta accepts what follows the fields it knows, so that later versions can add to them.
func decodeMeta(b []byte) (meta, error) {
	r := reader{rest: b}
	version, flags := r.uint8(), r.uint8()
	m := meta{instance: r.uint64(), id: r.text(), name: r.text(), leaving: flags&flagLeaving != 0}
	var ip [16]byte
	copy(ip[:], r.take(16))
	m.link = netip.AddrPortFrom(netip.AddrFrom16(ip).Unmap(), r.uint16())
	if err := r.err(); err != nil {
		return meta{}, err
	}
	if version < metaVersion || m.id == "" || len(m.id) > maxName || len(m.name) > maxName {
		return meta{}, fmt.Errorf("%w: not a node of this mesh", errMalformed)
	}
	return m, nil
}

// peerName is the node's name inside memberlist. It is new at every start, so memberlist never has to reclaim an
// address, to refute an old death or to compare incarnations of two processes: a restarted node is simply a new one,
// and the table knows that both are the same member.
func (m meta) peerName() string { return fmt.Sprintf("%s~%016x", m.name, m.instance) }
