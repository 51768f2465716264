package tools

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/nsqmesh/nsqmesh/cmd/cli"
)

// status is the line that shows how far the work is.
func (t *pubTool) status() string {
	n := t.done.messages.Load()
	line := fmt.Sprintf("%s, %s, %s/s", cli.Plural(n, "message"), cli.ByteSize(t.done.bytes.Load()),
		cli.Grouped(int64(cli.PerSecond(n, time.Since(t.started)))))
	if t.total > 0 {
		line += fmt.Sprintf(", %d%%", min(100, 100*t.done.read.Load()/t.total))
	}
	return line
}

// PubSummary is what pub has done.
type PubSummary struct {
	Topic     string           `json:"topic"`
	Messages  int64            `json:"messages"`
	Bytes     int64            `json:"bytes"`
	Empty     int64            `json:"empty_skipped"`
	Twice     int64            `json:"maybe_twice"`
	Seconds   float64          `json:"seconds"`
	PerSecond float64          `json:"messages_per_second"`
	Nodes     map[string]int64 `json:"nodes"`
	Error     string           `json:"error,omitempty"`
}

func (t *pubTool) summary(std cli.Stdio, to outlets, err error) error {
	elapsed := time.Since(t.started)
	s := PubSummary{
		Topic: t.topic, Messages: t.done.messages.Load(), Bytes: t.done.bytes.Load(), Empty: t.done.empty.Load(),
		Seconds: elapsed.Seconds(), PerSecond: cli.PerSecond(t.done.messages.Load(), elapsed), Nodes: map[string]int64{},
	}
	for _, o := range to {
		s.Twice += o.retried
		for node, n := range o.sent {
			s.Nodes[node] += n
		}
	}
	if err != nil {
		s.Error = err.Error()
	}
	switch {
	case t.output.Json():
		return cli.PrintJSON(std.Out, s)
	case !t.quiet:
		t.console.Say("%s", s.text(elapsed, errors.Is(err, errCut)))
	}
	return nil
}

func (s *PubSummary) text(elapsed time.Duration, cut bool) string {
	text := fmt.Sprintf("published %s (%s) to %s in %s, %s/s", cli.Plural(s.Messages, "message"), cli.ByteSize(s.Bytes), s.Topic,
		cli.Brief(elapsed), cli.Grouped(int64(s.PerSecond)))
	if nodes := slices.Sorted(maps.Keys(s.Nodes)); len(nodes) > 0 {
		text += ", on " + strings.Join(nodes, " and ")
	}
	if s.Empty > 0 {
		text += fmt.Sprintf("; skipped %s", cli.Plural(s.Empty, "empty record"))
	}
	if s.Twice > 0 {
		text += fmt.Sprintf("; up to %s may be there twice", cli.Plural(s.Twice, "message"))
	}
	if cut {
		text += "; interrupted"
	}
	return text
}
