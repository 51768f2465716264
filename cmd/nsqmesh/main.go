package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

// Exit statuses, those of every NSQ program.
const (
	exitOK    = 0
	exitFault = 1 // it did not work
	exitUsage = 2 // the command line makes no sense
)

// stdio is what a command may touch of the process that it runs in.
type stdio struct {
	in       io.Reader
	out, err io.Writer
	environ  []string
}

// command is one word behind "nsqmesh". Its run gets the arguments behind that word and answers -h itself.
type command struct {
	name    string
	summary string
	run     func(args []string, std stdio) int
	flags   func() *flag.FlagSet // for the completion of shells; nil is none
}

// commands are shown in this order. A new one is a file with a function like these and a line here.
func commands() []command {
	return []command{
		{name: "serve", summary: "run a node", run: runServe, flags: serveFlags},
		pubCommand(),
		tailCommand(),
		toFileCommand(),
		toHTTPCommand(),
		mirrorCommand(),
		statCommand(),
		topicsCommand(),
		channelsCommand(),
		nodesCommand(),
		meshCommand(),
		benchCommand(),
		keyringCommand(),
		configCommand(),
		completionCommand(),
		versionCommand(),
	}
}

func main() {
	std := stdio{in: os.Stdin, out: os.Stdout, err: os.Stderr, environ: os.Environ()}
	os.Exit(run(os.Args[1:], std))
}

func run(args []string, std stdio) int {
	if len(args) == 0 {
		printCommands(std.err)
		return exitUsage
	}
	switch strings.TrimLeft(args[0], "-") {
	case "help", "h":
		return runHelp(args[1:], std)
	case "version":
		return versionCommand().run(nil, std)
	}
	for _, c := range commands() {
		if c.name == args[0] {
			return c.run(args[1:], std)
		}
	}
	return unknownCommand(args[0], std.err)
}

// runHelp takes "help serve" for "serve -h".
func runHelp(args []string, std stdio) int {
	if len(args) > 0 && args[0] != "help" && !strings.HasPrefix(args[0], "-") {
		return run([]string{args[0], "-h"}, std)
	}
	printCommands(std.out)
	return exitOK
}

func unknownCommand(word string, w io.Writer) int {
	if strings.HasPrefix(word, "-") {
		fmt.Fprintf(w, "nsqmesh: the command is missing (did you mean nsqmesh serve %s ...?)\n", word)
		return exitUsage
	}
	var names []string
	for _, c := range commands() {
		names = append(names, c.name)
	}
	fmt.Fprintf(w, "nsqmesh: unknown command %q", word)
	if near, ok := nearest(word, names); ok {
		fmt.Fprintf(w, " (did you mean %s?)", near)
	}
	fmt.Fprintln(w, "\nRun nsqmesh help for the list.")
	return exitUsage
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
		fmt.Fprintf(w, "    %-10s %s\n", c.name, c.summary)
	}
	fmt.Fprint(w, "\nnsqmesh help COMMAND, or nsqmesh COMMAND -h, tells more about one.\n")
}
