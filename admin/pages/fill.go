package pages

import (
	"cmp"
	"fmt"
	"html/template"
	"slices"
	"strings"

	"github.com/nsqmesh/nsqmesh/admin"
	"github.com/nsqmesh/nsqmesh/admin/chart"
)

// Rows of tables, filled from what package admin found out.

func countsOf(c admin.Counts) counts {
	return counts{
		Depth: c.Depth, Disk: c.OnDisk, InFlight: c.InFlight, Deferred: c.Deferred, Requeued: c.Requeues,
		Timeouts: c.Timeouts, Messages: c.Messages, Consumers: c.Clients, In: float64(c.Rates.In), Out: float64(c.Rates.Out),
	}
}

func (p *Pages) topicRow(t admin.TopicRow) row {
	r := row{counts: countsOf(t.Counts), Key: "t." + t.Name, Name: t.Name, Link: p.topicLink(t.Name), Tags: topicTags(t)}
	r.Channels, r.Nodes = int64(t.Channels), int64(len(t.Nodes))
	r.Latencies = latencies(t.Latency)
	return r
}

func topicTags(t admin.TopicRow) (tags []tag) {
	tags = append(tags, pausedTag(t.Paused, len(t.Nodes))...)
	if len(t.Tombstoned) > 0 {
		tags = append(tags, tag{"tombstoned", "warn", "lookups leave out " + enumerate(t.Tombstoned)})
	}
	if len(t.Nodes) == 0 {
		tags = append(tags, tag{"on no node", "", "its name is known, and no node that answers has it"})
	}
	return tags
}

// pausedTag tells when a thing is paused on some of its nodes only.
func pausedTag(paused, nodes int) []tag {
	switch {
	case paused == 0:
		return nil
	case paused < nodes:
		return []tag{{fmt.Sprintf("paused on %d of %d", paused, nodes), "warn", ""}}
	}
	return []tag{{"paused", "warn", ""}}
}

func (p *Pages) channelRow(c admin.ChannelRow) row {
	r := row{
		counts: countsOf(c.Counts), Key: "c." + c.Topic + "/" + c.Name, Name: c.Name, Link: p.channelLink(c.Topic, c.Name),
		Tags: pausedTag(c.Paused, len(c.Nodes)), Latencies: latencies(c.Latency), Zones: delivered(c.Zones),
	}
	if c.Clients == 0 && c.Depth > 0 {
		r.Tags = append(r.Tags, tag{"no consumer", "warn", "messages wait and nobody takes them"})
	}
	return r
}

// onNode is what one node has of a topic or channel.
func (p *Pages) onNode(o admin.OnNode) row {
	r := row{counts: countsOf(o.Counts), Key: "n." + o.Node, Name: o.Node, Link: p.nodeLink(o.Node), Latencies: latencies(o.Latency), Zones: delivered(o.Zones)}
	if o.Address != o.Node {
		r.Note = o.Address
	}
	r.Channels = int64(o.Channels)
	if o.Paused {
		r.Tags = append(r.Tags, tag{"paused", "warn", ""})
	}
	if o.Tombstoned {
		r.Tags = append(r.Tags, tag{"tombstoned", "warn", "lookups of this topic leave the node out"})
	}
	return r
}

func latencies(l admin.Latency) (all []latency) {
	percentiles := slices.SortedFunc(slices.Values(l.Percentiles), func(a, b admin.Percentile) int { return cmp.Compare(a.Quantile, b.Quantile) })
	for _, q := range percentiles {
		all = append(all, latency{
			Key: quantile(q.Quantile), Text: chart.Duration.Text(q.Value),
			Title: fmt.Sprintf("between %s and %s, of %s", chart.Duration.Text(q.Min), chart.Duration.Text(q.Max), plural(q.Count, "message")),
		})
	}
	return all
}

// quantile writes 0.99 as p99.
func quantile(q float64) string {
	return "p" + strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.4f", q*100), "0"), ".")
}

// quantiles are the heads of the columns that latencies need. Nodes may measure others than their neighbours do, so cells
// are put in order by it.
func quantiles(rows []row, total *row) (heads []string) {
	seen := map[string]bool{}
	for _, r := range rows {
		for _, l := range r.Latencies {
			if !seen[l.Key] {
				seen[l.Key] = true
				heads = append(heads, l.Key)
			}
		}
	}
	for i := range rows {
		rows[i].align(heads)
	}
	if total != nil {
		total.align(heads)
	}
	return heads
}

func (r *row) align(heads []string) {
	cells := make([]latency, len(heads))
	for i, head := range heads {
		cells[i] = latency{Key: head, Text: chart.None}
		for _, l := range r.Latencies {
			if l.Key == head {
				cells[i] = l
			}
		}
	}
	r.Latencies = cells
}

// delivered is a bar of how near the consumers were; nothing when nodes do not tell.
func delivered(z admin.Zones) template.HTML {
	all := z.Zone + z.Region + z.Global
	if z.Zone+z.Region == 0 {
		return "" // consumers do not say where they are
	}
	share := func(n int64) int64 { return (100*n + all/2) / all }
	zone, region := share(z.Zone), share(z.Region)
	title := fmt.Sprintf("%d%% in the zone, %d%% in the region, %d%% further away", zone, region, max(0, 100-zone-region))
	return template.HTML(fmt.Sprintf(`<svg class="bar-of" viewBox="0 0 100 8" preserveAspectRatio="none" role="img" aria-label="%s"><title>%[1]s</title>`+
		`<rect class="near" width="%d" height="8"/><rect class="region" x="%[2]d" width="%d" height="8"/></svg>`, title, zone, region))
}

// totalOf is the line below a table of nodes.
func totalOf(c admin.Counts, l admin.Latency, channels int) *row {
	r := row{counts: countsOf(c), Key: "all", Latencies: latencies(l)}
	r.Channels = int64(channels)
	return &r
}
