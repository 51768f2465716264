package main

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"syscall"

	"github.com/nsqmesh/nsqmesh/cmd/keyring"
	"github.com/nsqmesh/nsqmesh/gossip"
)

// followKeyFile takes over the keys of the file whenever somebody says SIGHUP.
func (s *server) followKeyFile(ctx context.Context) error {
	return onSignal(ctx, syscall.SIGHUP, func() {
		if err := s.reloadKeys(); err != nil {
			s.log.Error("gossip keys stay as they are", "file", s.opts.GossipKeyFile, "err", err)
		}
	})
}

func (s *server) reloadKeys() error {
	keys, err := keyring.ReadFile(s.opts.GossipKeyFile)
	if err != nil {
		return err
	}
	added, removed, err := takeKeys(s.parts.mesh, keys)
	s.log.Info("gossip keys read again", "keys", len(keys), "encrypts", keyring.Fingerprint(keys[0]), "added", added, "removed", removed)
	return err
}

// takeKeys makes a ring be like the file. At no moment it lacks a key that both have.
func takeKeys(ring *gossip.Mesh, keys [][]byte) (added, removed int, err error) {
	has := func(list [][]byte, key []byte) bool {
		return slices.ContainsFunc(list, func(one []byte) bool { return bytes.Equal(one, key) })
	}
	old := ring.Keys()
	for _, key := range keys {
		if !has(old, key) {
			added++
			err = errors.Join(err, ring.AddKey(key))
		}
	}
	err = errors.Join(err, ring.UseKey(keys[0]))
	for _, key := range old {
		if !has(keys, key) {
			removed++
			err = errors.Join(err, ring.RemoveKey(key))
		}
	}
	return added, removed, err
}
