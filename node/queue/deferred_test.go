package queue

import (
	"math/rand/v2"
	"testing"
)

func TestDeferredComeByDueTime(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	var d deferred
	for id := range ID(5000) {
		d.push(Message{ID: id, Due: int64(r.IntN(100))})
		if r.IntN(3) == 0 {
			d.pop()
		}
	}
	last := Message{Due: -1}
	for d.len() > 0 {
		earliest := d.earliest()
		m := d.pop()
		if m.Due != earliest || sooner(&m, &last) {
			t.Fatalf("due %d id %d after due %d id %d", m.Due, m.ID, last.Due, last.ID)
		}
		last = m
	}
	if d.earliest() != never {
		t.Error("something is due with nothing deferred")
	}
}

func TestDeferredGiveRoomBack(t *testing.T) {
	var d deferred
	for id := range ID(10000) {
		d.push(Message{ID: id})
	}
	for d.len() > 100 {
		d.pop()
	}
	if cap(d.heap) > 1024 {
		t.Errorf("100 messages have room for %d", cap(d.heap))
	}
	for d.len() > 0 {
		d.pop()
	}
	if cap(d.heap) > 16 {
		t.Errorf("no message has room for %d", cap(d.heap))
	}
}
