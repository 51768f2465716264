package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/nsqmesh/nsqmesh/cmd/cli"
	"github.com/nsqmesh/nsqmesh/cmd/keyring"
)

const configHelp = `nsqmesh config looks at config files and options.

    nsqmesh config check nsqd.cfg     all that is wrong with a file, without starting a node
    nsqmesh config docs               the page of all options, in Markdown
`

func configCommand() cli.Command {
	return cli.Command{Name: "config", Summary: "check a config file, print the page of all options", Run: runConfig}
}

func runConfig(args []string, std cli.Stdio) int {
	switch {
	case len(args) == 2 && args[0] == "check" && args[1] != "-h" && args[1] != "--help":
		return checkFile(args[1], std)
	case len(args) == 1 && args[0] == "docs":
		printDocs(std.Out)
		return cli.ExitOK
	case len(args) > 0 && isHelp(args[len(args)-1]):
		fmt.Fprint(std.Out, configHelp)
		return cli.ExitOK
	}
	fmt.Fprint(std.Err, configHelp)
	return cli.ExitUsage
}

func isHelp(arg string) bool {
	return arg == "-h" || arg == "-help" || arg == "--help" || arg == "help"
}

// checkFile is stricter than serve, to which a key that it has never heard of is only a warning.
func checkFile(path string, std cli.Stdio) int {
	s := newSettings()
	if err := s.readFile(path); err != nil {
		return complain(std.Err, path, append(lines(err), s.warnings...))
	}
	problems := s.warnings
	if err := s.resolve(); err != nil {
		problems = append(problems, lines(err)...)
	} else if err := readNamedFiles(s.opts); err != nil {
		problems = append(problems, lines(err)...)
	}
	if len(problems) > 0 {
		return complain(std.Err, path, problems)
	}
	for _, a := range advice(s.opts) {
		fmt.Fprintf(std.Out, "%s: %s\n", path, a)
	}
	fmt.Fprintf(std.Out, "%s: %d options, all fine\n", path, len(s.set))
	return cli.ExitOK
}

// readNamedFiles reads the certificates and keys that the options name, as serve does.
func readNamedFiles(o *Options) error {
	var wrong problems
	if _, err := loadTLS(o); err != nil {
		wrong = append(wrong, err.Error())
	}
	if _, err := keyring.ReadFile(o.GossipKeyFile); err != nil {
		wrong = append(wrong, err.Error())
	}
	return wrong.orNil()
}

func complain(w io.Writer, path string, problems []string) int {
	for _, p := range problems {
		fmt.Fprintf(w, "%s: %s\n", path, p)
	}
	return cli.ExitFault
}

// lines takes a list of problems apart.
func lines(err error) []string {
	var list problems
	if errors.As(err, &list) {
		return list
	}
	return []string{err.Error()}
}
