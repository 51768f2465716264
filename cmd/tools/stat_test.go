package tools

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

func TestRates(t *testing.T) {
	now := time.Now()
	node := func(address string, messages, depth int64) nodeStats {
		return nodeStats{address: address, Topics: []topicStat{{Name: "t", Messages: messages, Depth: depth}}}
	}
	var m meter
	for step, c := range []struct {
		nodes   []nodeStats
		in, out float64
	}{
		{[]nodeStats{node("a", 1000, 1000)}, 0, 0},                     // where counters stand
		{[]nodeStats{node("a", 1100, 1050), node("b", 900, 0)}, 10, 5}, // b is new here, its past is no traffic
		{[]nodeStats{node("b", 950, 50)}, 5, 0},                        // a is gone
		{[]nodeStats{node("b", 20, 0)}, 2, 2},                          // b has started anew
		{[]nodeStats{node("b", 20, 30)}, 0, 0},                         // more on disk than came: never negative
	} {
		now = now.Add(10 * time.Second)
		got := m.measure(c.nodes, now)[channelKey{"t", ""}]
		if got.In != c.in || got.Out != c.out {
			t.Errorf("step %d: in %v, out %v", step, got.In, got.Out)
		}
	}
}

func TestStatTableShowsTheBusiest(t *testing.T) {
	rates := map[channelKey]rate{}
	for i, name := range []string{"a", "b", "c", "d"} {
		rates[channelKey{name, ""}] = rate{In: float64(i), counters: counters{Nodes: 1}}
	}
	var b bytes.Buffer
	s := &statTable{out: &b, live: true, top: 2}
	for range 2 {
		if err := s.show(rates, nil); err != nil {
			t.Fatal(err)
		}
	}
	first, second, again := strings.Cut(b.String(), "\x1b[4A\x1b[J") // head, two rows, and the note
	if !again || !strings.Contains(second, "\nc ") || !strings.Contains(second, "\nd ") || strings.Contains(first, "\na ") ||
		!strings.Contains(first, "2 rows that are quieter") {
		t.Errorf("got %q", b.String())
	}
	b.Reset()
	if err := (&statTable{out: &b, top: 2}).show(rates, nil); err != nil || strings.Count(b.String(), "\n") != 5 {
		t.Errorf("in a file all rows are shown: %q", b.String())
	}
}
