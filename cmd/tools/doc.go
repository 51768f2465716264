// Package tools holds the commands that use a mesh: publish, consume, copy and look. A tool is a type with its flags as
// fields, declared and run as cli.Tool wants it; a new one is a file here and a line in cmd/nsqmesh/main.go.
//
// A tool that holds messages finishes them only when they are safe at their destination, and on Ctrl-C makes safe what it
// holds. Tools speak V2 through go-nsq and HTTP through package cluster; they know nothing of how a node is built.
package tools
