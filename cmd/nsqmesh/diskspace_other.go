//go:build !linux && !darwin && !freebsd

package main

// diskSpace does not know how to ask here.
func diskSpace(string) (free, total int64) { return -1, -1 }
