package cli

import (
	"flag"
	"io"
)

// Exit statuses, those of every NSQ program.
const (
	ExitOK    = 0
	ExitFault = 1 // it did not work
	ExitUsage = 2 // the command line makes no sense
)

// Stdio is what a command may touch of the process that it runs in.
type Stdio struct {
	In       io.Reader
	Out, Err io.Writer
	Environ  []string
}

// Command is one word behind "nsqmesh". Its run gets the arguments behind that word and answers -h itself.
type Command struct {
	Name    string
	Summary string
	Run     func(args []string, std Stdio) int
	Flags   func() *flag.FlagSet // for the completion of shells; nil is none
}
