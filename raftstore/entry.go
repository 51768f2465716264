package raftstore

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
)

// An entry of the log is a version byte, a kind and what the kind needs.
const entryVersion = 1

const (
	entryCommand  = 'c' // request id, then the machine's command
	entryIdentity = 'i' // identity as JSON: the first entry of every group
	entryOff      = 'o' // the group gives its authority back
	entryOn       = 'O' // the group takes it again
)

const requestSize = 16

// request names a command, so that one that was sent twice is applied once.
type request [requestSize]byte

func newRequest() (r request) {
	_, _ = rand.Read(r[:]) // never fails
	return r
}

// newID is 128 random bits in hex.
func newID() string {
	r := newRequest()
	return hex.EncodeToString(r[:])
}

var errEntry = errors.New("entry of the log cannot be read")

func encodeCommand(id request, cmd []byte) []byte {
	return append(append([]byte{entryVersion, entryCommand}, id[:]...), cmd...)
}

func encodeIdentity(id identity) []byte {
	b, _ := json.Marshal(id) // of strings and numbers
	return append([]byte{entryVersion, entryIdentity}, b...)
}

func encodeSwitch(kind byte) []byte { return append([]byte{entryVersion, kind}, newID()...) }

type entry struct {
	kind     byte
	id       request
	cmd      []byte
	identity identity
}

func decodeEntry(b []byte) (e entry, err error) {
	if len(b) < 2 || b[0] != entryVersion {
		return e, errEntry
	}
	e.kind, b = b[1], b[2:]
	switch e.kind {
	case entryCommand:
		if len(b) < requestSize {
			return e, errEntry
		}
		copy(e.id[:], b)
		e.cmd = b[requestSize:]
	case entryIdentity:
		if err := json.Unmarshal(b, &e.identity); err != nil {
			return e, fmt.Errorf("%w: %w", errEntry, err)
		}
	}
	return e, nil
}

// identity says which group the state belongs to.
type identity struct {
	Cluster    string `json:"cluster"`        // random, made once
	Generation uint64 `json:"generation"`     // raised by every recovery
	Base       uint64 `json:"base,omitempty"` // what recoveries add to indexes, so that they only rise
	Off        bool   `json:"off,omitempty"`  // the authority was given back
}

func (i identity) same(o identity) bool {
	return i.Cluster == o.Cluster && i.Generation == o.Generation
}
