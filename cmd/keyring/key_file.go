package keyring

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// keyFile is the text of a gossip key file, in lines, so that comments outlive an edit.
type keyFile struct{ lines []string }

func NewKey() []byte {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	return key
}

// Fingerprint names a key without showing it.
func Fingerprint(key []byte) string {
	sum := sha256.Sum256(key)
	return hex.EncodeToString(sum[:4])
}

func parseKeyFile(text string) (*keyFile, error) {
	if _, err := parseGossipKeys(text); err != nil {
		return nil, err
	}
	return &keyFile{strings.Split(strings.TrimRight(text, "\n"), "\n")}, nil
}

// at returns where the keys are.
func (f *keyFile) at() (lines []int) {
	for i, line := range f.lines {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			lines = append(lines, i)
		}
	}
	return lines
}

func (f *keyFile) key(line int) []byte {
	key, _ := base64.StdEncoding.DecodeString(strings.TrimSpace(f.lines[line])) // it was checked
	return key
}

func (f *keyFile) find(print string) (line int, err error) {
	for _, i := range f.at() {
		if Fingerprint(f.key(i)) == print {
			return i, nil
		}
	}
	return 0, fmt.Errorf("no key %s in it", print)
}

// add appends a key: every node decrypts with it, none encrypts with it yet.
func (f *keyFile) add(key []byte) error {
	if _, err := f.find(Fingerprint(key)); err == nil {
		return fmt.Errorf("key %s is in it already", Fingerprint(key))
	}
	f.lines = append(f.lines, base64.StdEncoding.EncodeToString(key))
	return nil
}

// use makes a key the first one, which encrypts.
func (f *keyFile) use(print string) error {
	i, err := f.find(print)
	if err != nil {
		return err
	}
	line := f.lines[i]
	f.lines = slices.Delete(f.lines, i, i+1)
	first := i
	if at := f.at(); len(at) > 0 {
		first = min(i, at[0])
	}
	f.lines = slices.Insert(f.lines, first, line)
	return nil
}

// remove drops a key that does not encrypt.
func (f *keyFile) remove(print string) error {
	i, err := f.find(print)
	if err != nil {
		return err
	}
	if i == f.at()[0] {
		return fmt.Errorf("key %s is the one that encrypts: use another one first", print)
	}
	f.lines = slices.Delete(f.lines, i, i+1)
	return nil
}

func (f *keyFile) text() []byte { return []byte(strings.Join(f.lines, "\n") + "\n") }

func readKeyFile(path string) (*keyFile, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	f, err := parseKeyFile(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}

// write replaces the file at once and for good: a node that reads it sees the old keys or the new ones. It keeps mode and
// owner, for the node may run as somebody else than who edits its keys.
func (f *keyFile) write(path string) (err error) {
	temp, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return fmt.Errorf("write keys: %w", err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(temp.Name())
		}
	}()
	if old, err := os.Stat(path); err == nil {
		if err := errors.Join(temp.Chmod(old.Mode().Perm()), keepOwner(temp, old)); err != nil {
			_ = temp.Close()
			return fmt.Errorf("write keys: %w", err)
		}
	}
	_, err = temp.Write(f.text())
	if err = errors.Join(err, temp.Sync(), temp.Close()); err != nil {
		return fmt.Errorf("write keys: %w", err)
	}
	if err := os.Rename(temp.Name(), path); err != nil {
		return fmt.Errorf("write keys: %w", err)
	}
	return syncFolder(filepath.Dir(path))
}

// create is write for a file that must not exist.
func (f *keyFile) create(path string) error {
	out, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s exists: to have one more key in it, add one", path)
	}
	if err != nil {
		return fmt.Errorf("write keys: %w", err)
	}
	_, err = out.Write(f.text())
	if err = errors.Join(err, out.Sync(), out.Close()); err != nil {
		return fmt.Errorf("write keys: %w", err)
	}
	return syncFolder(filepath.Dir(path))
}

func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("write keys: %w", err)
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return fmt.Errorf("write keys: %w", err)
	}
	return nil
}

// parseKey takes one key, as "keyring generate" prints it.
func parseKey(text string) ([]byte, error) {
	keys, err := parseGossipKeys(text)
	if err != nil {
		return nil, err
	}
	if len(keys) != 1 {
		return nil, fmt.Errorf("%d keys, want one", len(keys))
	}
	return keys[0], nil
}
