package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/nsqmesh/nsqmesh/cmd/bench"
	"github.com/nsqmesh/nsqmesh/cmd/cli"
	"github.com/nsqmesh/nsqmesh/cmd/keyring"
	"github.com/nsqmesh/nsqmesh/cmd/tools"
	"github.com/nsqmesh/nsqmesh/cmd/user"
)

// commands are shown in this order. A new one is a file with a function like these and a line here.
func commands() []cli.Command {
	return []cli.Command{
		{Name: "serve", Summary: "run a node", Run: runServe, Flags: serveFlags},
		tools.Pub(),
		tools.Tail(),
		tools.ToFile(),
		tools.ToHTTP(),
		tools.Mirror(),
		tools.Stat(),
		tools.Topics(),
		tools.Channels(),
		tools.Nodes(),
		tools.Mesh(),
		tools.Policy(),
		tools.Health(),
		raftCommand(),
		tools.Drain(),
		bench.Command(),
		keyring.Command(),
		user.Command(),
		configCommand(),
		completionCommand(),
		cli.VersionCommand(),
	}
}

func main() {
	std := cli.Stdio{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Environ: os.Environ()}
	os.Exit(run(os.Args[1:], std))
}

func run(args []string, std cli.Stdio) int {
	if len(args) == 0 {
		printCommands(std.Err)
		return cli.ExitUsage
	}
	switch strings.TrimLeft(args[0], "-") {
	case "help", "h":
		return runHelp(args[1:], std)
	case "version":
		return cli.VersionCommand().Run(nil, std)
	}
	for _, c := range commands() {
		if c.Name == args[0] {
			return c.Run(args[1:], std)
		}
	}
	return unknownCommand(args[0], std.Err)
}

// runHelp takes "help serve" for "serve -h".
func runHelp(args []string, std cli.Stdio) int {
	if len(args) > 0 && args[0] != "help" && !strings.HasPrefix(args[0], "-") {
		return run([]string{args[0], "-h"}, std)
	}
	printCommands(std.Out)
	return cli.ExitOK
}

func unknownCommand(word string, w io.Writer) int {
	if strings.HasPrefix(word, "-") {
		fmt.Fprintf(w, "nsqmesh: the command is missing (did you mean nsqmesh serve %s ...?)\n", word)
		return cli.ExitUsage
	}
	var names []string
	for _, c := range commands() {
		names = append(names, c.Name)
	}
	fmt.Fprintf(w, "nsqmesh: unknown command %q", word)
	if near, ok := cli.Nearest(word, names); ok {
		fmt.Fprintf(w, " (did you mean %s?)", near)
	}
	fmt.Fprintln(w, "\nRun nsqmesh help for the list.")
	return cli.ExitUsage
}

func printCommands(w io.Writer) {
	fmt.Fprint(w, `nsqmesh is an nsqd and an nsqlookupd in one program, whose nodes find each other.

    nsqmesh serve                                    one node, data in the current folder
    nsqmesh serve --data-path=/var/lib/nsq \
        --gossip-seed=10.0.0.7:4155                  one more node of the mesh of 10.0.0.7
    nsqmesh serve --config=nsqd.cfg                  in place of an nsqd, with its config file

    echo hello | nsqmesh pub --topic=test            publish, on whatever node takes it
    nsqmesh tail test                                see what comes
    nsqmesh stat                                     see how much, live
    nsqmesh mesh                                     see how the nodes are

Commands:

`)
	for _, c := range commands() {
		fmt.Fprintf(w, "    %-10s %s\n", c.Name, c.Summary)
	}
	fmt.Fprint(w, "\nnsqmesh help COMMAND, or nsqmesh COMMAND -h, tells more about one.\n")
}
