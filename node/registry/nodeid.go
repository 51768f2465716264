package registry

import (
	"encoding/hex"
	"hash/fnv"
)

// NodeIDs is how many node ids a message id has room for.
const NodeIDs = 1024

// NodeIDOrigin is where a node has its node id from, the number in its message ids.
type NodeIDOrigin uint8

// A node that chose its node id takes another one when a second node has the same; one that was given it never does.
const (
	NoNodeID NodeIDOrigin = iota
	ChosenNodeID
	GivenNodeID
)

// ownNodeID is what other nodes may have, too.
type ownNodeID struct {
	number    int
	begun     int // with which this process began
	origin    NodeIDOrigin
	warned    map[string]bool // owners that were given the same
	exhausted bool
}

// FirstNodeID is what a node of that owner id begins with: nodes of one host begin with different ones, most likely.
func FirstNodeID(owner string) int {
	b, _ := hex.DecodeString(owner) // random
	h := fnv.New32a()
	_, _ = h.Write(b)
	return int(h.Sum32() % NodeIDs)
}

// NodeID is the number that message ids of this node should have in them now.
func (r *Registry) NodeID() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.nodeID.number
}

// contend compares node ids with another node. Of two that are alive and have the same, the one with the higher owner id
// takes another, unless it was given its own; then the other one does.
func (r *Registry) contend(d *document) {
	own := &r.nodeID
	if d == r.own || !d.alive || own.origin == NoNodeID || d.node.NodeIDOrigin == NoNodeID || d.node.NodeID != own.number {
		return
	}
	theirs := d.node.NodeIDOrigin
	switch {
	case own.origin == GivenNodeID && theirs == GivenNodeID:
		if !own.warned[d.owner] {
			own.warned[d.owner] = true
			r.log.Warn("another node was given the same node id, so message ids are not unique in the mesh: give each its own --node-id",
				"node-id", own.number, "other", d.node.Name)
		}
	case own.origin == ChosenNodeID && (theirs == GivenNodeID || d.owner < r.own.owner):
		r.renumber = true
	}
}

// chooseNodeID takes a node id that nobody has, dead nodes included, for they may come back. Where it begins to look
// depends on the owner, so that several who look at the same time seldom find the same.
func (r *Registry) chooseNodeID() {
	if !r.renumber {
		return
	}
	r.renumber = false
	taken := make(map[int]bool, len(r.docs))
	for _, d := range r.docs {
		if d.node.NodeIDOrigin != NoNodeID {
			taken[d.node.NodeID] = true
		}
	}
	own, first := &r.nodeID, FirstNodeID(r.own.owner)
	for i := range NodeIDs {
		if free := (first + i*nodeIDStride) % NodeIDs; !taken[free] {
			r.log.Info("another node has the same node id: this one takes another", "had", own.number, "node-id", free)
			own.number, own.exhausted = free, false
			n := r.own.node
			n.NodeID = free
			r.put("n", n.encode(), 0)
			r.newIntents = true
			r.unsave(saveSoon)
			return
		}
	}
	if !own.exhausted {
		own.exhausted = true
		r.log.Warn("all node ids are taken, so message ids are not unique in the mesh", "node-id", own.number)
	}
}

const nodeIDStride = 389 // has no divisor in common with NodeIDs, so all are looked at
