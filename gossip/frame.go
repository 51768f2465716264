package gossip

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
)

type frameType uint8

const (
	frameHello frameType = iota + 1
	frameProof
	frameRefusal
	framePing
	framePong
	framePush
	frameRequest
	frameResponse
	frameCancel
	frameGoodbye
	frameSuspect

	// framePacked is a bit of the type: the payload is compressed.
	framePacked frameType = 0x80
)

const (
	maxChunk    = 1 << 20
	maxFrame    = maxChunk + 64<<10 // a chunk and what goes around it
	maxGreeting = 4 << 10           // frames from a peer that has not proved anything yet
	frameHeader = 5
	worthless   = 1 << 10 // not worth compressing
)

var errFrameTooLarge = errors.New("frame too large")

// framer makes and opens frames: four bytes of length, one of type, the payload.
type framer struct {
	enc *zstd.Encoder
	dec *zstd.Decoder
}

func newFramer() *framer {
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(2),
		zstd.WithWindowSize(256<<10), zstd.WithLowerEncoderMem(true), zstd.WithEncoderCRC(false))
	if err != nil {
		panic(err) // the options are constants
	}
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(2), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxMemory(maxFrame))
	if err != nil {
		panic(err)
	}
	return &framer{enc: enc, dec: dec}
}

// frame returns the bytes of one frame, compressed if that saves an eighth or more.
func (f *framer) frame(t frameType, payload []byte) []byte {
	if len(payload) > worthless {
		b := make([]byte, frameHeader, frameHeader+len(payload))
		b = f.enc.EncodeAll(payload, b)
		if len(b)-frameHeader < len(payload)-len(payload)/8 {
			return seal(b, t|framePacked)
		}
	}
	return plainFrame(t, payload)
}

func plainFrame(t frameType, payload []byte) []byte {
	b := make([]byte, frameHeader, frameHeader+len(payload))
	return seal(append(b, payload...), t)
}

func seal(b []byte, t frameType) []byte {
	binary.BigEndian.PutUint32(b, uint32(len(b)-4))
	b[4] = byte(t)
	return b
}

// open returns a frame's payload as it was before it was compressed.
func (f *framer) open(t frameType, payload []byte) (frameType, []byte, error) {
	if t&framePacked == 0 {
		return t, payload, nil
	}
	plain, err := f.dec.DecodeAll(payload, nil)
	if err != nil {
		return 0, nil, fmt.Errorf("unpack frame: %w", err)
	}
	if len(plain) > maxFrame {
		return 0, nil, errFrameTooLarge
	}
	return t &^ framePacked, plain, nil
}

// readFrame reads one frame of at most limit bytes. The payload is the caller's.
func readFrame(r io.Reader, limit int) (frameType, []byte, error) {
	var header [frameHeader]byte
	if _, err := io.ReadFull(r, header[:]); err != nil {
		return 0, nil, err
	}
	n := int(binary.BigEndian.Uint32(header[:]))
	switch {
	case n < 1:
		return 0, nil, errMalformed
	case n-1 > limit:
		return 0, nil, errFrameTooLarge
	}
	payload := make([]byte, n-1)
	if _, err := io.ReadFull(r, payload); err != nil {
		return 0, nil, err
	}
	return frameType(header[4]), payload, nil
}
