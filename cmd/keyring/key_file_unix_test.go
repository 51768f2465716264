//go:build unix

package keyring

import (
	"os"
	"path/filepath"
	"testing"
)

func TestWhoMayReadAKeyFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys")
	if Exposed(path) || Exposed("") {
		t.Error("a file that is not there is read by others")
	}
	for mode, want := range map[os.FileMode]bool{0o600: false, 0o400: false, 0o640: true, 0o604: true} {
		if err := os.WriteFile(path, nil, mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil || Exposed(path) != want {
			t.Errorf("%v: %t, %v", mode, Exposed(path), err)
		}
	}
}
