package gossip

import (
	"bytes"
	"errors"
	"fmt"
)

// ErrKey says that a key cannot be what it is asked to be.
var ErrKey = errors.New("gossip key")

// Keys returns the ring; the first key encrypts, all of them decrypt. A ring is rotated without a restart: add the new
// key on every node, use it on every node, remove the old one on every node.
func (m *Mesh) Keys() [][]byte {
	ring := m.keyring.GetKeys()
	keys := make([][]byte, len(ring))
	for i, k := range ring {
		keys[i] = bytes.Clone(k)
	}
	return keys
}

// AddKey adds a key of 16, 24 or 32 bytes. The first key of an empty ring turns encryption on.
func (m *Mesh) AddKey(key []byte) error {
	if err := m.keyring.AddKey(bytes.Clone(key)); err != nil {
		return fmt.Errorf("add %w: %w", ErrKey, err)
	}
	return nil
}

// UseKey makes a key of the ring the one that encrypts.
func (m *Mesh) UseKey(key []byte) error {
	m.keysMu.Lock()
	defer m.keysMu.Unlock()
	if err := m.keyring.UseKey(key); err != nil {
		return fmt.Errorf("use %w: %w", ErrKey, err)
	}
	return nil
}

// RemoveKey removes a key that does not encrypt.
//
// memberlist's ring removes a key by moving the ones behind it within a slice that it has handed out to readers. Nothing
// moves if the key is the last one, so it is made the last one first: using a key puts it in front and makes a new slice.
func (m *Mesh) RemoveKey(key []byte) error {
	m.keysMu.Lock()
	defer m.keysMu.Unlock()
	ring := m.keyring.GetKeys()
	if len(ring) == 0 || bytes.Equal(ring[0], key) {
		return fmt.Errorf("remove %w: the key encrypts, or there is none", ErrKey)
	}
	if !bytes.Equal(ring[len(ring)-1], key) {
		for i := len(ring) - 1; i >= 0; i-- {
			if !bytes.Equal(ring[i], key) {
				_ = m.keyring.UseKey(ring[i]) // it is in the ring
			}
		}
	}
	if err := m.keyring.RemoveKey(key); err != nil {
		return fmt.Errorf("remove %w: %w", ErrKey, err)
	}
	return nil
}
