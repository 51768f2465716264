package queue

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"unsafe"
)

// appendRecord appends a message as a stock nsqd stores it: timestamp, attempts, id in hex, body.
func appendRecord(b []byte, m *Message) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(m.Timestamp))
	b = binary.BigEndian.AppendUint16(b, m.Attempts)
	b = m.ID.AppendHex(b)
	return append(b, m.Body...)
}

// parseRecord reads a message. The body is the record's own memory, so the record must not be written to any more.
func parseRecord(r []byte) (Message, error) {
	if len(r) < recordHeader {
		return Message{}, fmt.Errorf("record of %d bytes is too short for a message", len(r))
	}
	body := r[recordHeader:]
	return Message{
		Timestamp: int64(binary.BigEndian.Uint64(r)),
		Attempts:  binary.BigEndian.Uint16(r[8:]),
		ID:        storedID(r[10:recordHeader]),
		Body:      unsafe.String(unsafe.SliceData(body), len(body)),
	}, nil
}

// storedID reads an id. One that no nsqd writes gets a number made from its bytes: better another id than a lost message.
func storedID(b []byte) ID {
	if id, ok := ParseID(b); ok {
		return id
	}
	h := fnv.New64a()
	h.Write(b)
	return ID(h.Sum64())
}
