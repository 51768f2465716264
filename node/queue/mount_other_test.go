//go:build !linux

package queue

import "testing"

// smallFileSystem is for Linux alone.
func smallFileSystem(t testing.TB, _ int) string {
	t.Helper()
	t.Skip("no small file system on this system")
	return ""
}
