package main

import (
	"bytes"
	"testing"

	"github.com/nsqmesh/nsqmesh/cmd/keyring"
	"github.com/nsqmesh/nsqmesh/gossip"
)

func TestARingFollowsItsFile(t *testing.T) {
	a, b, c := keyring.NewKey(), keyring.NewKey(), keyring.NewKey()
	ring := gossip.New(gossip.Config{ID: "id", Name: "name", Keys: [][]byte{a, b}})
	for _, step := range []struct {
		keys           [][]byte
		added, removed int
	}{
		{[][]byte{a, b}, 0, 0}, {[][]byte{b, a}, 0, 0}, {[][]byte{b, a, c}, 1, 0}, {[][]byte{c, b}, 0, 1}, {[][]byte{a}, 1, 2},
	} {
		added, removed, err := takeKeys(ring, step.keys)
		if err != nil || added != step.added || removed != step.removed {
			t.Errorf("%d added, %d removed, %v; want %+v", added, removed, err, step)
		}
		now := ring.Keys()
		if len(now) != len(step.keys) || !bytes.Equal(now[0], step.keys[0]) {
			t.Errorf("%d keys, the first one is %s", len(now), keyring.Fingerprint(now[0]))
		}
	}
}
