package httpapi

import (
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"time"

	"github.com/nsqmesh/nsqmesh/node/statsd"
)

// text renders the document for people, and for the scripts that have been reading stock's layout with their regular
// expressions since ever: every space counts.
func (d *statsDocument) text(now time.Time) []byte {
	var b strings.Builder
	start := time.Unix(d.StartTime, 0)
	fmt.Fprintf(&b, "nsqd v%s (built w/%s)\n", d.Version, runtime.Version())
	fmt.Fprintf(&b, "start_time %s\n", start.Format(time.RFC3339))
	fmt.Fprintf(&b, "uptime %s\n", now.Sub(start))
	fmt.Fprintf(&b, "\nHealth: %s\n", d.Health)
	if d.Memory != nil {
		textMemory(&b, d.Memory)
	}
	if len(d.Topics) == 0 {
		b.WriteString("\nTopics: None\n")
	} else {
		b.WriteString("\nTopics:")
	}
	for i := range d.Topics {
		d.Topics[i].text(&b, now)
	}
	if len(d.Producers) == 0 {
		b.WriteString("\nProducers: None\n")
	} else {
		b.WriteString("\nProducers:\n")
	}
	for i := range d.Producers {
		b.WriteString("   ")
		d.Producers[i].text(&b, now)
	}
	return []byte(b.String())
}

func textMemory(w io.Writer, m *statsd.Memory) {
	fmt.Fprint(w, "\nMemory:\n")
	for _, row := range []struct {
		name  string
		value uint64
	}{
		{"heap_objects", m.HeapObjects},
		{"heap_idle_bytes", m.HeapIdleBytes},
		{"heap_in_use_bytes", m.HeapInUseBytes},
		{"heap_released_bytes", m.HeapReleasedBytes},
		{"gc_pause_usec_100", m.GCPauseUsec100},
		{"gc_pause_usec_99", m.GCPauseUsec99},
		{"gc_pause_usec_95", m.GCPauseUsec95},
		{"next_gc_bytes", m.NextGCBytes},
		{"gc_total_runs", uint64(m.GCTotalRuns)},
	} {
		fmt.Fprintf(w, "   %-25s\t%d\n", row.name, row.value)
	}
}

func (t *topicStats) text(w io.Writer, now time.Time) {
	fmt.Fprintf(w, "\n%s[%-15s] depth: %-5d be-depth: %-5d msgs: %-8d e2e%%: %s\n",
		textPaused(t.Paused), t.Name, t.Depth, t.BackendDepth, t.MessageCount, t.Latency.text())
	for i := range t.Channels {
		t.Channels[i].text(w, now)
	}
}

func (c *channelStats) text(w io.Writer, now time.Time) {
	fmt.Fprintf(w, "   %s[%-25s] depth: %-5d be-depth: %-5d inflt: %-4d def: %-4d re-q: %-5d timeout: %-5d msgs: %-8d e2e%%: %s\n",
		textPaused(c.Paused), c.Name, c.Depth, c.BackendDepth, c.InFlight, c.Deferred, c.RequeueCount, c.TimeoutCount,
		c.MessageCount, c.Latency.text())
	for i := range c.Clients {
		fmt.Fprint(w, "        ")
		c.Clients[i].text(w, now)
	}
}

func textPaused(paused bool) string {
	if paused {
		return "*P "
	}
	return "   "
}

// text shows what a client published if that is known, else what it consumed.
func (c *clientStats) text(w io.Writer, now time.Time) {
	_, port, _ := net.SplitHostPort(c.RemoteAddress) // empty on a Unix socket
	fmt.Fprintf(w, "[%-21s] ", fmt.Sprintf("V2 %s:%s %s", c.Hostname, port, c.UserAgent))
	connected := now.Sub(time.Unix(c.Connected, 0)).Truncate(time.Second)
	if len(c.PubCounts) == 0 {
		fmt.Fprintf(w, "state: %d inflt: %-4d rdy: %-4d fin: %-8d re-q: %-8d msgs: %-8d connected: %s\n",
			c.State, c.InFlight, c.Ready, c.FinishCount, c.RequeueCount, c.MessageCount, connected)
		return
	}
	var topics []string
	var count uint64
	for _, p := range c.PubCounts {
		topics = append(topics, fmt.Sprintf("%s=%d", p.Topic, p.Count))
		count += p.Count
	}
	fmt.Fprintf(w, "msgs: %-8d topics: %s connected: %s\n", count, strings.Join(topics, ","), connected)
}

func (l latencyStats) text() string {
	var values []string
	for _, p := range l.Percentiles {
		values = append(values, textNanoseconds(p.Value))
	}
	return strings.Join(values, ", ")
}

func textNanoseconds(ns float64) string {
	switch {
	case ns > 1e9:
		return fmt.Sprintf("%.1fs", ns/1e9)
	case ns > 1e6:
		return fmt.Sprintf("%.1fms", ns/1e6)
	case ns > 1e3:
		return fmt.Sprintf("%.1fus", ns/1e3)
	}
	return fmt.Sprintf("%.1fns", ns)
}
