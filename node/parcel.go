package node

import (
	"encoding/binary"
	"errors"
	"math"
	"time"

	"github.com/nsqmesh/nsqmesh/node/names"
	"github.com/nsqmesh/nsqmesh/node/queue"
)

// parcel is what travels between nodes when one hands messages over: a version, the names, the number of messages, and each with
// id, time of publishing, attempts, nanoseconds until it is due, and body. Numbers are big endian or, where they are small
// mostly, varints. How long something is still deferred travels, not until when: clocks differ.
type parcel struct {
	topic, channel string // no channel: of the topic itself
	batch          []queue.Message
}

const parcelVersion = 1

var errBadParcel = errors.New("parcel cannot be read")

func encodeParcel(p parcel) []byte {
	size := 64 + len(p.topic) + len(p.channel)
	for i := range p.batch {
		size += 40 + len(p.batch[i].Body)
	}
	b := append(make([]byte, 0, size), parcelVersion)
	b = appendText(appendText(b, p.topic), p.channel)
	b = binary.AppendUvarint(b, uint64(len(p.batch)))
	now := time.Now().UnixNano()
	for i := range p.batch {
		m := &p.batch[i]
		b = binary.BigEndian.AppendUint64(b, uint64(m.ID))
		b = binary.BigEndian.AppendUint64(b, uint64(m.Timestamp))
		b = binary.BigEndian.AppendUint16(b, m.Attempts)
		b = binary.AppendUvarint(b, uint64(max(m.Due-now, 0)))
		b = appendText(b, m.Body)
	}
	return b
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func decodeParcel(b []byte) (p parcel, err error) {
	r := parcelReader{rest: string(b)} // one copy, which all bodies share
	version := r.bytes(1)
	p.topic, p.channel = r.text(), r.text()
	n := r.uvarint()
	const smallest = 8 + 8 + 2 + 1 + 1
	if r.bad || version[0] != parcelVersion || n > uint64(len(r.rest)/smallest) ||
		!names.ValidTopic(p.topic) || p.channel != "" && !names.ValidChannel(p.channel) {
		return p, errBadParcel
	}
	p.batch = make([]queue.Message, 0, n)
	now := time.Now().UnixNano()
	for range n {
		m := queue.Message{ID: queue.ID(r.uint64()), Timestamp: int64(r.uint64()), Attempts: r.uint16()}
		if delay := r.uvarint(); delay > 0 {
			m.Due = now + int64(min(delay, math.MaxInt64/2))
		}
		m.Body = r.text()
		p.batch = append(p.batch, m)
	}
	if r.bad || r.rest != "" {
		return p, errBadParcel
	}
	return p, nil
}

// parcelReader reads on with zeros once something was missing.
type parcelReader struct {
	rest string
	bad  bool
}

func (r *parcelReader) bytes(n uint64) string {
	if r.bad || n > uint64(len(r.rest)) {
		r.bad = true
		return string(make([]byte, min(n, 8)))
	}
	s := r.rest[:n]
	r.rest = r.rest[n:]
	return s
}

func (r *parcelReader) uint64() uint64 { return binary.BigEndian.Uint64([]byte(r.bytes(8))) }
func (r *parcelReader) uint16() uint16 { return binary.BigEndian.Uint16([]byte(r.bytes(2))) }

func (r *parcelReader) uvarint() uint64 {
	n, size := binary.Uvarint([]byte(r.rest[:min(len(r.rest), binary.MaxVarintLen64)]))
	if r.bad || size <= 0 {
		r.bad = true
		return 0
	}
	r.rest = r.rest[size:]
	return n
}

func (r *parcelReader) text() string {
	n := r.uvarint()
	if r.bad || n > uint64(len(r.rest)) {
		r.bad = true
		return ""
	}
	return r.bytes(n)
}
