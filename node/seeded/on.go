//go:build seeded

package seeded

import (
	"os"
	"sync/atomic"
)

var (
	chosen = Fault(os.Getenv(Variable))
	times  atomic.Uint64
)

// Sometimes reports whether a fault is to be committed this time, one time in n.
func Sometimes(f Fault, n uint64) bool { return f == chosen && times.Add(1)%n == 0 }
