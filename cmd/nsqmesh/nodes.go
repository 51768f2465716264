package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"
)

const nodesManual = `nsqmesh nodes lists the nodes that lookups know of, stock nsqds included, and asks each how it is.

usage: nsqmesh nodes [options]

    nsqmesh nodes
        all nodes

    nsqmesh nodes --output=json | jq -r '.nodes[].tcp_address'
        addresses for clients

It fails (exit status 1) if a node does not answer or is not healthy.
`

func nodesCommand() command {
	return toolCommand("nodes", "list nodes and how they are", nodesManual, func() tool {
		return &nodesTool{cluster: newClusterFlags(), output: newOutputForm()}
	})
}

type nodesTool struct {
	cluster clusterFlags
	output  outputForm
}

func (t *nodesTool) flags(f *flagTable) {
	t.cluster.add(f)
	t.output.add(f)
}

// nodeRow is a node as nodes tells of it.
type nodeRow struct {
	Hostname string `json:"hostname"`
	TCP      string `json:"tcp_address"`
	HTTP     string `json:"http_address"`
	Version  string `json:"version"`
	Zone     string `json:"topology_zone"`
	Region   string `json:"topology_region"`
	Topics   int    `json:"topics"`
	Depth    int64  `json:"depth"` // of its topics and channels together
	Clients  int64  `json:"client_count"`
	Uptime   int64  `json:"uptime_seconds"`
	Health   string `json:"health"`
}

func (t *nodesTool) run(ctx context.Context, words []string, std stdio) error {
	if err := noWords(words); err != nil {
		return err
	}
	c, err := t.cluster.open(std)
	if err != nil {
		return err
	}
	nodes, err := c.nodes(ctx)
	if err != nil {
		return err
	}
	stats := statsFlags{cluster: t.cluster}
	answers, failed, err := stats.stats(ctx, c, url.Values{})
	if err != nil {
		return err
	}
	rows := nodeRows(nodes, answers)
	if t.output.json() {
		err = printJSON(std.out, map[string]any{"nodes": rows})
	} else {
		printNodes(rows, std)
	}
	if err == nil {
		err = unwell(rows, failed)
	}
	return err
}

const noAnswer = "no answer"

func nodeRows(nodes []producerInfo, answers []nodeStats) []nodeRow {
	rows := []nodeRow{}
	for _, n := range nodes {
		row := nodeRow{
			Hostname: n.Hostname, TCP: n.tcp(), HTTP: n.http(), Version: n.Version, Zone: n.Zone, Region: n.Region,
			Topics: len(n.Topics), Health: noAnswer,
		}
		if i := slices.IndexFunc(answers, func(a nodeStats) bool { return a.address == n.http() && a.node.tcp() == n.tcp() }); i >= 0 {
			row.learn(&answers[i])
		}
		rows = append(rows, row)
	}
	return rows
}

func (r *nodeRow) learn(s *nodeStats) {
	r.Health, r.Topics = s.Health, len(s.Topics)
	r.Uptime = max(0, int64(time.Since(time.Unix(s.StartTime, 0)).Seconds()))
	for _, c := range s.byKey() {
		r.Depth += c.Depth
		r.Clients += c.Clients
	}
}

func printNodes(rows []nodeRow, std stdio) {
	p := newPaint(std.out, std.environ)
	t := &table{head: []string{"TCP", "HTTP", "HOST", "VERSION", "ZONE", "REGION", " TOPICS", " DEPTH", " CLIENTS", " UP", "HEALTH"}}
	for _, r := range rows {
		health := cellText{r.Health, p.good}
		if r.Health != "OK" {
			health.paint = p.bad
		}
		t.add(plain(r.TCP), plain(r.HTTP), plain(r.Hostname), plain(r.Version), plain(r.Zone), plain(r.Region),
			number(r.Topics), number(r.Depth), number(r.Clients), plain(brief(time.Duration(r.Uptime)*time.Second)), health)
	}
	if len(rows) == 0 {
		fmt.Fprintln(std.out, "no nodes")
		return
	}
	t.print(std.out, p)
}

func unwell(rows []nodeRow, failed []error) error {
	if len(failed) > 0 {
		return errors.Join(failed...)
	}
	for _, r := range rows {
		if r.Health != "OK" {
			return fmt.Errorf("node %s is not healthy: %s", r.TCP, r.Health)
		}
	}
	return nil
}
