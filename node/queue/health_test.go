package queue

import (
	"strings"
	"testing"
)

func TestHealthIsThatOfTheLastWrite(t *testing.T) {
	o := testOptions(t)
	o.MemQueueSize = 0
	b := loadBroker(t, o)
	bad, good := topicOf(t, b, "bad"), topicOf(t, b, "good")
	unblock := blockDisk(t, o, "bad")
	if err := b.Health(); err != nil {
		t.Fatal(err)
	}
	fail := func() {
		t.Helper()
		if err := bad.Put(bodies(0, "x")); err == nil || b.Health() == nil || err.Error() != b.Health().Error() {
			t.Fatalf("error %v, health %v", err, b.Health())
		}
	}
	fail()
	publish(t, good, "a write to any queue clears it")
	if err := b.Health(); err != nil {
		t.Error(err)
	}
	fail()
	b.o.MemQueueSize = 10
	publish(t, topicOf(t, b, "memory"), "but memory does not")
	if b.Health() == nil {
		t.Error("cleared without a write")
	}
	b.o.MemQueueSize = 0
	unblock()
	publish(t, bad, "x")
	if err := b.Health(); err != nil {
		t.Error(err)
	}
}

// TestFullDisk publishes to a file system of some pages: what was acknowledged is there, what was refused was refused clearly,
// and with space again all goes on.
func TestFullDisk(t *testing.T) {
	o := testOptions(t)
	o.DataPath = smallFileSystem(t, 256<<10)
	o.MemQueueSize, o.MaxBytesPerFile = 0, 40<<10
	b := loadBroker(t, o)
	topic := topicOf(t, b, "t")
	channelOf(t, topic, "c")
	body := strings.Repeat("x", 5000)
	acknowledged := map[ID]bool{}
	var failure error
	for range 100 {
		batch := bodies(0, body, body)
		if failure = topic.Put(batch); failure != nil {
			break
		}
		acknowledged[batch[0].ID], acknowledged[batch[1].ID] = true, true
	}
	if failure == nil || !strings.Contains(failure.Error(), "no space left") || b.Health() == nil {
		t.Fatalf("error %v, health %v after %d messages", failure, b.Health(), len(acknowledged))
	}
	c := topic.FindChannel("c")
	receive := func(n int) {
		for _, m := range takeFrom(t, c.disk, n) {
			if len(m.Body) != len(body) {
				t.Errorf("a body of %d bytes", len(m.Body))
			}
			delete(acknowledged, m.ID)
		}
	}
	for c.disk.depth() > 8 {
		receive(8)
	}
	batch := bodies(0, body, body)
	if err := topic.Put(batch); err != nil || b.Health() != nil {
		t.Errorf("with space again: %v, health %v", err, b.Health())
	}
	acknowledged[batch[0].ID], acknowledged[batch[1].ID] = true, true
	b = reload(t, b)
	c = b.FindTopic("t").FindChannel("c")
	for c.disk.depth() > 0 {
		receive(8)
	}
	if len(acknowledged) > 0 {
		t.Errorf("%d acknowledged messages were lost", len(acknowledged))
	}
	if bad := filesLike(t, o, "*.bad"); bad != nil {
		t.Errorf("files set aside: %v", bad)
	}
}
