// Package bench is "nsqmesh bench": scenarios that load any server of the protocol and report rates, latencies and what
// a message costs the server in CPU.
//
// It speaks V2 by itself, in batches and without an allocation per message, so that the client costs less than the server
// that it measures. A scenario is a file here and a line in bench.go.
package bench
