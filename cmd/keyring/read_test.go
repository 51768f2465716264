package keyring

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestGossipKeys(t *testing.T) {
	const key16, key32 = "MDEyMzQ1Njc4OWFiY2RlZg==", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
	for name, c := range map[string]struct {
		text  string
		sizes []int // nil: refused
	}{
		"one":                      {key32, []int{32}},
		"two, comments and spaces": {"# new\n " + key32 + " \r\n\n#old\n" + key16 + "\n", []int{32, 16}},
		"none":                     {"# nothing yet\n", nil},
		"a password":               {"correct horse", nil},
		"too short":                {"MDEy", nil},
	} {
		keys, err := ReadFile(tempFile(t, c.text))
		if (err != nil) != (c.sizes == nil) || len(keys) != len(c.sizes) {
			t.Errorf("%s: %d keys, %v", name, len(keys), err)
			continue
		}
		for i, size := range c.sizes {
			if len(keys[i]) != size {
				t.Errorf("%s: key %d has %d bytes", name, i, len(keys[i]))
			}
		}
		if err != nil && strings.Contains(err.Error(), strings.TrimSpace(c.text)) {
			t.Errorf("%s: the error shows the key: %v", name, err)
		}
	}
	if keys, err := ReadFile(""); keys != nil || err != nil {
		t.Errorf("no file: %v, %v", keys, err)
	}
}

func tempFile(t testing.TB, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
