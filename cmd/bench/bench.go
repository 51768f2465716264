package bench

import (
	"context"
	"flag"
	"fmt"
	"os/signal"
	"slices"
	"syscall"

	"github.com/nsqmesh/nsqmesh/cmd/cli"
)

const benchManual = `nsqmesh bench measures a server that speaks NSQ's protocol: a node of ours or a stock nsqd.

usage: nsqmesh bench SCENARIO [options]
       nsqmesh bench --compare [options] A.json B.json

    nsqmesh bench pub --pid=$(pgrep -f 'nsqmesh serve')
        publish as fast as this server takes it; with its process id also what a message costs it

    nsqmesh bench sub
        consume what bench pub left, as fast as the server gives it

    nsqmesh bench latency --rate=20000 --address=mq1.example.com:4150
        how long messages take from producer to consumer at a rate that the server has no trouble with

    for i in 1 2 3; do nsqmesh bench pub --output=json; done > before.json
    ... the same with the other server or version > after.json
    nsqmesh bench --compare before.json after.json
        ratios of the medians of several rounds, which say more than one number of a busy machine

Scenarios (nsqmesh bench SCENARIO -h explains one):

    pub       publish as fast as the server takes it
    sub       consume what is there as fast as the server gives it
    latency   from producer to consumer, at a fixed rate
    fanout    publish to a topic with many channels
    idle      what quiet connections cost
    lookup    answers of an nsqlookupd about topics and nodes

Ctrl-C ends a measurement early; what was measured until then is printed. The topic (--topic) and what is left in it stay:
    curl -X POST 'http://127.0.0.1:4151/topic/delete?topic=bench'
`

// scenarios are what can be measured. A new one is a file with functions like these, a line here and one in the manual.
func scenarios() map[string]func() scenario {
	return map[string]func() scenario{
		"pub":     func() scenario { return newPubBench() },
		"sub":     func() scenario { return newSubBench() },
		"latency": func() scenario { return newLatencyBench() },
		"fanout":  func() scenario { return newFanoutBench() },
		"idle":    func() scenario { return newIdleBench() },
		"lookup":  func() scenario { return newLookupBench() },
	}
}

func Command() cli.Command {
	return cli.Command{
		Name:    "bench",
		Summary: "measure a server, stock nsqds included",
		Run: func(args []string, std cli.Stdio) int {
			ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
			defer stop()
			context.AfterFunc(ctx, stop) // a second Ctrl-C does not wait for anything
			return runBench(ctx, args, std)
		},
		Flags: benchFlags,
	}
}

func runBench(ctx context.Context, args []string, std cli.Stdio) int {
	if len(args) > 0 {
		if scenario, ok := scenarios()[args[0]]; ok {
			s := scenario()
			return cli.RunTool(ctx, "bench "+args[0], s.manual(), &benchTool{name: args[0], scenario: s}, args[1:], std)
		}
	}
	return cli.RunTool(ctx, "bench", benchManual, newCompareTool(), args, std)
}

// benchFlags are those of all scenarios, for the completion of shells.
func benchFlags() *flag.FlagSet {
	all := cli.NewFlags("bench", newCompareTool()).FlagSet
	for name, scenario := range scenarios() {
		cli.NewFlags(name, &benchTool{name: name, scenario: scenario()}).VisitAll(func(f *flag.Flag) {
			if all.Lookup(f.Name) == nil {
				all.Var(f.Value, f.Name, f.Usage)
			}
		})
	}
	return all
}

// noScenario explains what was expected in place of words.
func noScenario(words []string) error {
	if len(words) == 0 {
		return cli.WrongUsage("which scenario? pub, sub, latency, fanout, idle or lookup")
	}
	var known []string
	for name := range scenarios() {
		known = append(known, name)
	}
	slices.Sort(known)
	if slices.Contains(known, words[0]) {
		return cli.WrongUsage("the scenario comes first: nsqmesh bench %s [options]", words[0])
	}
	hint := ""
	if near, ok := cli.Nearest(words[0], known); ok {
		hint = fmt.Sprintf(" (did you mean %s?)", near)
	}
	return cli.WrongUsage("unknown scenario %q%s", words[0], hint)
}
