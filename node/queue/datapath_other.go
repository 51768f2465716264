//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package queue

import "os"

// lockDir only checks that the folder is there: this system has no flock.
func lockDir(path string) (*os.File, error) { return os.Open(path) }

// syncDir does nothing: this system cannot sync a folder.
func syncDir(string) error { return nil }
