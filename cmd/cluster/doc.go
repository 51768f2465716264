// Package cluster finds the nodes of a mesh from the lookup address of any of them, for the tools: producers of a topic,
// all nodes, and how a node sees its mesh. It also holds the HTTP client that they ask with.
//
// It only asks: what it returns is a picture of that moment, and nothing is cached or retried behind a caller's back.
package cluster
