package gossip

import (
	"encoding/binary"
	"errors"
)

var errMalformed = errors.New("malformed message")

// reader takes a message apart. After the first field that is not there it yields zero values; ok tells.
type reader struct {
	rest []byte
	bad  bool
}

func (r *reader) take(n int) []byte {
	if r.bad || n < 0 || n > len(r.rest) {
		r.bad = true
		return nil
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

func (r *reader) uint8() uint8 {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) uint16() uint16 {
	if b := r.take(2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

func (r *reader) uint32() uint32 {
	if b := r.take(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

func (r *reader) uint64() uint64 {
	if b := r.take(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

// text is a string with one byte of length, block bytes with four.
func (r *reader) text() string  { return string(r.take(int(r.uint8()))) }
func (r *reader) block() []byte { return r.take(int(r.uint32())) }

func (r *reader) err() error {
	if r.bad {
		return errMalformed
	}
	return nil
}

func appendText(b []byte, s string) []byte {
	s = s[:min(len(s), 255)]
	return append(append(b, byte(len(s))), s...)
}

func appendBlock(b, block []byte) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(block))), block...)
}
