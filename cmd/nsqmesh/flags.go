package main

import (
	"errors"
	"flag"
	"io"
	"strings"

	"github.com/nsqmesh/nsqmesh/cmd/cli"
)

// readFlags takes a command line by the rules of Go's flag package, as every NSQ program does. What stands behind
// the flags is refused: stock nsqd ignores it, so that "--deflate false --data-path=/x" silently loses the path.
func (s *settings) readFlags(args []string) error {
	fs := s.flags()
	if err := fs.Parse(args); err != nil {
		return flagError(err)
	}
	if fs.NArg() > 0 {
		return cli.WrongUsage("unexpected argument %q: options start with a dash, "+
			"and on/off options take their value with = (--deflate=false)", fs.Arg(0))
	}
	fs.Visit(func(f *flag.Flag) { s.set[f.Name] = true })
	return nil
}

// flags are those of serve, to be set in s.
func (s *settings) flags() *flag.FlagSet {
	fs := flag.NewFlagSet("serve", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	for _, o := range allOptions() {
		fs.Var(o.in(s.opts), o.name, o.help)
	}
	return fs
}

func serveFlags() *flag.FlagSet { return newSettings().flags() }

// flagError keeps the request for help apart and adds a suggestion to a misspelt flag.
func flagError(err error) error {
	if errors.Is(err, flag.ErrHelp) {
		return err
	}
	name, unknown := strings.CutPrefix(err.Error(), "flag provided but not defined: -")
	if !unknown {
		return cli.WrongUsage("%w", err)
	}
	var names []string
	for _, o := range allOptions() {
		names = append(names, o.name)
	}
	if near, ok := cli.Nearest(strings.ReplaceAll(name, "_", "-"), names); ok {
		return cli.WrongUsage("%w (did you mean --%s?)", err, near)
	}
	return cli.WrongUsage("%w", err)
}
