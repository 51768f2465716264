package tools

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/nsqmesh/nsqmesh/cmd/cli"
	"github.com/nsqmesh/nsqmesh/cmd/cluster"
)

const (
	drainLook  = 200 * time.Millisecond // between looks at how far it is
	leavePause = 10 * time.Second       // for a node that is empty to be gone
)

const drainManual = `nsqmesh drain empties a node and has it leave, and waits for that.

usage: nsqmesh drain [options] NODE

    nsqmesh drain node-c
        producers are sent elsewhere, consumers get what node-c has, what they leave goes to other nodes, node-c ends

    nsqmesh drain --wait=0 --timeout=1m node-c
        consumers are not waited for

    nsqmesh drain --stay node-c
        the same, but node-c goes on running, empty

    nsqmesh drain --cancel node-c
        it is an ordinary node again; what was moved stays where it is

NODE is a name, an id or an address as nsqmesh mesh shows them, or host:port of the nsqd's HTTP API for a node without mesh.
A message is removed from the node only when another one has it, so none is lost, and some may come twice. Without --wait and
--timeout the node's own --drain-wait and --drain-timeout count. It fails (exit status 1) if something is left.
`

func Drain() cli.Command {
	return cli.ToolCommand("drain", "empty a node and have it leave", drainManual, func() cli.Tool {
		return &drainTool{cluster: cluster.NewFlags(), output: cli.NewOutputForm(), wait: unset}
	})
}

const unset = time.Duration(-1)

type drainTool struct {
	cluster               cluster.Flags
	wait, timeout         time.Duration
	stay, cancel, noWatch bool
	output                cli.OutputForm
}

func (t *drainTool) Flags(f *cli.Flags) {
	t.cluster.Add(f)
	f.Add(&t.wait, "wait", "give consumers so long (a `duration`) before what is left is moved; -1ns is as the node is set")
	f.Add(&t.timeout, "timeout", "`duration` for all of it; 0 is as the node is set")
	f.Add(&t.stay, "stay", "do not end the node")
	f.Add(&t.cancel, "cancel", "make an ordinary node of a draining one")
	f.Add(&t.cancel, "undo", "the same")
	f.Add(&t.noWatch, "detach", "return when the node has begun")
	t.output.Add(f)
}

// drainReport is what a node tells of its draining, with its name.
type drainReport struct {
	Node     string           `json:"node"`
	State    string           `json:"state"` // serving, waiting, moving, drained, failed; left when it is gone
	ForMs    int64            `json:"for_ms"`
	Stay     bool             `json:"stay"`
	Waiting  int64            `json:"waiting"`
	InFlight int64            `json:"in_flight"`
	Deferred int64            `json:"deferred"`
	Moved    int64            `json:"moved"`
	To       map[string]int64 `json:"moved_to"`
	Dropped  int64            `json:"dropped"`
	Error    string           `json:"error,omitempty"`
}

func (t *drainTool) Run(ctx context.Context, words []string, std cli.Stdio) error {
	if len(words) != 1 {
		return cli.WrongUsage("name one node")
	}
	c, err := t.cluster.Open(std)
	if err != nil {
		return err
	}
	node, err := find(ctx, c, words[0])
	if err != nil {
		return err
	}
	report, err := t.begin(ctx, c, node)
	if err != nil {
		return err
	}
	if !t.cancel && !t.noWatch {
		report, err = t.watch(ctx, c, node, report, cli.NewConsole(std))
	}
	if report != nil {
		t.print(report, std)
	}
	return err
}

func find(ctx context.Context, c *cluster.Cluster, word string) (cluster.Member, error) {
	report, err := c.Mesh(ctx)
	if err == nil {
		var m cluster.Member
		if m, err = report.Find(word); err == nil {
			return m, nil
		}
	}
	if strings.Contains(word, ":") {
		return cluster.Member{Name: word, HTTP: word}, nil
	}
	return cluster.Member{}, err
}

