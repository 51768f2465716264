package gossip

import "time"

// keepLoop pings, lets time pass in the table, and closes links that are dead or not needed.
func (m *Mesh) keepLoop(l *life) {
	ticker := time.NewTicker(m.profile.ping)
	defer ticker.Stop()
	for {
		select {
		case <-l.ctx.Done():
			return
		case <-ticker.C:
		}
		wanted := m.wanted(m.table.members())
		for _, link := range m.links.list() {
			m.keep(l, link, wanted[link.peer.id])
		}
		m.table.sweep()
	}
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
