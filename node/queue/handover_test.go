package queue

import (
	"errors"
	"os"
	"slices"
	"testing"
	"time"
)

// heir is what another node got.
type heir struct {
	got  []Message
	left int // batches that it still takes
}

var errHeirGone = errors.New("heir is gone")

func (h *heir) take(batch []Message) error {
	if h.left == 0 {
		return errHeirGone
	}
	h.left--
	h.got = append(h.got, batch...)
	return nil
}

func (h *heir) bodies() (texts []string) {
	for _, m := range h.got {
		texts = append(texts, m.Body)
	}
	return texts
}

// withheld is a broker with a channel that holds the numbers from 1 to n, first in memory and then on disk.
func withheld(t *testing.T, memory int64, n int) (*Broker, *Channel) {
	t.Helper()
	o := testOptions(t)
	o.MemQueueSize, o.MaxBytesPerFile, o.SyncEvery = memory, 3000, 3
	b := loadBroker(t, o)
	topic := topicOf(t, b, "t")
	c := channelOf(t, topic, "c")
	for _, text := range counted(1, n) {
		publish(t, topic, text)
	}
	b.Withhold(true)
	return b, c
}

func TestAHandOverKeepsTheOrderOfMemoryAndDisk(t *testing.T) {
	for name, memory := range map[string]int64{"all in memory": 1000, "some on disk": 10, "all on disk": 0} {
		t.Run(name, func(t *testing.T) {
			b, c := withheld(t, memory, 120)
			h := heir{left: -1}
			given, err := c.HandOver(h.take, false)
			if err != nil || given != 120 {
				t.Fatalf("gave %d: %v", given, err)
			}
			wantBodies(t, h.bodies(), counted(1, 120)...)
			if d := c.stats().Depth; d != 0 {
				t.Errorf("%d are left", d)
			}
			b.Withhold(false)
			publish(t, topicOf(t, b, "t"), "121") // the files go on where they should
			next := reload(t, b)
			next.Withhold(true)
			h = heir{left: -1}
			if _, err := next.FindTopic("t").FindChannel("c").HandOver(h.take, false); err != nil {
				t.Fatal(err)
			}
			wantBodies(t, h.bodies(), "121")
		})
	}
}

func TestWhatTheHeirDoesNotTakeStays(t *testing.T) {
	for name, memory := range map[string]int64{"in memory": 10000, "on disk": 0} {
		t.Run(name, func(t *testing.T) {
			_, c := withheld(t, memory, handOverBatch+7)
			h := heir{left: 1}
			given, err := c.HandOver(h.take, false)
			if !errors.Is(err, errHeirGone) || given != handOverBatch {
				t.Fatalf("gave %d: %v", given, err)
			}
			second := heir{left: -1}
			if _, err := c.HandOver(second.take, false); err != nil {
				t.Fatal(err)
			}
			wantBodies(t, append(h.bodies(), second.bodies()...), counted(1, handOverBatch+7)...)
		})
	}
}

// What is on its way is still in the files: they are opened while the heir has not answered.
func TestABatchOnItsWayIsStillOnDisk(t *testing.T) {
	b, c := withheld(t, 0, 50)
	looked := false
	_, err := c.HandOver(func(batch []Message) error {
		looked = true
		s, err := c.disk.files.restore()
		if err != nil || s.depth != 50 || len(batch) != 50 {
			t.Errorf("the files hold %d of %d: %v", s.depth, len(batch), err)
		}
		return errHeirGone
	}, false)
	if !errors.Is(err, errHeirGone) || !looked {
		t.Fatal(looked, err)
	}
	if d := reload(t, b).FindTopic("t").FindChannel("c").depth(); d != 50 {
		t.Errorf("%d are left", d)
	}
}

func TestDeferredAndInFlightAreHandedOverAsTheyAre(t *testing.T) {
	b := loadBroker(t, testOptions(t))
	topic := topicOf(t, b, "t")
	c := channelOf(t, topic, "c")
	due := time.Now().Add(time.Hour).UnixNano()
	if err := topic.Put([]Message{{Body: "late", Due: due}, {Body: "later", Due: due + 1}, {Body: "flies"}, {Body: "waits"}}); err != nil {
		t.Fatal(err)
	}
	s, _ := subscribe(t, c, 1, Terms{})
	if got := take(s); len(got) != 1 {
		t.Fatal(got)
	}
	b.Withhold(true)
	s.SetReady(10)
	if got := take(s); len(got) != 0 {
		t.Fatalf("a withheld channel delivered %v", got)
	}

	h := heir{left: -1}
	if _, err := c.HandOver(h.take, false); err != nil {
		t.Fatal(err)
	}
	if len(h.got) != 3 || h.got[0].Body != "waits" || h.got[1].Due < due || h.got[2].Due < due {
		t.Fatalf("got %+v", h.got)
	}
	if _, err := c.HandOver(h.take, true); err != nil {
		t.Fatal(err)
	}
	if last := h.got[3]; last.Body != "flies" || last.Attempts != 1 {
		t.Fatalf("got %+v", last)
	}
	if st := c.stats(); st.Depth != 0 || st.InFlight != 0 || st.Deferred != 0 {
		t.Fatalf("left are %+v", st)
	}
}