func (t *drainTool) begin(ctx context.Context, c *cluster.Cluster, node cluster.Member) (*drainReport, error) {
	path, query := "/drain", url.Values{}
	switch {
	case t.cancel:
		path = "/drain/cancel"
	default:
		if t.wait != unset {
			query.Set("wait", t.wait.String())
		}
		if t.timeout != 0 {
			query.Set("timeout", t.timeout.String())
		}
		if t.stay {
			query.Set("stay", "true")
		}
	}
	report := &drainReport{Node: node.Name}
	err := c.Api.Post(ctx, node.HTTP, path, query, report)
	switch message, refused := cluster.Refused(err); {
	case refused && message == "NOT_FOUND":
		return nil, fmt.Errorf("%s cannot be drained: it is a stock nsqd or an older node", node.Name)
	case refused && message == "NOT_DRAINING":
		return nil, fmt.Errorf("%s is not draining", node.Name)
	case err != nil:
		return nil, err
	}
	return report, nil
}

// watch asks how far it is until there is an end to it.
func (t *drainTool) watch(ctx context.Context, c *cluster.Cluster, node cluster.Member, last *drainReport, console *cli.Console) (*drainReport, error) {
	var shown atomic.Pointer[drainReport]
	shown.Store(last)
	end := console.Follow(func() string { return shown.Load().line() })
	defer end()
	for {
		switch {
		case last.State == "failed":
			return last, fmt.Errorf("%s is not empty: %s", node.Name, last.Error)
		case last.State == "serving":
			return last, errors.New("somebody cancelled it")
		case last.State == "drained" && last.Stay:
			return last, nil
		}
		select {
		case <-ctx.Done():
			console.Say("%s goes on draining; nsqmesh drain --cancel %s would stop that", node.Name, node.Name)
			return last, ctx.Err()
		case <-time.After(drainLook):
		}
		next := &drainReport{Node: node.Name}
		if err := c.Api.Get(ctx, node.HTTP, "/drain", nil, next); err != nil {
			if ctx.Err() != nil {
				continue
			}
			return gone(ctx, c, node, last, err)
		}
		last = next
		shown.Store(last)
	}
}

// gone tells whether a node that answers no more has left as it should.
func gone(ctx context.Context, c *cluster.Cluster, node cluster.Member, last *drainReport, trouble error) (*drainReport, error) {
	if last.State == "drained" || left(ctx, c, node) {
		last.State = "left"
		return last, nil
	}
	return last, fmt.Errorf("%s ended before it was empty: %w", node.Name, trouble)
}

// left asks the others. A node that crashed did not leave.
func left(ctx context.Context, c *cluster.Cluster, node cluster.Member) bool {
	ctx, cancel := context.WithTimeout(ctx, leavePause)
	defer cancel()
	for ctx.Err() == nil && node.ID != "" {
		if report, err := c.Mesh(ctx); err == nil {
			if m, err := report.Find(node.ID); err == nil && m.Status == "left" {
				return true
			} else if err == nil && m.Status == "dead" {
				return false
			}
		}
		select {
		case <-time.After(drainLook):
		case <-ctx.Done():
		}
	}
	return false
}

func (r *drainReport) line() string {
	s := fmt.Sprintf("%s %s %s: %d waiting, %d in flight, %d deferred, %d moved", r.Node, r.State,
		cli.Brief(time.Duration(r.ForMs)*time.Millisecond), r.Waiting, r.InFlight, r.Deferred, r.Moved)
	if r.Error != "" && r.State == "moving" {
		s += " (" + r.Error + ")"
	}
	return s
}

func (t *drainTool) print(r *drainReport, std cli.Stdio) {
	if t.output.Json() {
		_ = cli.PrintJSON(std.Out, r)
		return
	}
	fmt.Fprintln(std.Out, r.line())
	for _, name := range slices.Sorted(maps.Keys(r.To)) {
		fmt.Fprintf(std.Out, "    %d to %s\n", r.To[name], name)
	}
	if r.Dropped > 0 {
		fmt.Fprintf(std.Out, "    %d of ephemeral topics and channels are dropped\n", r.Dropped)
	}
}
