package admin

import (
	"cmp"
	"fmt"
	"slices"
)

// Thresholds say when something needs attention.
type Thresholds struct {
	Depth    int64   // messages that wait in a channel
	Timeouts float64 // messages of a channel a second
	DiskFree float64 // part of the disk
}

var defaultThresholds = Thresholds{Depth: 100_000, Timeouts: 1, DiskFree: 0.1}

// alerts finds what somebody should look at.
func (a *Admin) alerts(s *snapshot) []Alert {
	list := []Alert{}
	for i := range s.nodes {
		list = append(list, nodeAlerts(&s.nodes[i], a.o.Thresholds)...)
	}
	for i := range s.channels {
		list = append(list, channelAlerts(&s.channels[i], a.o.Thresholds)...)
	}
	for i := range s.topics {
		t := &s.topics[i]
		if t.TopicDepth >= a.o.Thresholds.Depth && a.o.Thresholds.Depth > 0 {
			list = append(list, Alert{Kind: "depth", Topic: t.Name, Text: fmt.Sprintf("%d messages wait in the topic itself, for no channel takes them", t.TopicDepth)})
		}
	}
	slices.SortStableFunc(list, func(x, y Alert) int { return cmp.Compare(gravity(x), gravity(y)) })
	return list
}

func gravity(a Alert) int {
	if a.Grave {
		return 0
	}
	return 1
}

func nodeAlerts(n *NodeRow, t Thresholds) (list []Alert) {
	switch {
	case n.Status == "left":
		return nil
	case !n.Answers:
		list = append(list, Alert{Grave: true, Kind: "node", Node: n.Name, Text: n.Why})
	case n.Health != "" && n.Health != "OK":
		list = append(list, Alert{Grave: true, Kind: "health", Node: n.Name, Text: n.Health})
	}
	if v := n.Vitals; v != nil && v.DiskTotal > 0 && v.DiskFree >= 0 {
		if free := float64(v.DiskFree) / float64(v.DiskTotal); free < t.DiskFree {
			list = append(list, Alert{Grave: free < t.DiskFree/4, Kind: "disk", Node: n.Name, Text: fmt.Sprintf("%.1f %% of its disk is free", 100*free)})
		}
	}
	return list
}

func channelAlerts(c *ChannelRow, t Thresholds) (list []Alert) {
	alert := Alert{Topic: c.Topic, Channel: c.Name}
	if t.Depth > 0 && c.Depth >= t.Depth {
		alert.Kind, alert.Text = "depth", fmt.Sprintf("%d messages wait", c.Depth)
		list = append(list, alert)
	}
	if c.Clients == 0 && c.Depth > 0 && c.Paused == 0 {
		alert.Kind, alert.Text = "consumers", fmt.Sprintf("%d messages wait and nobody consumes them", c.Depth)
		list = append(list, alert)
	}
	if t.Timeouts > 0 && float64(c.Rates.Timeouts) >= t.Timeouts {
		alert.Kind, alert.Text = "timeouts", fmt.Sprintf("%.1f messages time out each second", float64(c.Rates.Timeouts))
		list = append(list, alert)
	}
	return list
}
