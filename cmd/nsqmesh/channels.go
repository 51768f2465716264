package main

import (
	"context"
	"fmt"
	"net/url"

	"github.com/nsqmesh/nsqmesh/node/names"
)

const channelsManual = `nsqmesh channels lists the channels of a topic, with their numbers added up over all nodes.

usage: nsqmesh channels [options] TOPIC

    nsqmesh channels orders
        all channels of orders

    nsqmesh channels orders --output=json | jq '.channels[] | select(.depth > 1000)'
        those that are behind
`

func channelsCommand() command {
	return toolCommand("channels", "list the channels of a topic", channelsManual, func() tool {
		return &channelsTool{stats: newStatsFlags(), output: newOutputForm()}
	})
}

type channelsTool struct {
	topic  string
	stats  statsFlags
	output outputForm
}

func (t *channelsTool) flags(f *flagTable) {
	f.add(&t.topic, "topic", "`topic`, which may also stand without the flag")
	t.stats.add(f)
	t.output.add(f)
}

// channelRow is a channel as channels tells of it.
type channelRow struct {
	Channel string `json:"channel"`
	counters
}

func (t *channelsTool) run(ctx context.Context, words []string, std stdio) error {
	if len(words) == 1 && t.topic == "" {
		t.topic, words = words[0], nil
	}
	switch {
	case t.topic == "":
		return wrongUsage("--topic required")
	case !names.ValidTopic(t.topic):
		return wrongUsage("--topic is invalid: %q", t.topic)
	case len(words) > 0:
		return noWords(words)
	}
	c, err := t.stats.open(std)
	if err != nil {
		return err
	}
	rows, failed, err := t.rows(ctx, c)
	if err != nil {
		return err
	}
	if t.output.json() {
		err = printJSON(std.out, map[string]any{"topic": t.topic, "channels": rows})
	} else {
		printChannels(rows, std)
	}
	if err == nil {
		err = incomplete(failed)
	}
	return err
}

func (t *channelsTool) rows(ctx context.Context, c *cluster) (rows []channelRow, failed []error, err error) {
	all := map[string]counters{}
	found := len(t.stats.nsqds) > 0
	if !found {
		answer, unknown, err := c.ask(ctx, "/lookup", url.Values{"topic": {t.topic}})
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
	for _, name := range sortedKeys(all) {
		rows = append(rows, channelRow{name, all[name]})
	}
	return rows, failed, nil
}

func printChannels(rows []channelRow, std stdio) {
	p := newPaint(std.out, std.environ)
	t := &table{head: []string{"CHANNEL", " DEPTH", " IN FLIGHT", " DEFERRED", " REQUEUED", " TIMED OUT", " MESSAGES", " CLIENTS", " NODES", "STATE"}}
	for _, r := range rows {
		t.add(plain(r.Channel), number(r.Depth), number(r.InFlight), number(r.Deferred), number(r.Requeued), number(r.TimedOut),
			number(r.Messages), number(r.Clients), number(r.Nodes), r.state(p))
	}
	if len(rows) == 0 {
		fmt.Fprintln(std.out, "no channels")
		return
	}
	t.print(std.out, p)
}
