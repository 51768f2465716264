package queue

import (
	"strings"
	"testing"
)

// TestOverloadStaysInItsBounds publishes twice as much as is consumed, sixteen times what may be in memory.
func TestOverloadStaysInItsBounds(t *testing.T) {
	if raceDetector {
		t.Skip("measures memory")
	}
	const bound, size, batch = 4 << 20, 4 << 10, 32
	const slack = 2 << 20 // buffers of the disk queue and what the test itself holds
	o := testOptions(t)
	o.MemQueueBytes, o.SyncEvery = bound, 2500
	topic := testTopic(t, o)
	c := channelOf(t, topic, "c")
	s, _ := subscribe(t, c, batch, Terms{})
	before, most := heap(), int64(0)
	into := make([]Message, 0, batch)
	for round := range 16 * bound / (batch * size) {
		slab := strings.Repeat("x", batch*size) // as a connection hands over what arrived together
		messages := make([]Message, batch)
		for i := range messages {
			messages[i].Body = slab[i*size : (i+1)*size]
		}
		if err := topic.Put(messages); err != nil {
			t.Fatal(err)
		}
		s.Finish(idsOf(s.Take(into[:0:batch/2])), noFailure(t))
		if round%64 == 63 {
			most = max(most, heap()-before)
		}
	}
	if most > bound*12/10+slack {
		t.Errorf("%d bytes in memory, where %d are allowed", most, bound)
	}
	if c.stats().BackendDepth == 0 {
		t.Error("nothing went to disk: this was no overload")
	}
}
