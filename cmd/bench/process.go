package bench

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"
)

const (
	clockTick = 10 * time.Millisecond // of the times in /proc, on every Linux
	restLook  = 300 * time.Millisecond
	restUse   = 3 * clockTick // less than this in a look is rest
	restLimit = 10 * time.Second
)

// serverProcess is what the kernel tells of the process that is measured.
type serverProcess struct{ pid int }

// cpu is user and system time used up to now.
func (p *serverProcess) cpu() (time.Duration, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.pid))
	if err != nil {
		return 0, fmt.Errorf("look at the server (--pid): %w", err)
	}
	// The name of the program stands in brackets and may have any character in it; user time is the 12th field behind.
	fields := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:])
	if len(fields) < 13 {
		return 0, fmt.Errorf("look at the server (--pid): unknown format of /proc/%d/stat", p.pid)
	}
	user, err := strconv.ParseInt(string(fields[11]), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("look at the server (--pid): %w", err)
	}
	system, err := strconv.ParseInt(string(fields[12]), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("look at the server (--pid): %w", err)
	}
	return time.Duration(user+system) * clockTick, nil
}

// cpuAtRest is cpu once the server is quiet, so that what it puts off (disk, garbage) counts, too.
func (p *serverProcess) cpuAtRest() (time.Duration, error) {
	used, err := p.cpu()
	for end := time.Now().Add(restLimit); err == nil && time.Now().Before(end); {
		time.Sleep(restLook)
		before := used
		if used, err = p.cpu(); used-before < restUse {
			break
		}
	}
	return used, err
}

// memory is the resident set in bytes.
func (p *serverProcess) memory() (int64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", p.pid))
	if err != nil {
		return 0, fmt.Errorf("look at the server (--pid): %w", err)
	}
	fields := bytes.Fields(b)
	if len(fields) < 2 {
		return 0, fmt.Errorf("look at the server (--pid): unknown format of /proc/%d/statm", p.pid)
	}
	pages, err := strconv.ParseInt(string(fields[1]), 10, 64)
	return pages * int64(os.Getpagesize()), err
}
