package main

import (
	"context"
	"encoding/json"
	"time"
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

func meshCommand() command {
	return toolCommand("mesh", "members of the mesh and how they are", meshManual, func() tool {
		return &meshTool{cluster: newClusterFlags(), output: newOutputForm()}
	})
}

type meshTool struct {
	cluster clusterFlags
	check   bool
	expect  int
	wait    time.Duration
	output  outputForm
}

func (t *meshTool) flags(f *flagTable) {
	t.cluster.add(f)
	f.add(&t.check, "check", "fail (exit status 1) unless all members are alive and agree")
	f.add(&t.expect, "expect", "with --check, also fail unless this `number` of members are alive")
	f.add(&t.wait, "wait", "with --check, wait up to this `duration` for that")
	t.output.add(f)
}

func (t *meshTool) run(ctx context.Context, words []string, std stdio) error {
	if err := noWords(words); err != nil {
		return err
	}
	c, err := t.cluster.open(std)
	if err != nil {
		return err
	}
	report, err := t.await(ctx, c)
	if err != nil {
		return err
	}
	if t.output.json() {
		err = printJSON(std.out, report.raw)
	} else {
		report.print(std)
	}
	if err == nil && t.check {
		err = report.trouble(t.expect)
	}
	return err
}

// await asks until the mesh is as it should be or time is up.
func (t *meshTool) await(ctx context.Context, c *cluster) (*meshReport, error) {
	deadline := time.Now().Add(t.wait)
	for {
		report, err := c.mesh(ctx)
		if err == nil && report.trouble(t.expect) == nil || !t.check || !time.Now().Before(deadline) {
			return report, err
		}
		select {
		case <-time.After(min(meshPause, time.Until(deadline))):
		case <-ctx.Done():
			return report, ctx.Err()
		}
	}
}

// mesh is how the first node that answers sees its mesh.
func (c *cluster) mesh(ctx context.Context) (*meshReport, error) {
	var failed []error
	for _, address := range c.lookupds {
		report := new(meshReport)
		err := c.api.get(ctx, address, "/mesh", nil, &report.raw)
		if err == nil {
			err = json.Unmarshal(report.raw, report)
		}
		if err == nil {
			return report, nil
		}
		failed = append(failed, err)
	}
	return nil, c.notFound(failed)
}
