package queue

// ID names a message. It is unique across the mesh and rises with time; on the wire it is 16 lower-case hex digits.
type ID uint64

// AppendHex appends the 16 hex digits of the id.
func (id ID) AppendHex(b []byte) []byte { panic("unwritten") }

// ParseID reads 16 lower-case hex digits. Anything else was never given out by a node.
func ParseID(b []byte) (ID, bool) { panic("unwritten") }
