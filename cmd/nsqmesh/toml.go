package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
	"github.com/nsqmesh/nsqmesh/cmd/cli"
)

// readFile takes a config file of stock nsqd or nsqlookupd, or our own: flat keys, TOML.
func (s *settings) readFile(path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return s.readTOML(string(data))
}

// readTOML sets what the text says. A key that resembles a known one is a typing error and refused; one that does not
// is left over from something else and only warned about, for stock nsqd starts with it.
func (s *settings) readTOML(text string) error {
	var keys map[string]any
	if _, err := toml.Decode(text, &keys); err != nil {
		return err
	}
	var wrong problems
	options := fileOptions()
	for _, key := range sortedKeys(keys) {
		if key == policyKey {
			rules, bad := readPolicies(keys[key])
			s.opts.Policies, wrong = rules, append(wrong, bad...)
			continue
		}
		if o, known := options[key]; known {
			if err := o.in(s.opts).SetTOML(keys[key]); err != nil {
				wrong = append(wrong, fmt.Sprintf("failed parsing %s %v: %v", key, keys[key], err))
			}
			s.set[o.name] = true
			continue
		}
		if meant, ok := nearestKey(key); ok {
			wrong = append(wrong, fmt.Sprintf("unknown key %s (did you mean %s?)", key, meant))
		} else {
			s.warnings = append(s.warnings, fmt.Sprintf("unknown key %s in the config file has no effect", key))
		}
	}
	return wrong.orNil()
}

// fileOptions are the options that may stand in a file, by their key.
func fileOptions() map[string]option {
	options := map[string]option{}
	for _, o := range allOptions() {
		if !o.flagOnly {
			options[o.configKey()] = o
		}
	}
	return options
}

// nearestKey knows the spellings of the command line, too: node-id and node_id are meant to be id.
func nearestKey(key string) (string, bool) {
	options := fileOptions()
	spellings := map[string]string{}
	for k, o := range options {
		spellings[k] = k
		spellings[strings.ReplaceAll(o.name, "-", "_")] = k
	}
	near, ok := cli.Nearest(strings.ReplaceAll(strings.ToLower(key), "-", "_"), sortedKeys(spellings))
	return spellings[near], ok
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
