package gossip

import (
	"fmt"
	"testing"
)

// BenchmarkBroadcast is one change of a node that is linked to 29 others who do not read: all that the owner pays.
func BenchmarkBroadcast(b *testing.B) {
	for _, size := range []int{100, 10_000} {
		b.Run(fmt.Sprintf("%d bytes", size), func(b *testing.B) {
			m := New(Config{ID: "id", Name: "n"})
			for i := range 29 {
				l := newLink(m, nil, nil, hello{id: fmt.Sprint(i), instance: uint64(i)}, true)
				m.links.add(l, "id")
			}
			chunk := padding[:size]
			b.ReportAllocs()
			for b.Loop() {
				m.Broadcast("id", chunk)
				for _, l := range m.links.list() {
					<-l.small
				}
			}
		})
	}
}

func TestBroadcastAllocatesForTheMessageNotForTheMembers(t *testing.T) {
	count := func(members int) float64 {
		m := New(Config{ID: "id", Name: "n"})
		for i := range members {
			m.links.add(newLink(m, nil, nil, hello{id: fmt.Sprint(i)}, true), "id")
		}
		chunk := padding[:200]
		return testing.AllocsPerRun(100, func() {
			m.Broadcast("id", chunk)
			for _, l := range m.links.list() {
				<-l.small
			}
		})
	}
	few, many := count(1), count(29)
	if many > few || many > 12 {
		t.Errorf("%v allocations for one member, %v for 29", few, many)
	}
}
