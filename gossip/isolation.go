package gossip

import "time"

// A node that hears nobody cannot tell whether all the others are dead or it is cut off itself. So it takes silence for
// death only while somebody is heard. When it is isolated, the members that fell silent lately go on counting as alive, as
// suspects; those of whose death there is proof, a refused connection or a goodbye, do not.

const (
	together = 30 * time.Second // members that fell silent within this time may have done so for one reason
	relief   = 5 * time.Second  // for the others to be heard as well, once the first one is
)

// listen keeps count of the members that talk. Called with the lock held.
func (t *table) listen(r *record, now time.Time) {
	talks := false
	for _, p := range r.procs {
		talks = talks || p.talking(now, t.silence)
	}
	switch {
	case talks && !r.talks:
		t.talking++
	case !talks && r.talks:
		t.talking--
	}
	r.talks = talks
}

// weigh decides whether this node is isolated, after somebody was judged anew. Called with the lock held.
func (t *table) weigh(now time.Time) (changed bool) {
	was := t.isolated
	if !was && t.stoodStill(now) {
		return false
	}
	t.isolated = t.talking == 0 && now.Sub(t.answeredAt) >= t.silence && t.missesSomebody(now)
	if t.isolated == was {
		return false
	}
	if was {
		t.relieved = now.Add(relief)
	}
	for _, r := range t.byID {
		if t.isolated {
			r.spared = now.Sub(r.aliveAt) < together
		}
		t.rejudge(r, now)
	}
	return true
}

// stoodStill reports whether this process got no time lately: what was said meanwhile is only being read.
func (t *table) stoodStill(now time.Time) bool {
	if !t.sweptAt.IsZero() && now.Sub(t.sweptAt) > t.silence {
		t.wakes = now.Add(t.silence)
	}
	return now.Before(t.wakes)
}

// missesSomebody reports whether there are members who may be alive, for all that an isolated node knows.
func (t *table) missesSomebody(now time.Time) bool {
	for _, r := range t.byID {
		if !r.proven() && (t.isolated && r.spared || !t.isolated && now.Sub(r.aliveAt) < together) {
			return true
		}
	}
	return false
}

// proven reports whether it is certain that the member's latest process is no more.
func (r *record) proven() bool { return r.shown.left || r.shown.gone }

// temper makes suspects of members of which an isolated node knows nothing for certain.
func (t *table) temper(r *record) Status {
	if r.verdict == Alive && t.isolated || r.verdict == Dead && r.spared && !r.proven() {
		return Suspect
	}
	return r.verdict
}

func (m *Mesh) tellIsolated(isolated bool) {
	if isolated {
		m.log.Warn("no other member is heard: going on with what was last known of them")
	} else {
		m.log.Info("other members are heard again, or known to be gone")
	}
}
