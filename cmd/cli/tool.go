package cli

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

// Tool is a command that talks to nodes. It declares its flags, then works until it is done or ctx ends, which is when
// somebody wants it to stop: it then makes safe what it holds and returns.
type Tool interface {
	Flags(f *Flags)
	Run(ctx context.Context, words []string, std Stdio) error
}

// ToolCommand makes a command of a tool. The manual stands above the flags in --help.
func ToolCommand(name, summary, manual string, make func() Tool) Command {
	return Command{
		Name:    name,
		Summary: summary,
		Run: func(args []string, std Stdio) int {
			ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
			defer stop()
			// A later Ctrl-C does not wait for anything. timeout(1) and others send the first one twice.
			context.AfterFunc(ctx, func() { time.AfterFunc(time.Second, stop) })
			return RunTool(ctx, name, manual, make(), args, std)
		},
		Flags: func() *flag.FlagSet { return NewFlags(name, make()).FlagSet },
	}
}

func RunTool(ctx context.Context, name, manual string, t Tool, args []string, std Stdio) int {
	table := NewFlags(name, t)
	words, err := table.ParseWords(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		printManual(std.Out, manual, table)
		return ExitOK
	case err == nil && table.version:
		fmt.Fprintln(std.Out, VersionLine())
		return ExitOK
	case err == nil:
		err = t.Run(ctx, words, std)
	}
	return endTool(name, err, std.Err)
}

// endTool says why a tool did not do what it was asked to.
func endTool(name string, err error, w io.Writer) int {
	var usage UsageError
	switch {
	case err == nil:
		return ExitOK
	case errors.As(err, &usage):
		fmt.Fprintf(w, "nsqmesh %s: %v (nsqmesh %s -h explains)\n", name, err, name)
		return ExitUsage
	}
	fmt.Fprintf(w, "nsqmesh %s: %v\n", name, err)
	return ExitFault
}

// UsageError is a command line that makes no sense: exit status 2 instead of 1.
type UsageError struct{ error }

// WrongUsage is an error of the one who typed the command.
func WrongUsage(format string, args ...any) error {
	return UsageError{fmt.Errorf(format, args...)}
}

// NoWords refuses what stands beside the flags where nothing is expected.
func NoWords(words []string) error {
	if len(words) > 0 {
		return WrongUsage("unknown arguments: %v", words)
	}
	return nil
}

// Flags is the flags of a tool.
type Flags struct {
	*flag.FlagSet
	version bool
}

func NewFlags(name string, t Tool) *Flags {
	f := &Flags{FlagSet: flag.NewFlagSet(name, flag.ContinueOnError)}
	f.SetOutput(io.Discard)
	t.Flags(f)
	f.Add(&f.version, "version", "print the version and end")
	return f
}

// Add declares a flag by its field, which holds the default. The word in backquotes in usage stands for the value.
func (f *Flags) Add(field any, name, usage string) {
	v, ok := field.(flag.Value)
	if !ok {
		v = ValueOf(field)
	}
	f.Var(v, name, usage)
}

// ParseWords takes flags and words in any order; what stands behind "--" is words only.
func (f *Flags) ParseWords(args []string) (words []string, err error) {
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

// Given tells whether the command line has the flag.
func (f *Flags) Given(name string) (found bool) {
	f.Visit(func(g *flag.Flag) { found = found || g.Name == name })
	return found
}

// explain keeps the request for help apart and adds a suggestion to a misspelt flag.
func (f *Flags) explain(err error) error {
	if errors.Is(err, flag.ErrHelp) {
		return err
	}
	name, unknown := strings.CutPrefix(err.Error(), "flag provided but not defined: -")
	if !unknown {
		return UsageError{err}
	}
	var names []string
	f.VisitAll(func(g *flag.Flag) { names = append(names, g.Name) })
	if near, ok := Nearest(strings.ReplaceAll(name, "_", "-"), names); ok {
		return UsageError{fmt.Errorf("%w (did you mean --%s?)", err, near)}
	}
	return UsageError{err}
}

func printManual(w io.Writer, manual string, f *Flags) {
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
