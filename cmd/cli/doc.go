// Package cli is what all commands of nsqmesh share: how a command is described and run, its flags and manual, exit
// statuses, and how it speaks to people (console, tables, colour) and to scripts (JSON).
//
// It keeps nothing between commands and talks to no node. The terminal's last line, where progress stands, belongs to
// Console and is guarded by its lock.
package cli
