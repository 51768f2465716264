//go:build unix

package main

import (
	"os"
	"syscall"
)

var drainSignal os.Signal = syscall.SIGUSR1
