package raftstore

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// A snapshot is this line, a block of JSON that says whose and how far it is, the last answers, and the machine's own.
const snapshotMagic = "nsqmesh catalog 1\n"

const maxHeader = 1 << 16

var errSnapshotFormat = errors.New("not a snapshot of the catalog")

type reader interface {
	io.Reader
	io.ByteReader
}

// snapshot returns quickly; what it returns writes the state of this moment.
func (r *replica) snapshot() (position, func(io.Writer) error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	at, write := position{r.id, r.at}, r.machine.Snapshot()
	memory := r.answers.encode(nil)
	return at, func(w io.Writer) error { return writeSnapshot(w, at, memory, write) }
}

func writeSnapshot(w io.Writer, at position, memory []byte, machine func(io.Writer) error) error {
	header, err := json.Marshal(at)
	if err != nil {
		return err
	}
	b := append([]byte(snapshotMagic), binary.AppendUvarint(nil, uint64(len(header)))...)
	if _, err := w.Write(append(append(b, header...), memory...)); err != nil {
		return err
	}
	return machine(w)
}

// origin is where a snapshot comes from.
type origin uint8

const (
	fromCache origin = iota
	fromGroup
)

// restore takes a snapshot unless the state holds all of it already.
func (r *replica) restore(from io.Reader, o origin) error {
	in := bufio.NewReader(from)
	at, memory, err := readSnapshotHead(in)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if o == fromGroup {
		r.proven = true
	}
	if r.id.same(at.identity) && at.At <= r.at {
		_, err := io.Copy(io.Discard, in)
		return err
	}
	if err := r.machine.Restore(in); err != nil {
		return fmt.Errorf("restore the catalog: %w", err)
	}
	r.id, r.at, r.answers, r.recent = at.identity, at.At, memory, recent{known: true, floor: at.At}
	r.tell()
	return nil
}

func readSnapshotHead(in reader) (at position, memory answers, err error) {
	magic := make([]byte, len(snapshotMagic))
	if _, err := io.ReadFull(in, magic); err != nil || string(magic) != snapshotMagic {
		return at, memory, errors.Join(errSnapshotFormat, err)
	}
	header, err := readBlock(in, maxHeader)
	if err != nil {
		return at, memory, err
	}
	if err := json.Unmarshal(header, &at); err != nil {
		return at, memory, fmt.Errorf("%w: %w", errSnapshotFormat, err)
	}
	memory, err = readAnswers(in)
	return at, memory, err
}

// bytes is the whole snapshot in memory.
func (r *replica) bytes() (position, []byte, error) {
	at, write := r.snapshot()
	var b bytes.Buffer
	err := write(&b)
	return at, b.Bytes(), err
}

func readBlock(r reader, limit uint64) ([]byte, error) {
	n, err := binary.ReadUvarint(r)
	if err != nil {
		return nil, err
	}
	if n > limit {
		return nil, fmt.Errorf("%w: a block of %d bytes", errSnapshotFormat, n)
	}
	b := make([]byte, n)
	_, err = io.ReadFull(r, b)
	return b, err
}
