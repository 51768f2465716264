package gossip

// memberlist's message types that matter here.
const (
	mlPing       = 0
	mlAck        = 2
	mlPushPull   = 6
	mlCompound   = 7
	mlCompressed = 9
	mlEncrypted  = 10
	mlError      = 13
	mlLabel      = 244
)

// admitPacket keeps out what our memberlist never sends and what would cost more than its bytes to read: compressed
// messages, at the top or inside a compound, and compounds of compounds. What is encrypted needs no guard, for who can
// encrypt is a member.
func admitPacket(b []byte, label string, encrypted bool) bool {
	if encrypted {
		return true
	}
	if label != "" {
		n := 2 + len(label)
		if len(b) < n || b[0] != mlLabel {
			return true // memberlist refuses it, and says so
		}
		b = b[n:]
	}
	if len(b) == 0 || b[0] == mlCompressed {
		return false
	}
	return b[0] != mlCompound || admitCompound(b[1:])
}

// admitCompound looks at the first byte of every part: one byte of count, two of length for each, the parts.
func admitCompound(b []byte) bool {
	if len(b) < 1 {
		return false
	}
	count := int(b[0])
	lengths := b[1:]
	if len(lengths) < 2*count {
		return false
	}
	parts := lengths[2*count:]
	for i := range count {
		n := int(lengths[2*i])<<8 | int(lengths[2*i+1])
		if n == 0 || n > len(parts) {
			return false
		}
		if parts[0] == mlCompressed || parts[0] == mlCompound {
			return false
		}
		parts = parts[n:]
	}
	return true
}
