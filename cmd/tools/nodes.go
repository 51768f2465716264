package tools

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/nsqmesh/nsqmesh/cmd/cli"
	"github.com/nsqmesh/nsqmesh/cmd/cluster"
)

const nodesManual = `nsqmesh nodes lists the nodes that lookups know of, stock nsqds included, and asks each how it is.

usage: nsqmesh nodes [options]

    nsqmesh nodes
        all nodes

    nsqmesh nodes --output=json | jq -r '.nodes[].tcp_address'
        addresses for clients

It fails (exit status 1) if a node does not answer or is not healthy.
`

func Nodes() cli.Command {
	return cli.ToolCommand("nodes", "list nodes and how they are", nodesManual, func() cli.Tool {
		return &nodesTool{cluster: cluster.NewFlags(), output: cli.NewOutputForm()}
	})
}

type nodesTool struct {
	cluster cluster.Flags
	output  cli.OutputForm
}

func (t *nodesTool) Flags(f *cli.Flags) {
	t.cluster.Add(f)
	t.output.Add(f)
}

// NodeRow is a node as nodes tells of it.
type NodeRow struct {
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

func (t *nodesTool) Run(ctx context.Context, words []string, std cli.Stdio) error {
	if err := cli.NoWords(words); err != nil {
		return err
	}
	c, err := t.cluster.Open(std)
	if err != nil {
		return err
	}
	nodes, err := c.Nodes(ctx)
	if err != nil {
		return err
	}
	stats := statsFlags{cluster: t.cluster}
	answers, failed, err := stats.stats(ctx, c, url.Values{})
	if err != nil {
		return err
	}
	rows := nodeRows(nodes, answers)
	if t.output.Json() {
		err = cli.PrintJSON(std.Out, map[string]any{"nodes": rows})
	} else {
		printNodes(rows, std)
	}
	if err == nil {
		err = unwell(rows, failed)
	}
	return err
}

const noAnswer = "no answer"

func nodeRows(nodes []cluster.Producer, answers []nodeStats) []NodeRow {
	rows := []NodeRow{}
	for _, n := range nodes {
		row := NodeRow{
			Hostname: n.Hostname, TCP: n.Tcp(), HTTP: n.Http(), Version: n.Version, Zone: n.Zone, Region: n.Region,
			Topics: len(n.Topics), Health: noAnswer,
		}
		if i := slices.IndexFunc(answers, func(a nodeStats) bool { return a.address == n.Http() && a.node.Tcp() == n.Tcp() }); i >= 0 {
			row.learn(&answers[i])
		}
		rows = append(rows, row)
	}
	return rows
}

func (r *NodeRow) learn(s *nodeStats) {
	r.Health, r.Topics = s.Health, len(s.Topics)
	r.Uptime = max(0, int64(time.Since(time.Unix(s.StartTime, 0)).Seconds()))
	for _, c := range s.byKey() {
		r.Depth += c.Depth
		r.Clients += c.Clients
	}
}

func printNodes(rows []NodeRow, std cli.Stdio) {
	p := cli.NewPaint(std.Out, std.Environ)
	t := &cli.Table{Head: []string{"TCP", "HTTP", "HOST", "VERSION", "ZONE", "REGION", " TOPICS", " DEPTH", " CLIENTS", " UP", "HEALTH"}}
	for _, r := range rows {
		health := cli.Painted(r.Health, p.Good)
		if r.Health != "OK" {
			health.Paint = p.Bad
		}
		t.Add(cli.Plain(r.TCP), cli.Plain(r.HTTP), cli.Plain(r.Hostname), cli.Plain(r.Version), cli.Plain(r.Zone), cli.Plain(r.Region),
			cli.Number(r.Topics), cli.Number(r.Depth), cli.Number(r.Clients), cli.Plain(cli.Brief(time.Duration(r.Uptime)*time.Second)), health)
	}
	if len(rows) == 0 {
		fmt.Fprintln(std.Out, "no nodes")
		return
	}
	t.Print(std.Out, p)
}

func unwell(rows []NodeRow, failed []error) error {
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
