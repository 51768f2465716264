package gossip

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"syscall"
	"time"
)

const (
	probeListen = 40 * time.Millisecond // a process that is dying closes its sockets one after another
	probeAgain  = 2 * time.Millisecond
)

// suspect follows a link that broke: one look at the port where the peer takes links tells whether its process is no
// more. Whatever else may have happened is left to memberlist and to the next attempt to link.
func (m *Mesh) suspect(l *life, peer hello) {
	member, ok := m.table.member(peer.id)
	if !ok || member.Instance != peer.instance || member.LinkAddr == "" || !member.Status.Alive() {
		return
	}
	if m.refuses(l.ctx, member.LinkAddr) {
		m.bury(peer, member.LinkAddr)
	}
}

// bury records the proof that a process is no more, and tells those who cannot have seen it.
func (m *Mesh) bury(peer hello, address string) {
	m.table.buried(peer.id, peer.instance)
	m.log.Info("member is gone", "member", peer.name, "address", address)
	if m.sparse() {
		m.spreadSuspicion(peer.id, peer.instance)
	}
}

// refuses reports whether a host says that nobody listens there. A connection that ends at once may be one that the
// process took with it: another look decides.
func (m *Mesh) refuses(ctx context.Context, address string) bool {
	ctx, cancel := context.WithTimeout(ctx, m.profile.dial)
	defer cancel()
	for again := probeAgain; ctx.Err() == nil; again = min(2*again, probeListen) {
		conn, err := m.cfg.Network.Dial(ctx, address)
		switch {
		case errors.Is(err, syscall.ECONNREFUSED):
			return true
		case errors.Is(err, syscall.ECONNRESET): // the listener was closed with our connection in its queue
		case err != nil:
			return false
		case !ends(conn):
			return false
		}
		_ = sleep(ctx, again)
	}
	return false
}

// ends reports whether the other side closes a connection on which nothing was said.
func ends(conn net.Conn) bool {
	defer func() { _ = conn.Close() }()
	_ = conn.SetReadDeadline(time.Now().Add(probeListen))
	_, err := conn.Read(make([]byte, 1))
	var timeout net.Error
	return err != nil && !(errors.As(err, &timeout) && timeout.Timeout())
}

// spreadSuspicion tells those that have no link to a dead member, so that they look for themselves.
func (m *Mesh) spreadSuspicion(id string, instance uint64) {
	frame := plainFrame(frameSuspect, binary.BigEndian.AppendUint64(appendText(nil, id), instance))
	for _, l := range m.links.list() {
		l.offer(frame)
	}
}

// takeSuspect believes nobody: a suspicion is passed on only after a look of our own, at its port and at its silence.
func (m *Mesh) takeSuspect(payload []byte) error {
	r := reader{rest: payload}
	peer := hello{id: r.text(), instance: r.uint64()}
	if r.bad {
		return errMalformed
	}
	member, ok := m.table.member(peer.id)
	if !ok || member.Linked || member.Instance != peer.instance || !member.Status.Alive() {
		return nil
	}
	peer.name = member.Name
	if l := m.life.Load(); l != nil {
		select {
		case m.probing <- struct{}{}:
			l.group.start(func() { m.suspect(l, peer) })
			if !l.group.start(func() { defer func() { <-m.probing }(); m.hearken(l, peer) }) {
				<-m.probing
			}
		default:
		}
	}
	return nil
}
