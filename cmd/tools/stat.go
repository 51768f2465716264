package tools

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"time"

	"github.com/nsqmesh/nsqmesh/cmd/cli"
	"github.com/nsqmesh/nsqmesh/cmd/cluster"
)

const statManual = `nsqmesh stat shows how much goes through topics and channels, added up over all nodes, until Ctrl-C.

usage: nsqmesh stat [options]

    nsqmesh stat
        a live table of all topics and channels

    nsqmesh stat --topic=orders --interval=1s
        one topic and its channels, every second

    nsqmesh stat --topic=orders --channel=billing --count=10
        a line for each interval, in the columns of nsq_stat

    nsqmesh stat --output=json --count=1
        the rates of one interval, for scripts
`

func Stat() cli.Command {
	return cli.ToolCommand("stat", "a live table of rates and depths", statManual, func() cli.Tool {
		return &statTool{stats: newStatsFlags(), interval: 2 * time.Second, top: 20, output: cli.NewOutputForm()}
	})
}

type statTool struct {
	topic, channel string
	stats          statsFlags
	interval       time.Duration
	count          int
	top            int
	output         cli.OutputForm

	table *cli.Flags
}

func (t *statTool) Flags(f *cli.Flags) {
	t.table = f
	f.Add(&t.topic, "topic", "only this `topic`")
	f.Add(&t.channel, "channel", "only this `channel` of it")
	t.stats.add(f)
	f.Add(&t.interval, "interval", "`duration` between two looks")
	f.Add(&t.count, "count", "end after this `number` of intervals (default never)")
	f.Add(&t.top, "top", "on a terminal show this `number` of rows, the busiest; 0 is all")
	t.output.Add(f)
}

func (t *statTool) Run(ctx context.Context, words []string, std cli.Stdio) error {
	switch {
	case len(words) > 0:
		return cli.NoWords(words)
	case t.channel != "" && t.topic == "":
		return cli.WrongUsage("--channel needs --topic")
	case t.interval <= 0:
		return cli.WrongUsage("--interval should be positive")
	case t.count < 0 || t.table.Given("count") && t.count == 0:
		return cli.WrongUsage("--count should be positive")
	case t.top < 0:
		return cli.WrongUsage("--top should not be negative")
	}
	c, err := t.stats.open(std)
	if err != nil {
		return err
	}
	return t.loop(ctx, c, t.screen(std))
}

// screen is where the rates of an interval are shown.
type screen interface {
	show(rates map[channelKey]rate, failed []error) error
}

func (t *statTool) screen(std cli.Stdio) screen {
	switch {
	case t.output.Json():
		return &statJSON{std.Out}
	case t.channel != "":
		return &statLines{out: std.Out, key: channelKey{t.topic, t.channel}}
	}
	return &statTable{out: std.Out, live: cli.IsTerminal(std.Out), top: t.top, paint: cli.NewPaint(std.Out, std.Environ)}
}

func (t *statTool) loop(ctx context.Context, c *cluster.Cluster, s screen) error {
	query := url.Values{}
	if t.topic != "" {
		query.Set("topic", t.topic)
	}
	if t.channel != "" {
		query.Set("channel", t.channel)
	}
	tick := time.NewTicker(t.interval)
	defer tick.Stop()
	var m meter
	for polls := 0; ; polls++ {
		nodes, failed, err := t.stats.stats(ctx, c, query)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return err
		case len(nodes) == 0 && len(failed) > 0:
			return errors.Join(failed...)
		}
		rates := m.measure(nodes, time.Now())
		if _, found := rates[channelKey{t.topic, t.channel}]; t.channel != "" && !found {
			return fmt.Errorf("failed to find channel(%s) in stats metadata for topic(%s)", t.channel, t.topic)
		}
		if polls > 0 { // the first only says where counters stand
			if err := s.show(rates, failed); err != nil {
				return err
			}
		}
		if t.count > 0 && polls >= t.count {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// rate is how a channel, or a topic, did in an interval.
type rate struct {
	counters
	In  float64 `json:"ingress_per_second"`
	Out float64 `json:"egress_per_second"`
}

// meter compares what nodes count with what they counted before. Node by node, so that one that comes, goes or starts anew
// does not look like traffic.
type meter struct {
	at   time.Time
	last map[string]map[channelKey]counters
}

func (m *meter) measure(nodes []nodeStats, now time.Time) map[channelKey]rate {
	all := map[channelKey]rate{}
	next := map[string]map[channelKey]counters{}
	elapsed := now.Sub(m.at)
	for _, n := range nodes {
		counts := n.byKey()
		next[n.address] = counts
		for key, c := range counts {
			r := all[key]
			r.sum(c)
			if before, known := m.last[n.address]; known {
				in, out := moved(before[key], c)
				r.In += cli.PerSecond(in, elapsed)
				r.Out += cli.PerSecond(out, elapsed)
			}
			all[key] = r
		}
	}
	m.at, m.last = now, next
	return all
}

// moved is what came in and what went out. A node that counts from zero again has started anew.
func moved(before, now counters) (in, out int64) {
	if now.Messages < before.Messages {
		before = counters{}
	}
	in = now.Messages - before.Messages
	return in, max(0, in-(now.Depth-before.Depth))
}

// statJSON prints an object for each interval.
type statJSON struct{ out io.Writer }

// StatRow is a channel in JSON, or a topic where there is no channel.
type StatRow struct {
	Topic   string `json:"topic"`
	Channel string `json:"channel,omitempty"`
	rate
}

func (s *statJSON) show(rates map[channelKey]rate, failed []error) error {
	rows, errs := []StatRow{}, []string{}
	for _, key := range sortedChannelKeys(rates) {
		rows = append(rows, StatRow{key.topic, key.channel, rates[key]})
	}
	for _, err := range failed {
		errs = append(errs, err.Error())
	}
	return cli.PrintJSON(s.out, map[string]any{"time": time.Now().UTC().Format(time.RFC3339Nano), "rows": rows, "errors": slices.Clip(errs)})
}
