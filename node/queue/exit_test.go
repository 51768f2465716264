package queue

import (
	"errors"
	"os"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestCloseKeepsEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := testOptions(t)
		o.MemQueueSize = 6
		c := testChannel(t, o)
		s, _ := subscribe(t, c, 2, Terms{})
		batch := numbered(1, 9)
		batch[8].Due = time.Now().Add(time.Hour).UnixNano()
		put(t, c, batch)
		wantIDs(t, take(s), 1, 2)
		if err := c.close(); err != nil {
			t.Fatal(err)
		}
		got := failures{}
		s.Finish([]ID{1}, got.note)
		if got[0] == nil {
			t.Error("a message was finished on a closed channel")
		}
		s.Close()

		c = testChannel(t, o)
		if st := c.stats(); st.Depth != 9 || st.BackendDepth != 9 {
			t.Fatalf("depth %d, on disk %d, want 9", st.Depth, st.BackendDepth)
		}
		s, w := subscribe(t, c, 100, Terms{})
		attempts := map[ID]uint16{}
		note := func() {
			for got := take(s); len(got) > 0; got = take(s) {
				for _, m := range got {
					attempts[m.ID] = m.Attempts
				}
			}
		}
		collect := func() {
			for synctest.Wait(); w.wasWoken(); synctest.Wait() {
				note()
			}
		}
		note() // the disk may have been quicker than this
		collect()
		if len(attempts) != 8 || attempts[1] != 2 || attempts[3] != 1 || attempts[9] != 0 {
			t.Errorf("attempts by message are %v", attempts)
		}
		time.Sleep(time.Hour)
		collect()
		if attempts[9] != 1 {
			t.Error("the deferred message did not come when it was due")
		}
	})
}

func TestCloseTwice(t *testing.T) {
	c := testChannel(t, testOptions(t))
	for range 2 {
		if err := c.close(); err != nil {
			t.Error(err)
		}
	}
}

func TestRemoveLeavesNoFile(t *testing.T) {
	o := testOptions(t)
	o.MemQueueSize = 1
	c := testChannel(t, o)
	_, w := subscribe(t, c, 1, Terms{})
	put(t, c, numbered(1, 10))
	if err := c.remove(); err != nil {
		t.Fatal(err)
	}
	if len(w.closed) != 1 {
		t.Error("the consumer was not closed")
	}
	if files, _ := os.ReadDir(o.DataPath); len(files) > 0 {
		t.Errorf("files left: %v", files)
	}
	if err := c.Empty(); !errors.Is(err, ErrExiting) {
		t.Errorf("empty on a removed channel: %v", err)
	}
}

func TestBrokenDisk(t *testing.T) {
	o := testOptions(t)
	o.MemQueueSize = 1
	h := &health{}
	c := newChannel("t", "c", o, h, func() {}, nil)
	s, _ := subscribe(t, c, 1, Terms{})
	put(t, c, numbered(1, 1))
	wantIDs(t, take(s), 1)
	put(t, c, numbered(2, 1))
	if err := os.RemoveAll(o.DataPath); err != nil {
		t.Fatal(err)
	}

	if err := c.put(numbered(3, 2)); err == nil || errors.Is(err, ErrExiting) {
		t.Errorf("publishing to a broken disk: %v", err)
	}
	if st := c.stats(); st.MessageCount != 2 || h.err() == nil {
		t.Errorf("%d messages counted, health is %v", st.MessageCount, h.err())
	}
	s.Requeue([]ID{1}, []time.Duration{0}, noFailure(t))
	s.SetReady(10)
	if got := idsOf(take(s)); !slices.Equal(got, []ID{2, 1}) {
		t.Errorf("took %v, want what was accepted before", got)
	}
}
