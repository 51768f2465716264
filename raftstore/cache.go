package raftstore

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// The cache is the last committed state, in one file. Raft shows a restarted server only its last snapshot until a leader
// speaks, and a node outside the group would know nothing at all until it has found somebody to follow: with the cache
// both serve at once what they knew. It is a snapshot and its CRC-32, big-endian.

// cacheEvery is how often it is written at most. A large catalog is written less often, so that it costs a tenth of one
// processor at most.
const cacheEvery = time.Second

func (r *replica) loadCache(file string) error {
	b, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the catalog's cache: %w", err)
	}
	if len(b) < 4 || crc32.ChecksumIEEE(b[:len(b)-4]) != binary.BigEndian.Uint32(b[len(b)-4:]) {
		return fmt.Errorf("read the catalog's cache %s: %w", file, errSnapshotFormat)
	}
	return r.restore(bytes.NewReader(b[:len(b)-4]), fromCache)
}

func (r *replica) saveCache(file string) error {
	r.mu.Lock()
	dirty := r.dirty
	r.dirty = false
	r.mu.Unlock()
	if !dirty {
		return nil
	}
	_, b, err := r.bytes()
	if err != nil {
		return err
	}
	return writeFile(file, binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b)))
}

// cacheLoop writes the cache when it is behind, and once more at the end.
func (s *Store) cacheLoop(ctx context.Context) {
	if s.o.Cache == "" {
		return
	}
	for pause := time.Duration(0); ctx.Err() == nil; {
		select {
		case <-ctx.Done():
		case <-s.replica.next():
			sleep(ctx, max(pause, cacheEvery))
			begin := time.Now()
			if err := s.replica.saveCache(s.o.Cache); err != nil {
				s.log.Error("cannot write the catalog's cache", "err", err)
			}
			pause = 10 * time.Since(begin)
		}
	}
	if err := s.replica.saveCache(s.o.Cache); err != nil {
		s.log.Error("cannot write the catalog's cache", "err", err)
	}
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// writeFile replaces a file so that a crash leaves the old one or the new one.
func writeFile(file string, b []byte) error {
	f, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+".*.tmp")
	if err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	_, err = f.Write(b)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return fmt.Errorf("write %s: %w", file, err)
	}
	return syncFolder(filepath.Dir(file))
}

func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync folder: %w", err)
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return fmt.Errorf("sync folder %s: %w", dir, err)
	}
	return nil
}
