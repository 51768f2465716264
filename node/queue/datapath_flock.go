//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package queue

import (
	"fmt"
	"os"
	"syscall"
)

// lockDir takes the lock of a data path, the folder itself, as a stock nsqd does: the two exclude each other. Closing the
// returned file gives it back.
func lockDir(path string) (*os.File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, fmt.Errorf("cannot flock directory %s - %w (possibly in use by another instance of nsqd)", path, err)
	}
	return f, nil
}

// syncDir makes renames and new files of a folder survive a power failure.
func syncDir(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}
