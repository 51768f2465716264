package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/nsqmesh/nsqmesh/cmd/cli"
)

// errVersion ends a command that was only asked for its version.
var errVersion = errors.New("version asked for")

// settings collects an Options from its sources, the weakest first.
type settings struct {
	opts     *Options
	set      map[string]bool // flag names of the options that a source has given
	warnings []string
}

func newSettings() *settings {
	return &settings{opts: newOptions(), set: map[string]bool{}}
}

// problems are all errors of one source at once, so that a file is mended in one round.
type problems []string

func (p problems) Error() string { return strings.Join(p, "; ") }

// orNil keeps an empty list from becoming a non-nil error.
func (p problems) orNil() error {
	if len(p) == 0 {
		return nil
	}
	return p
}

// parseServe reads the settings of a node: an explicit flag beats the environment, that the config file, that the
// default. Give its error to endServe. Whatever is odd but harmless is logged to stderr.
func parseServe(args, environ []string, stderr io.Writer) (*Options, error) {
	asked := newSettings()
	if err := asked.readFlags(args); err != nil { // before anything else: a bad flag must not wait for a bad file
		return nil, err
	}
	if asked.opts.ShowVersion {
		return nil, errVersion
	}
	s := newSettings()
	file := asked.opts.ConfigFile
	if !asked.set["config"] {
		file = cli.LookupVariable(environ, cli.EnvPrefix+"CONFIG")
	}
	if err := s.readSources(file, environ, args); err != nil {
		return nil, err
	}
	if err := s.resolve(); err != nil {
		return nil, fmt.Errorf("failed to instantiate nsqd - %w", err)
	}
	log, _ := newLogger(s.opts, stderr)
	for _, w := range slices.Concat(s.warnings, advice(s.opts)) {
		log.Warn(w)
	}
	return s.opts, nil
}

func (s *settings) readSources(file string, environ, args []string) error {
	if file != "" {
		if err := s.readFile(file); err != nil {
			return fmt.Errorf("failed to load config file %s - %w", file, err)
		}
	}
	if err := s.readEnvironment(environ); err != nil {
		return fmt.Errorf("failed to read the environment - %w", err)
	}
	if err := s.readFlags(args); err != nil {
		return err
	}
	s.opts.ConfigFile = file
	return nil
}
