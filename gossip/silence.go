package gossip

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"net"
	"time"
)

const (
	kindHeard = "\x00heard" // a member; answer: for how many milliseconds its link has been silent, nothing if there is none
	maxAsked  = 3
)

// hush follows a link that has fallen silent. Three ways must fail until its peer counts as dead: its pings over the
// link, a UDP probe of ours, and what other members hear from it. So a path that is broken in one direction, or for one
// member, kills nobody; and of two members none can tell, so they leave it to memberlist.
func (m *Mesh) hush(l *life, quiet *link) {
	defer quiet.asking.Store(false)
	if m.answersUDP(l, quiet.peer.id) {
		return
	}
	silent, heard := m.askHeard(l, quiet.peer)
	if silent == 0 || heard > 0 || !m.silentFor(quiet, m.profile.hush) {
		return
	}
	m.mute(quiet.peer)
}

// mute records that nobody hears a member, and tells those who have no link to it.
func (m *Mesh) mute(peer hello) {
	member, ok := m.table.member(peer.id)
	m.table.muted(peer.id, peer.instance)
	if ok && member.Status.Alive() && member.Instance == peer.instance && m.sparse() {
		m.spreadSuspicion(peer.id, peer.instance)
	}
}

// hearken follows a suspicion of others that found a member silent: if it does not answer us either, it is.
func (m *Mesh) hearken(l *life, peer hello) {
	for range 2 {
		if m.answersUDP(l, peer.id) {
			return
		}
	}
	if member, ok := m.table.member(peer.id); ok && !member.Linked && member.Status.Alive() {
		m.mute(peer)
	}
}

func (m *Mesh) silentFor(l *link, d time.Duration) bool { return time.Since(l.heardAt()) >= d }

func (m *Mesh) answersUDP(l *life, id string) bool {
	name, addr, ok := m.table.gossipAddr(id)
	if !ok {
		return false
	}
	_, err := l.list.Ping(name, net.UDPAddrFromAddrPort(addr))
	if err == nil {
		m.table.answered(name)
	}
	return err == nil
}

// askHeard counts the members that hear nothing from a peer either, and those that do.
func (m *Mesh) askHeard(l *life, peer hello) (silent, heard int) {
	ctx, cancel := context.WithTimeout(l.ctx, m.profile.ping)
	defer cancel()
	body := binary.BigEndian.AppendUint64(appendText(nil, peer.id), peer.instance)
	asked := m.talkative(peer.id)
	answers := make(chan []byte, len(asked))
	for _, o := range asked {
		if !l.group.start(func() {
			answer, _ := o.call(ctx, kindHeard, body)
			answers <- answer
		}) {
			answers <- nil
		}
	}
	for range asked {
		r := reader{rest: <-answers}
		age := time.Duration(r.uint64()) * time.Millisecond
		switch {
		case r.bad: // no opinion
		case age < m.profile.hush*3/4:
			heard++
		default:
			silent++
		}
	}
	return silent, heard
}

// talkative picks members to ask: those whose own links are not silent.
func (m *Mesh) talkative(except string) []*link {
	var picked []*link
	for _, l := range m.links.list() {
		if l.peer.id != except && !m.silentFor(l, m.profile.hush*3/4) {
			picked = append(picked, l)
		}
	}
	rand.Shuffle(len(picked), func(i, j int) { picked[i], picked[j] = picked[j], picked[i] })
	return picked[:min(len(picked), maxAsked)]
}

// serveHeard answers about our own link.
func (m *Mesh) serveHeard(body []byte) []byte {
	r := reader{rest: body}
	id, instance := r.text(), r.uint64()
	l := m.links.get(id)
	if r.bad || l == nil || l.peer.instance != instance {
		return nil
	}
	return binary.BigEndian.AppendUint64(nil, uint64(time.Since(l.heardAt()).Milliseconds()))
}
