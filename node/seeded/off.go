//go:build !seeded

package seeded

// Sometimes reports whether a fault is to be committed this time, one time in n.
func Sometimes(Fault, uint64) bool { return false }
