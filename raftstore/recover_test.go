package raftstore

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestLostMajorityIsRecoveredFromOneServer(t *testing.T) {
	simulate(t, 11, func(s *sim) {
		for i := range 3 {
			s.start(i, 3)
		}
		outside := s.start(3, 0)
		s.formed(3, 0)
		outside.must(1, "create", "kept")
		s.agreed()
		before := outside.replica.position()
		for i := range 3 {
			s.nodes[i].crash()
		}
		// What the lost majority knew beyond the survivor may be overruled.
		s.truth.cmds = map[uint64]string{}
		n := s.nodes[0]
		d, server, err := n.disk.open(n.dir, &gate{})
		if err != nil {
			t.Fatal(err)
		}
		got, err := recoverDisk(d, server, newLedger(s.truth))
		if err != nil {
			t.Fatal(err)
		}
		if got.Generation != 2 || got.Cluster != before.Cluster {
			t.Errorf("recovered %+v of %+v", got, before)
		}
		_ = os.Remove(filepath.Join(n.dir, "cache"))
		s.start(0, 3)
		s.nodes[1].wipe()
		s.start(1, 3)
		s.within(20*time.Second, "one server commits alone", func() bool {
			_, err := outside.do(2, "create", "new")
			return err == nil
		})
		s.formed(2, 0)
		if !outside.ledger.has("kept") || !outside.ledger.has("new") {
			t.Error("a follower lacks something after the recovery")
		}
		s.agreed()

		// The third comes back with its old folder: it is told, and steps aside.
		old := s.start(2, 3)
		s.within(20*time.Second, "the old server is at rest and follows", func() bool {
			return old.Status().Retired != "" && old.ledger.has("new")
		})
		s.agreed()
	})
}

func TestRecoverNeedsAGroup(t *testing.T) {
	if _, err := Recover(t.TempDir(), "", newLedger(newTruth(t))); !errors.Is(err, ErrNothingToRecover) {
		t.Errorf("recovering an empty folder: %v", err)
	}
}
