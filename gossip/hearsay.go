package gossip

import "time"

// Of a member that it has no link to, a node knows from memberlist alone, and that is hearsay: a node which stood still
// for some seconds tells everybody that all the others are dead, until they have refuted it. So such a death is looked at
// before it counts.

const (
	hearsayProbes = 3
	// So many packets make one probe: with one, on a network that loses every twentieth, one healthy member in a thousand
	// that were slandered would count as dead.
	hearsayPackets = 2
)

// doubt takes the word that a member is dead. It reports whether that is to be looked into.
func (t *table) doubt(p *incarnation) bool {
	if p.link != nil || p.left || p.gone || !p.mute.IsZero() {
		return false
	}
	p.doubted = time.Now().Add(t.hearsay)
	return true
}

// trusted reports whether a death that is hearsay does not count, or not yet.
func (i *incarnation) trusted(now time.Time, silence time.Duration) bool {
	return now.Before(i.doubted) || i.answeredAt.After(i.lostAt) && now.Sub(i.answeredAt) < silence
}

// verify asks the member itself. If it answers, the next exchange with it tells memberlist.
func (m *Mesh) verify(l *life, id string, instance uint64) {
	l.group.start(func() {
		for range hearsayProbes {
			if m.answersAny(l, id) {
				kick(m.joinKick)
				return
			}
		}
		m.table.conclude(id, instance, func(p *incarnation) { p.doubted = time.Time{} })
	})
}

// answersAny asks several times at once.
func (m *Mesh) answersAny(l *life, id string) bool {
	answers := make(chan bool, hearsayPackets)
	for range hearsayPackets {
		if !l.group.start(func() { answers <- m.answersUDP(l, id) }) {
			answers <- false
		}
	}
	for range hearsayPackets {
		if <-answers {
			return true
		}
	}
	return false
}
