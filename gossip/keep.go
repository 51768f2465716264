package gossip

import "time"

// keepLoop pings, lets time pass in the table, and closes links that are dead or not needed.
func (m *Mesh) keepLoop(l *life) {
	timer := time.NewTimer(m.profile.ping)
	defer timer.Stop()
	for {
		select {
		case <-l.ctx.Done():
			return
		case <-timer.C:
		}
		wanted := m.wanted(m.table.members())
		for _, link := range m.links.list() {
			m.keep(l, link, wanted[link.peer.id])
		}
		m.table.sweep()
		timer.Reset(m.nextKeep())
	}
}

// nextKeep is the time of a ping, or less if a link will have been silent for long enough to act before.
func (m *Mesh) nextKeep() time.Duration {
	next := m.profile.ping
	for _, link := range m.links.list() {
		if left := m.profile.hush - time.Since(link.heardAt()); left > 0 {
			next = min(next, left)
		}
	}
	return next
}

func (m *Mesh) keep(l *life, link *link, wanted bool) {
	switch {
	case m.silentFor(link, 3*m.profile.silence):
		link.close()
		return
	case link.dialled && !wanted && time.Since(link.usedAt()) > m.profile.idle:
		link.drop()
		return
	case m.silentFor(link, m.profile.hush) && link.asking.CompareAndSwap(false, true):
		if !l.group.start(func() { m.hush(l, link) }) {
			return
		}
	}
	link.ping()
}
