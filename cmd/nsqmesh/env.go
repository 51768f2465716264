package main

import (
	"fmt"
	"strings"

	"github.com/nsqmesh/nsqmesh/cmd/cli"
)

// readEnvironment takes NSQMESH_MEM_QUEUE_SIZE for --mem-queue-size and so on; lists are split at commas.
// Unknown variables with the prefix are no error, because Kubernetes makes some for a service of that name.
func (s *settings) readEnvironment(environ []string) error {
	var wrong problems
	options := map[string]option{}
	for _, o := range allOptions() {
		if !o.flagOnly {
			options[o.variable()] = o
		}
	}
	for _, entry := range environ {
		name, given, _ := strings.Cut(entry, "=")
		o, known := options[name]
		if !known {
			s.warnAboutVariable(name, options)
			continue
		}
		if err := setFromText(o.in(s.opts), given); err != nil {
			wrong = append(wrong, fmt.Sprintf("%s=%s: %v", name, given, err))
		}
		s.set[o.name] = true
	}
	return wrong.orNil()
}

// setFromText is Set, but one text may hold a whole list.
func setFromText(v cli.Value, given string) error {
	if v.Kind() == "list" {
		return v.SetTOML(given)
	}
	return v.Set(given)
}

// warnAboutVariable speaks up where a letter or two are wrong.
func (s *settings) warnAboutVariable(name string, options map[string]option) {
	if !strings.HasPrefix(name, cli.EnvPrefix) {
		return
	}
	for _, known := range sortedKeys(options) {
		if cli.Distance(name, known) <= 2 {
			s.warnings = append(s.warnings, fmt.Sprintf("environment variable %s is not known (did you mean %s?)", name, known))
			return
		}
	}
}
