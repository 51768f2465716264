package nsqd

import (
	"encoding/binary"

	"github.com/nsqmesh/nsqmesh/node/queue"
)

// A frame is its size, its type and its data. The size counts type and data.
const (
	frameResponse = 0
	frameError    = 1
	frameMessage  = 2

	typeSize      = 4
	messageHeader = 8 + 2 + 16 // time, attempts, id
	// messageOverhead is what a message costs on the wire besides its body.
	messageOverhead = 4 + typeSize + messageHeader
)

var (
	okFrame        = appendFrame(nil, frameResponse, "OK")
	heartbeatFrame = appendFrame(nil, frameResponse, "_heartbeat_")
	closeWaitFrame = appendFrame(nil, frameResponse, "CLOSE_WAIT")
)

func appendFrame[T string | []byte](b []byte, kind uint32, data T) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(typeSize+len(data)))
	b = binary.BigEndian.AppendUint32(b, kind)
	return append(b, data...)
}

// appendMessageHead appends all of a message frame but the body.
func appendMessageHead(b []byte, m *queue.Message) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(typeSize+messageHeader+len(m.Body)))
	b = binary.BigEndian.AppendUint32(b, frameMessage)
	b = binary.BigEndian.AppendUint64(b, uint64(m.Timestamp))
	b = binary.BigEndian.AppendUint16(b, m.Attempts)
	return m.ID.AppendHex(b)
}
