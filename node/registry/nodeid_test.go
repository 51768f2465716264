package registry

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

func newNumbered(n, nodeID int, origin NodeIDOrigin) *Registry {
	r := New(Options{ID: id(n), Generation: 1}, &crowd{})
	r.SetNode(Node{Name: fmt.Sprint("node", n), BroadcastAddress: "127.0.0.1", TCPPort: n, NodeID: nodeID, NodeIDOrigin: origin})
	return r
}

func TestTwoNodesWithOneNodeID(t *testing.T) {
	for name, c := range map[string]struct {
		low, high       NodeIDOrigin
		lowOff, highOff bool // who takes another one
	}{
		"the higher one moves":                     {low: ChosenNodeID, high: ChosenNodeID, highOff: true},
		"not if it was given its own":              {low: ChosenNodeID, high: GivenNodeID, lowOff: true},
		"nor if both were: that is only warned of": {low: GivenNodeID, high: GivenNodeID},
		"a given one stays":                        {low: GivenNodeID, high: ChosenNodeID, highOff: true},
		"a node without message ids harms nobody":  {low: NoNodeID, high: ChosenNodeID},
	} {
		t.Run(name, func(t *testing.T) {
			low, high := newNumbered(1, 7, c.low), newNumbered(2, 7, c.high)
			pull(t, high, low)
			pull(t, low, high)
			pull(t, high, low)
			if (low.NodeID() != 7) != c.lowOff || (high.NodeID() != 7) != c.highOff {
				t.Errorf("now %d and %d", low.NodeID(), high.NodeID())
			}
			for _, d := range low.Documents() {
				if d.Owner == id(2) && d.Node.NodeID != high.NodeID() {
					t.Errorf("the other one believes in %d", d.Node.NodeID)
				}
			}
		})
	}
}

func TestManyNodesOfOneHostAgreeOnNodeIDs(t *testing.T) {
	var nodes []*Registry
	for n := range 60 {
		nodes = append(nodes, newNumbered(n, 7, ChosenNodeID))
	}
	different := func() bool {
		seen := map[int]bool{}
		for _, r := range nodes {
			seen[r.NodeID()] = true
		}
		return len(seen) == len(nodes)
	}
	for round := 0; !different(); round++ {
		if round == 20 {
			t.Fatal("they do not come to an end")
		}
		for _, to := range nodes {
			for _, from := range nodes {
				pull(t, to, from)
			}
		}
	}
}

func TestANodeIDOfADeadNodeIsNotTaken(t *testing.T) {
	peers := &crowd{}
	r := New(Options{ID: id(9), Generation: 1}, peers)
	peers.kill(id(1), true)
	pull(t, r, newNumbered(1, 7, ChosenNodeID))
	r.SetNode(Node{TCPPort: 9, NodeID: 7, NodeIDOrigin: ChosenNodeID})
	if r.NodeID() != 7 {
		t.Error("the dead do not contend")
	}
	first := FirstNodeID(id(9))
	peers.kill(id(2), true)
	pull(t, r, newNumbered(2, first, ChosenNodeID))
	pull(t, r, newNumbered(3, 7, ChosenNodeID))
	if got := r.NodeID(); got == 7 || got == first {
		t.Errorf("took %d, which is somebody's", got)
	}
}

func TestWithAllNodeIDsTakenANodeStaysAsItIs(t *testing.T) {
	r := newNumbered(NodeIDs+1, 7, ChosenNodeID)
	for n := range NodeIDs {
		pull(t, r, newNumbered(n, n, GivenNodeID))
	}
	last := r.NodeID()
	pull(t, r, newNumbered(NodeIDs+2, last, GivenNodeID))
	if r.NodeID() != last || !r.nodeID.exhausted {
		t.Errorf("%d became %d", last, r.NodeID())
	}
}

func TestATakenNodeIDIsKept(t *testing.T) {
	dir := t.TempDir()
	identity, err := OpenIdentity(dir)
	if err != nil {
		t.Fatal(err)
	}
	r := New(Options{ID: identity.ID, Generation: identity.Generation, DataPath: dir}, &crowd{})
	r.SetNode(Node{TCPPort: 1, NodeID: 7, NodeIDOrigin: ChosenNodeID})
	pull(t, r, newNumbered(0, 7, GivenNodeID))
	select {
	case <-r.C():
	default:
		t.Error("nobody is told")
	}
	if err := r.save(); err != nil {
		t.Fatal(err)
	}
	again, err := OpenIdentity(dir)
	if err != nil || again.NodeID == nil || *again.NodeID != r.NodeID() || r.NodeID() == 7 {
		b, _ := os.ReadFile(filepath.Join(dir, identityFile))
		t.Errorf("%d was kept as %s, %v", r.NodeID(), b, err)
	}
}
