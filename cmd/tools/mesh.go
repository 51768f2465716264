package tools

import (
	"context"
	"time"

	"github.com/nsqmesh/nsqmesh/cmd/cli"
	"github.com/nsqmesh/nsqmesh/cmd/cluster"
)

// meshPause is between two looks at a mesh that is not yet as it should be.
const meshPause = 200 * time.Millisecond

const meshManual = `nsqmesh mesh shows the members of a mesh and whether they know the same topics.

usage: nsqmesh mesh [options]

    nsqmesh mesh
        as the node on this host sees it

    nsqmesh mesh --check --expect=3 --wait=30s
        wait until three members are alive and agree, and fail if that takes longer: for scripts

    nsqmesh mesh --output=json
        all that the node tells
`

func Mesh() cli.Command {
	return cli.ToolCommand("mesh", "members of the mesh and how they are", meshManual, func() cli.Tool {
		return &meshTool{cluster: cluster.NewFlags(), output: cli.NewOutputForm()}
	})
}

type meshTool struct {
	cluster cluster.Flags
	check   bool
	expect  int
	wait    time.Duration
	output  cli.OutputForm
}

func (t *meshTool) Flags(f *cli.Flags) {
	t.cluster.Add(f)
	f.Add(&t.check, "check", "fail (exit status 1) unless all members are alive and agree")
	f.Add(&t.expect, "expect", "with --check, also fail unless this `number` of members are alive")
	f.Add(&t.wait, "wait", "with --check, wait up to this `duration` for that")
	t.output.Add(f)
}

func (t *meshTool) Run(ctx context.Context, words []string, std cli.Stdio) error {
	if err := cli.NoWords(words); err != nil {
		return err
	}
	c, err := t.cluster.Open(std)
	if err != nil {
		return err
	}
	report, err := t.await(ctx, c)
	if err != nil {
		return err
	}
	if t.output.Json() {
		err = cli.PrintJSON(std.Out, report.Raw)
	} else {
		report.Print(std)
	}
	if err == nil && t.check {
		err = report.Trouble(t.expect)
	}
	return err
}

// await asks until the mesh is as it should be or time is up.
func (t *meshTool) await(ctx context.Context, c *cluster.Cluster) (*cluster.Report, error) {
	deadline := time.Now().Add(t.wait)
	for {
		report, err := c.Mesh(ctx)
		if err == nil && report.Trouble(t.expect) == nil || !t.check || !time.Now().Before(deadline) {
			return report, err
		}
		select {
		case <-time.After(min(meshPause, time.Until(deadline))):
		case <-ctx.Done():
			return report, ctx.Err()
		}
	}
}
