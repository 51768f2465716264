//go:build linux || darwin || freebsd

package main

import "syscall"

// diskSpace is how much of the disk that a folder is on can be written, and how large it is, in bytes; -1 if not known.
func diskSpace(folder string) (free, total int64) {
	var s syscall.Statfs_t
	if syscall.Statfs(folder, &s) != nil {
		return -1, -1
	}
	size := int64(s.Bsize) //nolint:unconvert // not an int64 on every system
	return int64(s.Bavail) * size, int64(s.Blocks) * size
}
