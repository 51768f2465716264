package main

import (
	"errors"
	"fmt"
	"io"
)

const configHelp = `nsqmesh config looks at config files and options.

    nsqmesh config check nsqd.cfg     all that is wrong with a file, without starting a node
    nsqmesh config docs               the page of all options, in Markdown
`

func configCommand() command {
	return command{name: "config", summary: "check a config file, print the page of all options", run: runConfig}
}

func runConfig(args []string, std stdio) int {
	switch {
	case len(args) == 2 && args[0] == "check" && args[1] != "-h" && args[1] != "--help":
		return checkFile(args[1], std)
	case len(args) == 1 && args[0] == "docs":
		printDocs(std.out)
		return exitOK
	case len(args) > 0 && isHelp(args[len(args)-1]):
		fmt.Fprint(std.out, configHelp)
		return exitOK
	}
	fmt.Fprint(std.err, configHelp)
	return exitUsage
}

func isHelp(arg string) bool {
	return arg == "-h" || arg == "-help" || arg == "--help" || arg == "help"
}

// checkFile is stricter than serve, to which a key that it has never heard of is only a warning.
func checkFile(path string, std stdio) int {
	s := newSettings()
	if err := s.readFile(path); err != nil {
		return complain(std.err, path, append(lines(err), s.warnings...))
	}
	problems := s.warnings
	if err := s.resolve(); err != nil {
		problems = append(problems, lines(err)...)
	} else if err := readNamedFiles(s.opts); err != nil {
		problems = append(problems, lines(err)...)
	}
	if len(problems) > 0 {
		return complain(std.err, path, problems)
	}
	for _, a := range advice(s.opts) {
		fmt.Fprintf(std.out, "%s: %s\n", path, a)
	}
	fmt.Fprintf(std.out, "%s: %d options, all fine\n", path, len(s.set))
	return exitOK
}

// readNamedFiles reads the certificates and keys that the options name, as serve does.
func readNamedFiles(o *Options) error {
	var wrong problems
	if _, err := loadTLS(o); err != nil {
		wrong = append(wrong, err.Error())
	}
	if _, err := readGossipKeys(o.GossipKeyFile); err != nil {
		wrong = append(wrong, err.Error())
	}
	return wrong.orNil()
}

func complain(w io.Writer, path string, problems []string) int {
	for _, p := range problems {
		fmt.Fprintf(w, "%s: %s\n", path, p)
	}
	return exitFault
}

// lines takes a list of problems apart.
func lines(err error) []string {
	var list problems
	if errors.As(err, &list) {
		return list
	}
	return []string{err.Error()}
}
