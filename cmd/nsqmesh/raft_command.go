package main

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"github.com/nsqmesh/nsqmesh/cmd/cli"
	"github.com/nsqmesh/nsqmesh/cmd/cluster"
	"github.com/nsqmesh/nsqmesh/httpapi"
)

const raftManual = `nsqmesh raft looks at the authority of a mesh and acts on it: the few nodes with --raft-bootstrap-expect, which agree
on deletes, pauses and creates. Any node can be asked.

usage: nsqmesh raft status
       nsqmesh raft transfer [NODE]     another voter leads: the named one, or any
       nsqmesh raft remove NODE         a server that is gone for good leaves the group at once, not after the grace
       nsqmesh raft snapshot            the node that is asked writes a snapshot now
       nsqmesh raft off                 deletes, pauses and creates go by gossip again
       nsqmesh raft on                  and by raft again
       nsqmesh raft recover --data-path=DIR
                                        the majority is lost for good: make the stopped node of that folder the only voter

NODE is a node's name or id, or a server id or its beginning, as status shows them.

    nsqmesh raft status --lookupd-http-address=10.0.0.7:4161
        as that node sees it

    nsqmesh raft recover --data-path=/var/lib/nsqmesh
        on a voter that is stopped, when the others will never come back
`

func raftCommand() cli.Command {
	return cli.ToolCommand("raft", "the authority of a mesh: who leads, who votes; recover it", raftManual, func() cli.Tool {
		return &raftTool{cluster: cluster.NewFlags(), output: cli.NewOutputForm()}
	})
}

type raftTool struct {
	cluster  cluster.Flags
	output   cli.OutputForm
	dataPath string
}

func (t *raftTool) Flags(f *cli.Flags) {
	t.cluster.Add(f)
	t.output.Add(f)
	f.Add(&t.dataPath, "data-path", "with recover, the data `folder` of the stopped node")
}

func (t *raftTool) Run(ctx context.Context, words []string, std cli.Stdio) error {
	act, arg, err := raftWords(words)
	if err != nil {
		return err
	}
	if act == "recover" {
		return t.recover(std)
	}
	c, err := t.cluster.Open(std)
	if err != nil {
		return err
	}
	at := c.Lookupds[0]
	switch act {
	case "status":
		var st httpapi.RaftStatus
		if err := c.Api.Get(ctx, at, "/raft", nil, &st); err != nil {
			return err
		}
		return t.print(st, std)
	case "transfer":
		return c.Api.Post(ctx, at, "/raft/transfer", url.Values{"to": {arg}}, nil)
	case "remove":
		return c.Api.Post(ctx, at, "/raft/remove", url.Values{"server": {arg}}, nil)
	}
	return c.Api.Post(ctx, at, "/raft/"+act, nil, nil)
}

func raftWords(words []string) (act, arg string, err error) {
	most := map[string]int{"status": 1, "transfer": 2, "remove": 2, "snapshot": 1, "on": 1, "off": 1, "recover": 1}
	switch {
	case len(words) == 0:
		return "", "", cli.WrongUsage("what to do: status, transfer, remove, snapshot, on, off or recover?")
	case most[words[0]] == 0:
		return "", "", cli.WrongUsage("unknown: %s", words[0])
	case len(words) > most[words[0]]:
		return "", "", cli.WrongUsage("unknown arguments: %v", words[most[words[0]]:])
	case words[0] == "remove" && len(words) == 1:
		return "", "", cli.WrongUsage("remove needs the name of a node")
	case len(words) == 2:
		arg = words[1]
	}
	return words[0], arg, nil
}

func (t *raftTool) recover(std cli.Stdio) error {
	if t.dataPath == "" {
		return cli.WrongUsage("--data-path is missing")
	}
	r, err := recoverRaft(t.dataPath)
	if err != nil {
		return err
	}
	fmt.Fprintf(std.Out, "server %s is now the only voter of group %s, generation %d\n", r.Server, r.Cluster, r.Generation)
	fmt.Fprintf(std.Out, "start its node; on every other candidate remove the folder raft of its data folder, then start it\n")
	return nil
}

func (t *raftTool) print(st httpapi.RaftStatus, std cli.Stdio) error {
	if t.output.Json() {
		return cli.PrintJSON(std.Out, st)
	}
	switch {
	case st.ClusterID == "":
		fmt.Fprintln(std.Out, "no raft group; deletes and pauses go by gossip")
		return nil
	case !st.Authority:
		fmt.Fprintln(std.Out, "off: deletes and pauses go by gossip")
	case st.LeaderlessMs > 0:
		fmt.Fprintf(std.Out, "NO LEADER for %v, the last was %q\n", (time.Duration(st.LeaderlessMs) * time.Millisecond).Round(time.Second), st.Leader)
	default:
		fmt.Fprintf(std.Out, "led by %s\n", st.Leader)
	}
	fmt.Fprintf(std.Out, "group %s, generation %d; the node that was asked is %s, applied %d\n\n", st.ClusterID, st.Generation, st.Role, st.AppliedIndex)
	table := cli.Table{Head: []string{"NODE", "ROLE", "ALIVE", "SERVER"}}
	for _, s := range st.Servers {
		table.Add(cli.Plain(s.Name), cli.Plain(roleOf(s)), cli.Plain(map[bool]string{true: "yes", false: "no"}[s.Alive]), cli.Plain(s.ID))
	}
	table.Print(std.Out, cli.NewPaint(std.Out, std.Environ))
	return nil
}

func roleOf(s httpapi.RaftServer) string {
	switch {
	case s.Leader:
		return "leader"
	case s.Voter:
		return "voter"
	}
	return "spare"
}
