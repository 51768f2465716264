package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// tool is a command that talks to nodes. It declares its flags, then works until it is done or ctx ends, which is when
// somebody wants it to stop: it then makes safe what it holds and returns.
type tool interface {
	flags(f *flagTable)
	run(ctx context.Context, words []string, std stdio) error
}

// toolCommand makes a command of a tool. The manual stands above the flags in --help.
func toolCommand(name, summary, manual string, make func() tool) command {
	return command{
		name:    name,
		summary: summary,
		run: func(args []string, std stdio) int {
			ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
			defer stop()
			// A later Ctrl-C does not wait for anything. timeout(1) and others send the first one twice.
			context.AfterFunc(ctx, func() { time.AfterFunc(time.Second, stop) })
			return runTool(ctx, name, manual, make(), args, std)
		},
		flags: func() *flag.FlagSet { return newFlagTable(name, make()).FlagSet },
	}
}

func runTool(ctx context.Context, name, manual string, t tool, args []string, std stdio) int {
	table := newFlagTable(name, t)
	words, err := table.parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		printManual(std.out, manual, table)
		return exitOK
	case err == nil && table.version:
		fmt.Fprintln(std.out, versionLine())
		return exitOK
	case err == nil:
		err = t.run(ctx, words, std)
	}
	return endTool(name, err, std.err)
}

// endTool says why a tool did not do what it was asked to.
func endTool(name string, err error, w io.Writer) int {
	var usage usageError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &usage):
		fmt.Fprintf(w, "nsqmesh %s: %v (nsqmesh %s -h explains)\n", name, err, name)
		return exitUsage
	}
	fmt.Fprintf(w, "nsqmesh %s: %v\n", name, err)
	return exitFault
}

// wrongUsage is an error of the one who typed the command.
func wrongUsage(format string, args ...any) error {
	return usageError{fmt.Errorf(format, args...)}
}

// noWords refuses what stands beside the flags where nothing is expected.
func noWords(words []string) error {
	if len(words) > 0 {
		return wrongUsage("unknown arguments: %v", words)
	}
	return nil
}

// flagTable is the flags of a tool.
type flagTable struct {
	*flag.FlagSet
	version bool
}

func newFlagTable(name string, t tool) *flagTable {
	f := &flagTable{FlagSet: flag.NewFlagSet(name, flag.ContinueOnError)}
	f.SetOutput(io.Discard)
	t.flags(f)
	f.add(&f.version, "version", "print the version and end")
	return f
}

// add declares a flag by its field, which holds the default. The word in backquotes in usage stands for the value.
func (f *flagTable) add(field any, name, usage string) {
	v, ok := field.(flag.Value)
	if !ok {
		v = valueOf(field)
	}
	f.Var(v, name, usage)
}

// parse takes flags and words in any order; what stands behind "--" is words only.
func (f *flagTable) parse(args []string) (words []string, err error) {
	for {
		if err := f.Parse(args); err != nil {
			return nil, f.explain(err)
		}
		rest := f.Args()
		if len(rest) == 0 {
			return words, nil
		}
		if at := len(args) - len(rest); at > 0 && args[at-1] == "--" {
			return append(words, rest...), nil
		}
		words, args = append(words, rest[0]), rest[1:]
	}
}

// given tells whether the command line has the flag.
func (f *flagTable) given(name string) (found bool) {
	f.Visit(func(g *flag.Flag) { found = found || g.Name == name })
	return found
}

// explain keeps the request for help apart and adds a suggestion to a misspelt flag.
func (f *flagTable) explain(err error) error {
	if errors.Is(err, flag.ErrHelp) {
		return err
	}
	name, unknown := strings.CutPrefix(err.Error(), "flag provided but not defined: -")
	if !unknown {
		return usageError{err}
	}
	var names []string
	f.VisitAll(func(g *flag.Flag) { names = append(names, g.Name) })
	if near, ok := nearest(strings.ReplaceAll(name, "_", "-"), names); ok {
		return usageError{fmt.Errorf("%w (did you mean --%s?)", err, near)}
	}
	return usageError{err}
}

func printManual(w io.Writer, manual string, f *flagTable) {
	fmt.Fprintf(w, "%s\nOptions:\n", manual)
	f.VisitAll(func(g *flag.Flag) {
		kind, usage := flag.UnquoteUsage(g)
		head := "--" + g.Name
		if kind != "" {
			head += " <" + kind + ">"
		}
		fmt.Fprintf(w, "  %s\n        %s%s\n", head, usage, defaultOf(g))
	})
}

func defaultOf(g *flag.Flag) string {
	_, onOff := g.Value.(interface{ IsBoolFlag() bool })
	switch {
	case g.DefValue == "" || g.DefValue == "0" || g.DefValue == "0s" || onOff && g.DefValue == "false":
		return ""
	case strings.ContainsAny(g.DefValue, " \n"):
		return fmt.Sprintf(" (default %q)", g.DefValue)
	}
	return " (default " + g.DefValue + ")"
}
