package gossip

import (
	"sync/atomic"
	"time"
)

// counters only grow.
type counters struct {
	linkIn, linkOut                               atomic.Uint64
	hints, badHints                               atomic.Uint64
	pushes, droppedPushes, droppedChunks          atomic.Uint64
	merges, badChunks, pulls, syncs, refusedCalls atomic.Uint64
	inSync                                        atomic.Bool
}

// Stats are facts about this node's part in the mesh, for people and for metrics. Counters count from the start.
type Stats struct {
	Members, Alive, Links int // without this node
	HealthScore           int // of memberlist; 0 is healthy
	Serving               bool
	Isolated              bool // nobody is heard: members that are silent go on counting as alive

	PacketBytesIn, PacketBytesOut uint64 // UDP
	StreamBytesIn, StreamBytesOut uint64 // memberlist's TCP
	LinkBytesIn, LinkBytesOut     uint64

	Hints, BadHints       uint64 // changes heard of by UDP
	Pushes, DroppedPushes uint64 // changes sent over links
	DroppedChunks         uint64 // changes that came faster than they could be merged
	Merges, BadChunks     uint64
	Syncs, Pulls          uint64
	RefusedCalls          uint64 // too many at once
	InSync                bool   // after the last comparison of states this node lacked nothing of the other's
	MaxRoundTrip          time.Duration
}

// Stats returns the facts as they are now.
func (m *Mesh) Stats() Stats {
	c := &m.stats
	s := Stats{
		Links: len(m.links.list()), Alive: m.table.countAlive(), Isolated: m.table.isIsolated(),
		LinkBytesIn: c.linkIn.Load(), LinkBytesOut: c.linkOut.Load(),
		Hints: c.hints.Load(), BadHints: c.badHints.Load(),
		Pushes: c.pushes.Load(), DroppedPushes: c.droppedPushes.Load(), DroppedChunks: c.droppedChunks.Load(),
		Merges: c.merges.Load(), BadChunks: c.badChunks.Load(), Syncs: c.syncs.Load(), Pulls: c.pulls.Load(),
		RefusedCalls: c.refusedCalls.Load(), InSync: c.inSync.Load(),
	}
	s.Members = len(m.table.members())
	for _, l := range m.links.list() {
		s.MaxRoundTrip = max(s.MaxRoundTrip, time.Duration(l.rtt.Load()))
	}
	if t := m.transport; t != nil {
		s.PacketBytesIn, s.PacketBytesOut = t.traffic.packetIn.Load(), t.traffic.packetOut.Load()
		s.StreamBytesIn, s.StreamBytesOut = t.traffic.streamIn.Load(), t.traffic.streamOut.Load()
	}
	if l := m.life.Load(); l != nil {
		s.Serving, s.HealthScore = true, l.list.GetHealthScore()
	}
	return s
}
