package raftstore

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/hashicorp/raft"
	raftboltdb "github.com/hashicorp/raft-boltdb/v2"
	"go.etcd.io/bbolt"
)

// The folder of a candidate.
const (
	fileServer  = "server-id"
	filePromise = "promise"
	fileLog     = "raft.db"
)

const keptSnapshots = 2

// disk is where raft keeps its log, its votes and its snapshots.
type disk struct {
	logs   raft.LogStore
	stable raft.StableStore
	snaps  raft.SnapshotStore
	close  func() error
}

// openDisk opens the folder. Its server id is made when the folder is, and is lost with it.
func openDisk(dir string) (d disk, server string, err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return d, "", fmt.Errorf("make the raft folder: %w", err)
	}
	if server, err = serverID(dir); err != nil {
		return d, "", err
	}
	bolt, err := raftboltdb.New(raftboltdb.Options{
		Path: filepath.Join(dir, fileLog),
		// The list of free pages is found again when the file is opened: writing it would make every commit slow for good
		// once a long log was cut. The timeout is for a second process on the same folder.
		BoltOptions: &bbolt.Options{NoFreelistSync: true, FreelistType: bbolt.FreelistMapType, Timeout: time.Second},
	})
	if err != nil {
		return d, "", fmt.Errorf("open raft's log: %w", err)
	}
	cached, err := raft.NewLogCache(512, bolt)
	if err == nil {
		d.snaps, err = raft.NewFileSnapshotStoreWithLogger(dir, keptSnapshots, newRaftLog(discard))
	}
	if err != nil {
		return d, "", errors.Join(fmt.Errorf("open raft's snapshots: %w", err), bolt.Close())
	}
	d.logs, d.stable, d.close = cached, bolt, bolt.Close
	return d, server, nil
}

func serverID(dir string) (string, error) {
	file := filepath.Join(dir, fileServer)
	b, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(filepath.Join(dir, fileLog)); err == nil {
			return "", fmt.Errorf("open the raft folder %s: it has a log and no %s", dir, fileServer)
		}
		id := newID()
		return id, writeFile(file, []byte(id+"\n"))
	}
	if err != nil {
		return "", fmt.Errorf("read the server id: %w", err)
	}
	id := strings.TrimSpace(string(b))
	if id == "" {
		return "", fmt.Errorf("read the server id: %s is empty", file)
	}
	return id, nil
}

// promise is what a candidate has agreed to: to be one of these servers and of no others.
type promise struct {
	Servers []string `json:"servers"`
}

func loadPromise(dir string) (p promise, err error) {
	b, err := os.ReadFile(filepath.Join(dir, filePromise))
	if errors.Is(err, fs.ErrNotExist) {
		return p, nil
	}
	if err == nil {
		err = json.Unmarshal(b, &p)
	}
	if err != nil {
		return p, fmt.Errorf("read the promise: %w", err)
	}
	return p, nil
}

func savePromise(dir string, p promise) error {
	b, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return writeFile(filepath.Join(dir, filePromise), b)
}
