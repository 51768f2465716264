package main

import (
	"context"
	"fmt"
	"path"
	"slices"
)

const topicsManual = `nsqmesh topics lists topics, with their numbers added up over all nodes.

usage: nsqmesh topics [options] [PATTERN...]

    nsqmesh topics
        all topics; the backlog is what the channel that is furthest behind has yet to get

    nsqmesh topics 'orders*' --output=json
        those whose names match, as JSON

    nsqmesh topics --names
        names alone, for scripts; no node but the one that is asked has to answer
`

func topicsCommand() command {
	return toolCommand("topics", "list topics and how full they are", topicsManual, func() tool {
		return &topicsTool{stats: newStatsFlags(), output: newOutputForm()}
	})
}

type topicsTool struct {
	stats  statsFlags
	names  bool
	output outputForm
}

func (t *topicsTool) flags(f *flagTable) {
	t.stats.add(f)
	f.add(&t.names, "names", "print names alone")
	t.output.add(f)
}

// topicRow is a topic as topics tells of it.
type topicRow struct {
	Topic    string   `json:"topic"`
	Channels []string `json:"channels"`
	Backlog  int64    `json:"backlog"` // what the channel that is furthest behind has yet to get
	counters

	deepest int64
}

func (t *topicsTool) run(ctx context.Context, patterns []string, std stdio) error {
	for _, p := range patterns {
		if _, err := path.Match(p, ""); err != nil {
			return wrongUsage("pattern %s: %v", p, err)
		}
	}
	c, err := t.stats.open(std)
	if err != nil {
		return err
	}
	var known []string
	if len(t.stats.nsqds) == 0 {
		if known, err = c.topics(ctx); err != nil {
			return err
		}
	}
	if t.names && len(t.stats.nsqds) == 0 {
		return t.printNames(matching(known, patterns), std)
	}
	nodes, failed, err := t.stats.stats(ctx, c, nil)
	if err != nil {
		return err
	}
	rows := topicRows(known, sumByKey(nodes))
	rows = slices.DeleteFunc(rows, func(r topicRow) bool { return len(matching([]string{r.Topic}, patterns)) == 0 })
	switch {
	case t.names:
		var all []string
		for _, r := range rows {
			all = append(all, r.Topic)
		}
		err = t.printNames(all, std)
	case t.output.json():
		err = printJSON(std.out, map[string]any{"topics": rows})
	default:
		printTopics(rows, std)
	}
	if err == nil {
		err = incomplete(failed)
	}
	return err
}

func (t *topicsTool) printNames(all []string, std stdio) error {
	if t.output.json() {
		return printJSON(std.out, map[string]any{"topics": append([]string{}, all...)})
	}
	for _, name := range all {
		fmt.Fprintln(std.out, name)
	}
	return nil
}

// topicRows are the topics that lookups know of, and those that nodes have.
func topicRows(known []string, sums map[channelKey]counters) []topicRow {
	rows := map[string]*topicRow{}
	row := func(topic string) *topicRow {
		if rows[topic] == nil {
			rows[topic] = &topicRow{Topic: topic, Channels: []string{}}
		}
		return rows[topic]
	}
	for _, topic := range known {
		row(topic)
	}
	for _, key := range sortedChannelKeys(sums) {
		r := row(key.topic)
		if key.channel == "" {
			r.counters = sums[key]
			continue
		}
		r.Channels = append(r.Channels, key.channel)
		r.InFlight += sums[key].InFlight
		r.Deferred += sums[key].Deferred
		r.Clients += sums[key].Clients
		r.deepest = max(r.deepest, sums[key].Depth)
	}
	var all []topicRow
	for _, topic := range sortedKeys(rows) {
		rows[topic].Backlog = rows[topic].Depth + rows[topic].deepest
		all = append(all, *rows[topic])
	}
	return all
}

func printTopics(rows []topicRow, std stdio) {
	p := newPaint(std.out, std.environ)
	t := &table{head: []string{"TOPIC", " CHANNELS", " BACKLOG", " IN FLIGHT", " DEFERRED", " MESSAGES", " BYTES", " CLIENTS", " NODES", "STATE"}}
	for _, r := range rows {
		t.add(plain(r.Topic), number(len(r.Channels)), number(r.Backlog), number(r.InFlight), number(r.Deferred),
			number(r.Messages), plain(byteSize(r.Bytes)), number(r.Clients), number(r.Nodes), r.state(p))
	}
	if len(rows) == 0 {
		fmt.Fprintln(std.out, "no topics")
		return
	}
	t.print(std.out, p)
}

// matching are the names that a pattern fits; all, if there is none.
func matching(all, patterns []string) []string {
	if len(patterns) == 0 {
		return all
	}
	var fits []string
	for _, name := range all {
		if slices.ContainsFunc(patterns, func(p string) bool { ok, _ := path.Match(p, name); return ok }) {
			fits = append(fits, name)
		}
	}
	return fits
}

// incomplete makes an error of nodes that did not answer: what was printed lacks their share.
func incomplete(failed []error) error {
	switch len(failed) {
	case 0:
		return nil
	case 1:
		return fmt.Errorf("the numbers are incomplete: %w", failed[0])
	}
	return fmt.Errorf("the numbers are incomplete: %d nodes do not answer, one of them: %w", len(failed), failed[0])
}
