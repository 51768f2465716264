package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// status is the line that shows how far the work is.
func (t *pubTool) status() string {
	n := t.done.messages.Load()
	line := fmt.Sprintf("%s, %s, %s/s", plural(n, "message"), byteSize(t.done.bytes.Load()),
		grouped(int64(perSecond(n, time.Since(t.started)))))
	if t.total > 0 {
		line += fmt.Sprintf(", %d%%", min(100, 100*t.done.read.Load()/t.total))
	}
	return line
}

// pubSummary is what pub has done.
type pubSummary struct {
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

func (t *pubTool) summary(std stdio, to outlets, err error) error {
	elapsed := time.Since(t.started)
	s := pubSummary{
		Topic: t.topic, Messages: t.done.messages.Load(), Bytes: t.done.bytes.Load(), Empty: t.done.empty.Load(),
		Seconds: elapsed.Seconds(), PerSecond: perSecond(t.done.messages.Load(), elapsed), Nodes: map[string]int64{},
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
	case t.output.json():
		return printJSON(std.out, s)
	case !t.quiet:
		t.console.say("%s", s.text(elapsed, errors.Is(err, errCut)))
	}
	return nil
}

func (s *pubSummary) text(elapsed time.Duration, cut bool) string {
	text := fmt.Sprintf("published %s (%s) to %s in %s, %s/s", plural(s.Messages, "message"), byteSize(s.Bytes), s.Topic,
		brief(elapsed), grouped(int64(s.PerSecond)))
	if nodes := slices.Sorted(maps.Keys(s.Nodes)); len(nodes) > 0 {
		text += ", on " + strings.Join(nodes, " and ")
	}
	if s.Empty > 0 {
		text += fmt.Sprintf("; skipped %s", plural(s.Empty, "empty record"))
	}
	if s.Twice > 0 {
		text += fmt.Sprintf("; up to %s may be there twice", plural(s.Twice, "message"))
	}
	if cut {
		text += "; interrupted"
	}
	return text
}
