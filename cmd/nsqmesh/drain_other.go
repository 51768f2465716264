//go:build !unix

package main

import "os"

// drainSignal is nil where there is no such signal; nsqmesh drain works everywhere.
var drainSignal os.Signal
