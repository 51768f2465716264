package main

import (
	"fmt"
	"slices"
	"strings"
)

// envPrefix starts the name of every environment variable that sets an option.
const envPrefix = "NSQMESH_"

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
func setFromText(v value, given string) error {
	if v.kind() == "list" {
		return v.setTOML(given)
	}
	return v.Set(given)
}

// warnAboutVariable speaks up where a letter or two are wrong.
func (s *settings) warnAboutVariable(name string, options map[string]option) {
	if !strings.HasPrefix(name, envPrefix) {
		return
	}
	for _, known := range sortedKeys(options) {
		if distance(name, known) <= 2 {
			s.warnings = append(s.warnings, fmt.Sprintf("environment variable %s is not known (did you mean %s?)", name, known))
			return
		}
	}
}

// lookupVariable returns the last setting of name, as the operating system does.
func lookupVariable(environ []string, name string) string {
	for _, entry := range slices.Backward(environ) {
		if n, v, _ := strings.Cut(entry, "="); n == name {
			return v
		}
	}
	return ""
}
