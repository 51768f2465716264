package tools

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"

	"github.com/nsqmesh/nsqmesh/cmd/cli"
	"github.com/nsqmesh/nsqmesh/cmd/cluster"
	"github.com/nsqmesh/nsqmesh/node/names"
)

const channelsManual = `nsqmesh channels lists the channels of a topic, with their numbers added up over all nodes.

usage: nsqmesh channels [options] TOPIC

    nsqmesh channels orders
        all channels of orders

    nsqmesh channels orders --output=json | jq '.channels[] | select(.depth > 1000)'
        those that are behind
`

func Channels() cli.Command {
	return cli.ToolCommand("channels", "list the channels of a topic", channelsManual, func() cli.Tool {
		return &channelsTool{stats: newStatsFlags(), output: cli.NewOutputForm()}
	})
}

type channelsTool struct {
	topic  string
	stats  statsFlags
	output cli.OutputForm
}

func (t *channelsTool) Flags(f *cli.Flags) {
	f.Add(&t.topic, "topic", "`topic`, which may also stand without the flag")
	t.stats.add(f)
	t.output.Add(f)
}

// channelRow is a channel as channels tells of it.
type channelRow struct {
	Channel string `json:"channel"`
	counters
}

func (t *channelsTool) Run(ctx context.Context, words []string, std cli.Stdio) error {
	if len(words) == 1 && t.topic == "" {
		t.topic, words = words[0], nil
	}
	switch {
	case t.topic == "":
		return cli.WrongUsage("--topic required")
	case !names.ValidTopic(t.topic):
		return cli.WrongUsage("--topic is invalid: %q", t.topic)
	case len(words) > 0:
		return cli.NoWords(words)
	}
	c, err := t.stats.open(std)
	if err != nil {
		return err
	}
	rows, failed, err := t.rows(ctx, c)
	if err != nil {
		return err
	}
	if t.output.Json() {
		err = cli.PrintJSON(std.Out, map[string]any{"topic": t.topic, "channels": rows})
	} else {
		printChannels(rows, std)
	}
	if err == nil {
		err = incomplete(failed)
	}
	return err
}

func (t *channelsTool) rows(ctx context.Context, c *cluster.Cluster) (rows []channelRow, failed []error, err error) {
	all := map[string]counters{}
	found := len(t.stats.nsqds) > 0
	if !found {
		answer, unknown, err := c.Ask(ctx, "/lookup", url.Values{"topic": {t.topic}})
		if err != nil {
			return nil, nil, err
		}
		found = !unknown
		for _, name := range answer.Channels {
			all[name] = counters{} // a channel may be known and on no node
		}
	}
	nodes, failed, err := t.stats.stats(ctx, c, url.Values{"topic": {t.topic}})
	if err != nil {
		return nil, nil, err
	}
	for key, sum := range sumByKey(nodes) {
		found = true
		if key.channel != "" {
			all[key.channel] = sum
		}
	}
	if !found {
		return nil, nil, fmt.Errorf("topic %s is not known", t.topic)
	}
	rows = []channelRow{}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		rows = append(rows, channelRow{name, all[name]})
	}
	return rows, failed, nil
}

func printChannels(rows []channelRow, std cli.Stdio) {
	p := cli.NewPaint(std.Out, std.Environ)
	t := &cli.Table{Head: []string{"CHANNEL", " DEPTH", " IN FLIGHT", " DEFERRED", " REQUEUED", " TIMED OUT", " MESSAGES", " CLIENTS", " NODES", "STATE"}}
	for _, r := range rows {
		t.Add(cli.Plain(r.Channel), cli.Number(r.Depth), cli.Number(r.InFlight), cli.Number(r.Deferred), cli.Number(r.Requeued), cli.Number(r.TimedOut),
			cli.Number(r.Messages), cli.Number(r.Clients), cli.Number(r.Nodes), r.state(p))
	}
	if len(rows) == 0 {
		fmt.Fprintln(std.Out, "no channels")
		return
	}
	t.Print(std.Out, p)
}
