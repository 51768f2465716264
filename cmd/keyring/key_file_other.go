//go:build !unix

package keyring

import (
	"io/fs"
	"os"
)

// keepOwner has nothing to do where files have no owner that a program could keep.
func keepOwner(*os.File, fs.FileInfo) error { return nil }

// Exposed cannot be told from the mode of a file here.
func Exposed(string) bool { return false }