func TestDeferredOnDiskKeepTheirTime(t *testing.T) {
	o := testOptions(t)
	o.MemQueueSize = 0
	b := loadBroker(t, o)
	topic := topicOf(t, b, "t")
	due := time.Now().Add(time.Hour).UnixNano()
	if err := topic.Put([]Message{{Body: "1"}, {Body: "2", Due: due}}); err != nil {
		t.Fatal(err)
	}
	b.Withhold(true)
	channelOf(t, topic, "new") // must not be given anything
	h := heir{left: -1}
	if given, err := topic.HandOver(h.take); err != nil || given != 2 {
		t.Fatal(given, err)
	}
	if h.got[0].Due != 0 || h.got[1].Due != due {
		t.Fatalf("got %+v, due at %d", h.got, due)
	}
}

func TestWhatComesMeanwhileIsHandedOverToo(t *testing.T) {
	_, c := withheld(t, 1000, 5)
	late := bodies(900, "late")
	h := heir{left: -1}
	_, err := c.HandOver(func(batch []Message) error {
		if late != nil {
			put(t, c, late)
			late = nil
		}
		return h.take(batch)
	}, false)
	if err != nil {
		t.Fatal(err)
	}
	wantBodies(t, h.bodies(), "1", "2", "3", "4", "5", "late")
}

func TestAnEmptiedQueueLosesNothingThatCameAfterwards(t *testing.T) {
	for name, memory := range map[string]int64{"in memory": 1000, "on disk": 0} {
		t.Run(name, func(t *testing.T) {
			b, c := withheld(t, memory, 5)
			first := true
			h := heir{left: -1}
			for range 2 {
				_, err := c.HandOver(func(batch []Message) error {
					if first {
						first = false
						if err := c.Empty(); err != nil {
							t.Error(err)
						}
						fresh := bodies(900, "6")
						put(t, c, fresh)
					}
					return h.take(batch)
				}, false)
				if err != nil && !errors.Is(err, errMoved) {
					t.Fatal(err)
				}
			}
			if got := h.bodies(); !slices.Contains(got, "6") {
				t.Errorf("got %v", got)
			}
			_ = b
		})
	}
}

func TestDamageDoesNotHoldUpAHandOver(t *testing.T) {
	b, c := withheld(t, 0, 250)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	files := c.disk.files
	s, err := files.restore()
	if err != nil {
		t.Fatal(err)
	}
	overwrite(t, files.data(s.read.file), s.read.offset, "\xff\xff\xff\xff")
	next := loadBroker(t, &b.o)
	next.Withhold(true)
	h := heir{left: -1}
	if _, err := next.FindTopic("t").FindChannel("c").HandOver(h.take, false); err != nil {
		t.Fatal(err)
	}
	if n := len(h.got); n == 0 || n >= 250 {
		t.Errorf("%d messages came, want those of the sound files", n)
	}
}

func TestRefusedPublishes(t *testing.T) {
	b := loadBroker(t, testOptions(t))
	old := topicOf(t, b, "old")
	b.Refuse(ErrDraining)
	for _, topic := range []*Topic{old, topicOf(t, b, "new")} {
		if err := topic.Put(bodies(0, "x")); !errors.Is(err, ErrDraining) {
			t.Errorf("%s: %v", topic.Name(), err)
		}
	}
	b.Refuse(nil)
	publish(t, old, "x")
	if d := old.backlog.depth(); d != 1 {
		t.Errorf("%d messages", d)
	}
}

func TestWhatIsAcceptedKeepsItsIdentity(t *testing.T) {
	o := testOptions(t)
	o.MemQueueSize = 1
	b := loadBroker(t, o)
	topic := topicOf(t, b, "t")
	c, other := channelOf(t, topic, "c"), channelOf(t, topic, "other")
	batch := []Message{{ID: 7, Timestamp: 70, Attempts: 3, Body: "a"}, {ID: 8, Timestamp: 80, Attempts: 4, Body: "b"}}
	if err := c.Accept(batch); err != nil {
		t.Fatal(err)
	}
	s, w := subscribe(t, c, 10, Terms{})
	got := take(s)
	for len(got) < 2 {
		<-w.woken
		got = append(got, take(s)...)
	}
	for i, m := range got {
		if m.ID != batch[i].ID || m.Timestamp != batch[i].Timestamp || m.Attempts != batch[i].Attempts+1 || m.Body != batch[i].Body {
			t.Errorf("got %+v, want %+v", m, batch[i])
		}
	}
	if d := other.stats().Depth; d != 0 {
		t.Errorf("the other channel got %d", d)
	}
	if err := topic.Accept([]Message{{ID: 9, Body: "all"}}); err != nil {
		t.Fatal(err)
	}
	if d := other.stats().Depth; d != 1 {
		t.Errorf("the other channel got %d", d)
	}
}

func overwrite(t *testing.T, file string, at int64, with string) {
	t.Helper()
	f, err := os.OpenFile(file, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte(with), at); err != nil {
		t.Fatal(err)
	}
}
