package tools

import (
	"context"
	"fmt"
	"time"

	"github.com/nsqmesh/nsqmesh/cmd/cli"
	"github.com/nsqmesh/nsqmesh/cmd/cluster"
)

// healthPause is between two questions to a node that is not ready.
const healthPause = 200 * time.Millisecond

const healthManual = `nsqmesh health asks a node whether it is ready for messages. It ends with 0 if so, and with 1 and the
reasons if not: for containers without curl, and for scripts that wait.

usage: nsqmesh health [options]

    nsqmesh health
        the node on this host

    nsqmesh health --nsqd-http-address=10.0.0.7:4151 --wait=1m
        wait until it is ready, and fail if that takes longer

    nsqmesh health --live
        only whether it answers at all
`

// Health is the command that containers look after a node with.
func Health() cli.Command {
	return cli.ToolCommand("health", "whether a node is ready for messages", healthManual, func() cli.Tool {
		return &healthTool{api: cluster.NewAPIFlags(), address: "127.0.0.1:4151"}
	})
}

type healthTool struct {
	api     cluster.APIFlags
	address string
	live    bool
	wait    time.Duration
}

func (t *healthTool) Flags(f *cli.Flags) {
	f.Add(&t.address, "nsqd-http-address", "`host:port` of the node's nsqd HTTP, or its URL")
	f.Add(&t.live, "live", "ask only whether it answers")
	f.Add(&t.wait, "wait", "wait up to this `duration` for it")
	t.api.Add(f)
}

func (t *healthTool) Run(ctx context.Context, words []string, std cli.Stdio) error {
	if err := cli.NoWords(words); err != nil {
		return err
	}
	client, err := t.api.Client()
	if err != nil {
		return err
	}
	status, err := t.await(ctx, client)
	if err == nil {
		fmt.Fprintln(std.Out, status)
	}
	return err
}

// await asks until the node is well or time is up.
func (t *healthTool) await(ctx context.Context, client *cluster.Client) (string, error) {
	path := "/health/ready"
	if t.live {
		path = "/health/live"
	}
	deadline := time.Now().Add(t.wait)
	for {
		var said struct {
			Status string `json:"status"`
		}
		err := client.Get(ctx, t.address, path, nil, &said)
		if err == nil || !time.Now().Before(deadline) {
			return said.Status, err
		}
		select {
		case <-time.After(min(healthPause, time.Until(deadline))):
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
}
