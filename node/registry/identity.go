package registry

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

const identityFile = "nsqmesh.id"

// Identity is what the data folder knows of its node. A generation's low bits are random, so that two nodes started from
// copies of one folder do not speak under the same one.
type Identity struct {
	ID         string `json:"id"`
	Generation uint64 `json:"generation"`
	NodeID     *int   `json:"node_id,omitempty"` // the one that the node took when another one had the same
}

const generationStep = 1 << 16

// OpenIdentity returns the identity that a data folder gives its node. Its id is made once; its generation is raised on
// disk at each start, before this returns.
func OpenIdentity(dataPath string) (Identity, error) {
	path := filepath.Join(dataPath, identityFile)
	i, err := readIdentity(path)
	if errors.Is(err, fs.ErrNotExist) {
		i, err = newIdentity(), nil
	}
	if err != nil {
		return Identity{}, fmt.Errorf("read identity: %w", err)
	}
	i.Generation = i.Generation/generationStep*generationStep + generationStep + randomBits()
	if err := i.write(path); err != nil {
		return Identity{}, fmt.Errorf("write identity: %w", err)
	}
	return i, nil
}

func newIdentity() Identity {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	return Identity{ID: hex.EncodeToString(id[:])}
}

func randomBits() uint64 {
	var b [2]byte
	_, _ = rand.Read(b[:])
	return uint64(binary.BigEndian.Uint16(b[:]))
}

func readIdentity(path string) (Identity, error) {
	var i Identity
	b, err := os.ReadFile(path)
	if err != nil {
		return i, err
	}
	if err := json.Unmarshal(b, &i); err != nil {
		return i, fmt.Errorf("%s: %w", path, err)
	}
	if !validID(i.ID) || i.Generation > maxNumber || i.NodeID != nil && (*i.NodeID < 0 || *i.NodeID >= NodeIDs) {
		return i, fmt.Errorf("%s: %w", path, errMalformed)
	}
	return i, nil
}

func (i Identity) write(path string) error {
	b, err := json.Marshal(i)
	if err != nil {
		return err
	}
	return writeFile(path, append(b, '\n'))
}

// writeFile replaces a file in one step that survives a power cut.
func writeFile(path string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.tmp") // made with mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // gone already when all went well
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
