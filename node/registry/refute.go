package registry

import "time"

const (
	refuteWindow = time.Minute
	refuteLimit  = 3
)

// refute answers somebody who has the own document newer than it is: a backup of this node was restored, or a second node
// runs under this node's id. The document is said anew above what was heard, so that it wins everywhere.
func (r *Registry) refute(generation, version uint64) {
	if !r.own.behind(generation, version) || generation >= maxNumber { // no node comes to that number
		return
	}
	if r.contested() {
		r.schedule(r.now() + refuteWindow)
		return // a clone does the same, and the two would go on for ever
	}
	r.refuted = append(r.refuted, r.now())
	r.own.restart(generation + 1)
	r.touchAll(r.own)
	r.unsave(saveSoon)
	r.log.Warn("another copy of this node's document was newer", "id", r.opts.ID, "generation", generation+1)
	if r.contested() {
		r.log.Error("another node uses the id of this one; give one of them a data folder of its own", "id", r.opts.ID)
	}
}

// Contested reports whether another node uses the id of this one. What this node says may then not reach the others.
func (r *Registry) Contested() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.contested()
}

func (r *Registry) contested() bool {
	for len(r.refuted) > 0 && r.now()-r.refuted[0] > refuteWindow {
		r.refuted = r.refuted[1:]
	}
	return len(r.refuted) >= refuteLimit
}
