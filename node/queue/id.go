package queue

import "sync/atomic"

// ID names a message. It is unique across the mesh and rises with time; on the wire it is 16 lower-case hex digits.
//
// From the top: 42 bits of time in units of 2^20 ns since idEpoch, 10 bits of node id, 12 bits of sequence.
type ID uint64

const (
	idEpoch      = 1288834974288 // in units of 2^20 ns since the Unix epoch
	unitShift    = 20
	sequenceBits = 12
	nodeBits     = 10
	idLength     = 16
)

// idSource gives out the ids of a node. One serves all topics, so an id names one message of the node and not one per
// topic. It never waits: when the sequence of a time unit is used up it goes on in the next unit, and when the clock is
// set back it goes on from where it was, so ids always rise.
type idSource struct {
	node atomic.Uint64 // in its place in the id
	next atomic.Uint64 // time unit and sequence of the next id, as one number so that the sequence carries into the unit
}

func newIDSource(node int64) *idSource {
	s := &idSource{}
	s.node.Store(uint64(node) << sequenceBits)
	s.next.Store(1) // no message has the id 0
	return s
}

// number gives the messages of a batch rising ids: one atomic exchange a batch, whatever its size.
func (s *idSource) number(batch []Message, now int64) {
	ticket := s.take(len(batch), now)
	for i := range batch {
		batch[i].ID = s.id(ticket + uint64(i))
	}
}

// setNode has the ids from the next time unit on come from another node id; within one unit they would not rise.
func (s *idSource) setNode(node int64) {
	if s.node.Swap(uint64(node)<<sequenceBits) == uint64(node)<<sequenceBits {
		return
	}
	for {
		next := s.next.Load()
		if s.next.CompareAndSwap(next, (next>>sequenceBits+1)<<sequenceBits) {
			return
		}
	}
}

// take reserves n tickets at the time now, in ns since the Unix epoch, and returns the first.
func (s *idSource) take(n int, now int64) uint64 {
	current := uint64(max(now>>unitShift-idEpoch, 0)) << sequenceBits
	for {
		next := s.next.Load()
		first := max(next, current)
		if s.next.CompareAndSwap(next, first+uint64(n)) {
			return first
		}
	}
}

// id puts the node id between the unit and the sequence of a ticket.
func (s *idSource) id(ticket uint64) ID {
	const sequence = 1<<sequenceBits - 1
	return ID(ticket&^sequence)<<nodeBits | ID(s.node.Load()) | ID(ticket&sequence)
}

// AppendHex appends the 16 hex digits of the id.
func (id ID) AppendHex(b []byte) []byte {
	for shift := 56; shift >= 0; shift -= 8 {
		pair := hexPairs[byte(id>>shift)]
		b = append(b, pair[0], pair[1])
	}
	return b
}

// ParseID reads 16 lower-case hex digits. Anything else was never given out by a node.
func ParseID(b []byte) (ID, bool) {
	if len(b) != idLength {
		return 0, false
	}
	var id ID
	var bad byte
	for _, c := range b {
		v := hexValues[c]
		bad |= v
		id = id<<4 | ID(v&0xf)
	}
	return id, bad < 16
}

func (id ID) String() string { return string(id.AppendHex(make([]byte, 0, idLength))) }

const hexDigits = "0123456789abcdef"

// hexPairs and hexValues are tables because an id is written at every delivery and read at every FIN.
var hexPairs = func() (t [256][2]byte) {
	for i := range t {
		t[i] = [2]byte{hexDigits[i>>4], hexDigits[i&0xf]}
	}
	return t
}()

var hexValues = func() (t [256]byte) {
	for i := range t {
		t[i] = 0xff
	}
	for v, c := range []byte(hexDigits) {
		t[c] = byte(v)
	}
	return t
}()
