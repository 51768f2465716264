// Command nsqmesh is an nsqd and an nsqlookupd in one process; the tools around it are in the packages beside this one.
//
// It owns the command line, the options and where they come from, the logger, TLS settings, and the wiring: every part
// is built in serve.go and handed the few values that it needs. Options are described once, in the table of
// options_*.go; flags, environment, config file, help, /config and docs/configuration.md all follow from that table.
// An Options is written before serve builds anything and only read afterwards; what may change while the node runs is
// kept in runtimeConfig under its lock. Nothing here knows how a message moves.
package main
