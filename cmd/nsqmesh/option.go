package main

import (
	"strings"

	"github.com/nsqmesh/nsqmesh/cmd/cli"
)

// option is one row of the table: all that is known about one setting.
type option struct {
	name string // flag, without dashes
	key  string // config file and /config; empty is the flag's name with underscores
	def  string // default, as one would write it on the command line
	kind string // what help shows for the value: "messages", "host:port", ...; empty follows from the Go type
	help string // one line

	at    func(*Options) any // pointer to the field
	check func(any) string   // empty if the value is fine, otherwise what it must be; nil takes anything

	ours     bool   // not an option of stock nsqd
	flagOnly bool   // not in the config file, the environment or /config
	stands   string // shown for a default that is only known when the node starts
}

// theme is a chapter of the table, in the order of help and docs.
type theme struct {
	title   string
	options []option
}

// themes is the whole table.
func themes() []theme {
	return []theme{
		{"Start", startOptions()},
		{"Stop and drain", stopOptions()},
		{"Listeners", listenerOptions()},
		{"Mesh", meshOptions()},
		{"Raft", raftOptions()},
		{"Identity", identityOptions()},
		{"Queues and disk", queueOptions()},
		{"Messages", messageOptions()},
		{"Client limits", clientOptions()},
		{"Lookup", lookupOptions()},
		{"Admin pages", adminOptions()},
		{"TLS", tlsOptions()},
		{"Authorization", authOptions()},
		{"Statsd and latency", measureOptions()},
		{"Logs", logOptions()},
	}
}

// allOptions is the table without its chapters.
func allOptions() []option {
	var all []option
	for _, t := range themes() {
		all = append(all, t.options...)
	}
	return all
}

// configKey is the option's name in the config file and for /config.
func (o option) configKey() string {
	if o.key != "" {
		return o.key
	}
	return strings.ReplaceAll(o.name, "-", "_")
}

// variable is the option's name in the environment.
func (o option) variable() string {
	return cli.EnvPrefix + strings.ToUpper(strings.ReplaceAll(o.name, "-", "_"))
}

// in is the option's place in opts. Ask for a new one for each source: a list forgets what an earlier source said.
func (o option) in(opts *Options) cli.Value { return cli.ValueOf(o.at(opts)) }

// newOptions returns the defaults of the table.
func newOptions() *Options {
	opts := new(Options)
	for _, o := range allOptions() {
		if o.def == "" {
			continue
		}
		if err := o.in(opts).Set(o.def); err != nil {
			panic("default of --" + o.name + ": " + err.Error()) // a row of the table is wrong
		}
	}
	return opts
}
