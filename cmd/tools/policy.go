package tools

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/nsqmesh/nsqmesh/cmd/cli"
	"github.com/nsqmesh/nsqmesh/cmd/cluster"
)

const policyManual = `nsqmesh policy shows and changes what topics are held to, by name or pattern. A change is for the whole mesh and lasting.

usage: nsqmesh policy list [options] [TOPIC]
       nsqmesh policy set [options] PATTERN SETTING=VALUE...
       nsqmesh policy delete [options] PATTERN

    nsqmesh policy list
        all rules, the more general first; each setting is that of the last rule that sets it

    nsqmesh policy list orders.eu
        the rules that orders.eu is under

    nsqmesh policy set 'orders.*' max-attempts=5 dead-letter-topic=orders_dead
        replaces the rule for orders.* with these settings

    nsqmesh policy delete 'orders.*'

settings:
    max-attempts=5                deliveries of a message on a channel (0 is no limit)
    dead-letter-topic=failed      where a message goes after that many; without it, it is dropped
    message-ttl=24h               older messages are dropped instead of delivered
    max-depth=100000              messages that wait in a channel, or in a topic without channels
    when-full=refuse              refuse the publish, or drop-oldest
    max-defer=10m                 longest delay of a publish or a requeue
    idle-delete=168h              a topic unused for so long is deleted on that node
    auto-create=false             publishing and subscribing make no topic
`

// Policy is the command of policies.
func Policy() cli.Command {
	return cli.ToolCommand("policy", "show and change what topics are held to", policyManual, func() cli.Tool {
		return &policyTool{cluster: cluster.NewFlags(), output: cli.NewOutputForm()}
	})
}

type policyTool struct {
	cluster cluster.Flags
	output  cli.OutputForm
}

func (t *policyTool) Flags(f *cli.Flags) {
	t.cluster.Add(f)
	t.output.Add(f)
}

func (t *policyTool) Run(ctx context.Context, words []string, std cli.Stdio) error {
	if len(words) == 0 {
		words = []string{"list"}
	}
	verb, words := words[0], words[1:]
	c, err := t.cluster.Open(std)
	if err != nil {
		return err
	}
	switch {
	case verb == "list" && len(words) <= 1:
		return t.list(ctx, c, words, std)
	case verb == "set" && len(words) >= 2:
		return t.set(ctx, c, words[0], words[1:])
	case verb == "delete" && len(words) == 1:
		return c.First(func(address string) error {
			return c.Api.Post(ctx, address, "/policy/delete", url.Values{"pattern": words}, nil)
		})
	}
	return cli.WrongUsage("policy is followed by list [TOPIC], set PATTERN SETTING=VALUE..., or delete PATTERN")
}

func (t *policyTool) set(ctx context.Context, c *cluster.Cluster, pattern string, pairs []string) error {
	settings := map[string]string{}
	for _, pair := range pairs {
		name, value, ok := strings.Cut(pair, "=")
		if !ok {
			return cli.WrongUsage("%s is not of the form SETTING=VALUE", pair)
		}
		settings[name] = value
	}
	body, err := json.Marshal(settings)
	if err != nil {
		return fmt.Errorf("encode settings: %w", err)
	}
	return c.First(func(address string) error {
		return c.Api.PostBody(ctx, address, "/policy/set", url.Values{"pattern": {pattern}}, body, nil)
	})
}

// policyRule is a rule as nodes tell of it.
type policyRule struct {
	Pattern string            `json:"pattern"`
	Policy  map[string]string `json:"policy"`
	Source  string            `json:"source"`
}

func (t *policyTool) list(ctx context.Context, c *cluster.Cluster, topic []string, std cli.Stdio) error {
	query := url.Values{}
	if len(topic) > 0 {
		query["topic"] = topic
	}
	var answer struct {
		Rules []policyRule `json:"rules"`
	}
	err := c.First(func(address string) error { return c.Api.Get(ctx, address, "/policy", query, &answer) })
	if err != nil {
		return err
	}
	if t.output.Json() {
		return cli.PrintJSON(std.Out, answer)
	}
	table := &cli.Table{Head: []string{"PATTERN", "SOURCE", "SETTINGS"}}
	for _, r := range answer.Rules {
		var settings []string
		for _, name := range slices.Sorted(maps.Keys(r.Policy)) {
			settings = append(settings, name+"="+r.Policy[name])
		}
		table.Add(cli.Plain(r.Pattern), cli.Plain(r.Source), cli.Plain(strings.Join(settings, " ")))
	}
	if len(answer.Rules) == 0 {
		fmt.Fprintln(std.Out, "no policies")
		return nil
	}
	table.Print(std.Out, cli.NewPaint(std.Out, std.Environ))
	return nil
}
