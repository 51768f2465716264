package tools

import (
	"context"
	"fmt"
	"maps"
	"path"
	"slices"

	"github.com/nsqmesh/nsqmesh/cmd/cli"
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

func Topics() cli.Command {
	return cli.ToolCommand("topics", "list topics and how full they are", topicsManual, func() cli.Tool {
		return &topicsTool{stats: newStatsFlags(), output: cli.NewOutputForm()}
	})
}

type topicsTool struct {
	stats  statsFlags
	names  bool
	output cli.OutputForm
}

func (t *topicsTool) Flags(f *cli.Flags) {
	t.stats.add(f)
	f.Add(&t.names, "names", "print names alone")
	t.output.Add(f)
}

// TopicRow is a topic as topics tells of it.
type TopicRow struct {
	Topic    string   `json:"topic"`
	Channels []string `json:"channels"`
	Backlog  int64    `json:"backlog"` // what the channel that is furthest behind has yet to get
	counters

	deepest int64
}

func (t *topicsTool) Run(ctx context.Context, patterns []string, std cli.Stdio) error {
	for _, p := range patterns {
		if _, err := path.Match(p, ""); err != nil {
			return cli.WrongUsage("pattern %s: %v", p, err)
		}
	}
	c, err := t.stats.open(std)
	if err != nil {
		return err
	}
	var known []string
	if len(t.stats.nsqds) == 0 {
		if known, err = c.Topics(ctx); err != nil {
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
	rows = slices.DeleteFunc(rows, func(r TopicRow) bool { return len(matching([]string{r.Topic}, patterns)) == 0 })
	switch {
	case t.names:
		var all []string
		for _, r := range rows {
			all = append(all, r.Topic)
		}
		err = t.printNames(all, std)
	case t.output.Json():
		err = cli.PrintJSON(std.Out, map[string]any{"topics": rows})
	default:
		printTopics(rows, std)
	}
	if err == nil {
		err = incomplete(failed)
	}
	return err
}

func (t *topicsTool) printNames(all []string, std cli.Stdio) error {
	if t.output.Json() {
		return cli.PrintJSON(std.Out, map[string]any{"topics": append([]string{}, all...)})
	}
	for _, name := range all {
		fmt.Fprintln(std.Out, name)
	}
	return nil
}

// topicRows are the topics that lookups know of, and those that nodes have.
func topicRows(known []string, sums map[channelKey]counters) []TopicRow {
	rows := map[string]*TopicRow{}
	row := func(topic string) *TopicRow {
		if rows[topic] == nil {
			rows[topic] = &TopicRow{Topic: topic, Channels: []string{}}
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
	var all []TopicRow
	for _, topic := range slices.Sorted(maps.Keys(rows)) {
		rows[topic].Backlog = rows[topic].Depth + rows[topic].deepest
		all = append(all, *rows[topic])
	}
	return all
}

func printTopics(rows []TopicRow, std cli.Stdio) {
	p := cli.NewPaint(std.Out, std.Environ)
	t := &cli.Table{Head: []string{"TOPIC", " CHANNELS", " BACKLOG", " IN FLIGHT", " DEFERRED", " MESSAGES", " BYTES", " CLIENTS", " NODES", "STATE"}}
	for _, r := range rows {
		t.Add(cli.Plain(r.Topic), cli.Number(len(r.Channels)), cli.Number(r.Backlog), cli.Number(r.InFlight), cli.Number(r.Deferred),
			cli.Number(r.Messages), cli.Plain(cli.ByteSize(r.Bytes)), cli.Number(r.Clients), cli.Number(r.Nodes), r.state(p))
	}
	if len(rows) == 0 {
		fmt.Fprintln(std.Out, "no topics")
		return
	}
	t.Print(std.Out, p)
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
