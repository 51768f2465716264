package main

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// verdict is what a run came to.
type verdict struct {
	run    *torture
	healed time.Duration
	equal  bool
	differ string
	left   int // messages that nobody could drain

	rows         []row
	excusedFin   int // came again after a FIN, by a kill that may do that
	excusedEarly int
	blackout     time.Duration
	firstOK      time.Duration // after the heal
	wrong        []string
}

// row is one channel of one topic on one node.
type row struct {
	topic, channel, node        int
	acked, unknown, delivered   int
	recovered                   int // of unknown fate, and here
	duplicates                  int // more than the consumers asked for
	excused, left               int // lost: by what may lose them, and by nothing that may
	prefix, middle, tail        int // of left: before, between and after what was delivered
	example                     string
	budget, overBudget, dropped int // what kills may take of a durable node, and more than that
}

// check compares the ledger with what docs/guarantees.md promises.
func (v *verdict) check() {
	for node := range v.run.nodes {
		for topic := range topics {
			for channel := range channels {
				v.rows = append(v.rows, v.checkChannel(node, topic, channel))
			}
		}
	}
	v.checkAvailability()
	l := v.run.ledger
	for _, r := range v.rows {
		if lost := r.left + r.overBudget; lost > 0 {
			v.complain("%d messages lost: node %d, %s, %s (%d before, %d between, %d after what was delivered), e.g. %s",
				lost, r.node, topicName(r.topic), channelName(r.channel), r.prefix, r.middle, r.tail, r.example)
		}
		if r.duplicates > 0 && len(v.run.cfg.faults) == 0 {
			v.complain("%d duplicates without a fault: node %d, %s, %s", r.duplicates, r.node, topicName(r.topic), channelName(r.channel))
		}
	}
	disk := settings[v.run.cfg.setting].disk
	for _, a := range l.early {
		if v.run.events.again(int(a.node), a.sent, a.at, false) { // until when it is deferred is known in memory alone since
			v.excusedEarly++
			continue
		}
		v.complain("message %s came %v early on node %d", a.name, a.from-a.at, a.node)
	}
	for _, a := range l.afterFin {
		// A kill forgets how far a disk queue was read, and what had been put back is in it twice.
		if v.run.events.again(int(a.node), a.sent, a.at, disk) {
			v.excusedFin++
			continue
		}
		v.complain("message %s came again %v after it was finished on node %d, channel %d", a.name, a.at-a.from, a.node, a.channel)
	}
	v.checkUnexpected()
	if !v.equal {
		v.complain("the nodes do not tell the same %v after all was healed: %s", v.run.cfg.equal, v.differ)
	}
	if v.left > 0 {
		v.complain("%d messages are still there after %v", v.left, drainPatience)
	}
	for _, err := range v.run.broken {
		v.complain("%v", err)
	}
}

// checkUnexpected lets a file with a wrong bit excuse bodies that nobody sent: records on disk have no checksum.
func (v *verdict) checkUnexpected() {
	for _, e := range v.run.events.all {
		if e.kind == damaged {
			return
		}
	}
	for _, what := range v.run.ledger.unexpected {
		v.complain("%s", what)
	}
}

func (v *verdict) complain(format string, args ...any) {
	v.wrong = append(v.wrong, fmt.Sprintf(format, args...))
}

func (v *verdict) good() bool { return len(v.wrong) == 0 }

// fate is what became of one acknowledged message in one channel.
type fate struct {
	name    string
	end     time.Duration
	there   bool
	excused bool
	counted bool // lost, and to be covered by what kills may take of a durable node
}

func (v *verdict) checkChannel(node, topic, channel int) row {
	r := row{node: node, topic: topic, channel: channel}
	var fates []fate
	for producer, b := range v.run.ledger.books {
		for counter, m := range b.messages {
			if int(m.node) != node || int(m.topic) != topic || m.outcome == refused {
				continue
			}
			s := m.seen[channel]
			if s.count > 0 {
				r.delivered++
				r.duplicates += max(0, s.count-1-s.expected)
			}
			if m.outcome == unknown {
				r.unknown++
				r.recovered += min(1, s.count)
				continue
			}
			r.acked++
			f := fate{name: fmt.Sprint(producer, "-", counter), end: m.end, there: s.count > 0}
			if !f.there {
				f.excused, f.counted = v.excuse(&m)
			}
			fates = append(fates, f)
		}
	}
	r.place(fates)
	r.budget = v.run.events.count(killed, node) * (readAhead + v.inFlight())
	r.overBudget = max(0, r.dropped-r.budget)
	r.excused += r.dropped - r.overBudget
	return r
}

// inFlight is what consumers of one channel may have been sent by one node: RDY of each, those that misbehave included.
func (v *verdict) inFlight() int { return 2*ready + 10*v.run.cfg.nodes + 5*100 }

// excuse says whether a message may be lost, and whether it is one of those of which a kill may take only so many.
func (v *verdict) excuse(m *message) (excused, counted bool) {
	events, forever := &v.run.events, time.Duration(1<<62)
	if events.between(int(m.node), m.start, forever, wiped, damaged) {
		return true, false
	}
	if !events.between(int(m.node), m.start, forever, killed) {
		return false, false
	}
	durable := settings[v.run.cfg.setting].durable
	if durable && m.due == 0 {
		return false, true
	}
	return true, false
}

// place counts what is missing, and where in the order of acknowledgement it was.
func (r *row) place(fates []fate) {
	slices.SortFunc(fates, func(a, b fate) int { return cmp.Compare(a.end, b.end) })
	first := slices.IndexFunc(fates, func(f fate) bool { return f.there })
	last := len(fates) - 1
	for last >= 0 && !fates[last].there {
		last--
	}
	for i, f := range fates {
		switch {
		case f.there:
			continue
		case f.excused:
			r.excused++
			continue
		case f.counted:
			r.dropped++
			r.example = f.name
			continue
		}
		r.left++
		r.example = f.name
		switch {
		case i < first:
			r.prefix++
		case i > last:
			r.tail++
		default:
			r.middle++
		}
	}
}

func (v *verdict) checkAvailability() {
	oks := slices.Sorted(slices.Values(v.run.ledger.oks))
	last := time.Duration(0)
	for _, at := range oks {
		v.blackout = max(v.blackout, at-last)
		last = at
		if at > v.healed && v.firstOK == 0 {
			v.firstOK = at - v.healed
		}
	}
	if len(oks) == 0 {
		v.complain("nothing was ever acknowledged")
	}
}
