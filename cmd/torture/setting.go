package main

import (
	"maps"
	"slices"
)

// setting is how nodes keep messages, and what docs/guarantees.md says of it.
type setting struct {
	flags []string
	// What is on disk survives a kill: only what has left the disk for consumers may go with it.
	durable bool
	// Something may be on disk, so a kill may bring what was finished back.
	disk bool
}

var settings = map[string]setting{
	"memory": {},
	"mixed":  {flags: []string{"--mem-queue-size=50"}, disk: true},
	"disk":   {flags: []string{"--mem-queue-size=0"}, disk: true, durable: true},
	"sync":   {flags: []string{"--mem-queue-size=0", "--sync-every=1"}, disk: true, durable: true},
}

func settingNames() []string { return slices.Sorted(maps.Keys(settings)) }

const (
	ready     = 20  // RDY of a raw consumer
	readAhead = 256 // messages that leave the disk for a channel before a consumer has room
)
