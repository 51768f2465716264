package gossip

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/hashicorp/go-msgpack/v2/codec"
)

const (
	maxStreamBytes = 24 << 20 // memberlist's own limits end at 20 MiB
	maxListed      = 64 << 10 // members in one push/pull
	versionFields  = 6
)

var errGuarded = errors.New("gossip stream refused")

// streamGuard stands before memberlist's conversations as admitPacket does before its packets. In what is not encrypted
// it reads a push/pull before memberlist does, for memberlist 0.6 panics on a member without its six version fields and
// believes any number in a header. It costs decoding the members twice, a few times a minute.
type streamGuard struct {
	plain   bool
	checked bool
	seen    int
	head    bytes.Buffer // read, checked, and not yet passed on
}

type listHeader struct {
	Nodes, UserStateLen int
	Join                bool
}

type listEntry struct {
	Name        string
	Addr        []byte
	Port        uint16
	Meta        []byte
	Incarnation uint32
	State       int
	Vsn         []uint8
}

func (g *streamGuard) read(conn io.Reader, b []byte) (int, error) {
	if g.plain && !g.checked {
		g.checked = true
		limited := io.LimitReader(conn, maxStreamBytes)
		if err := checkStream(io.TeeReader(limited, &g.head)); err != nil {
			return 0, err
		}
	}
	if g.head.Len() > 0 {
		return g.head.Read(b)
	}
	n, err := conn.Read(b)
	if g.seen += n; g.seen > maxStreamBytes {
		return 0, errGuarded
	}
	return n, err
}

// checkStream reads up to where memberlist can be left alone.
func checkStream(r io.Reader) error {
	kind, err := streamKind(r)
	if err != nil {
		return err
	}
	switch kind {
	case mlPushPull:
		return checkPushPull(r)
	case mlPing, mlAck, mlError, mlEncrypted:
		return nil
	}
	return fmt.Errorf("%w: it does not begin as one", errGuarded)
}

// streamKind skips the label and returns the message type. Only a stream without a single byte ends in io.EOF.
func streamKind(r io.Reader) (byte, error) {
	var b [256]byte
	if _, err := io.ReadFull(r, b[:1]); err != nil || b[0] != mlLabel {
		return b[0], err
	}
	if _, err := io.ReadFull(r, b[:1]); err != nil {
		return 0, io.ErrUnexpectedEOF
	}
	label := int(b[0])
	if _, err := io.ReadFull(r, b[:label+1]); err != nil {
		return 0, io.ErrUnexpectedEOF
	}
	return b[label], nil
}

func checkPushPull(r io.Reader) error {
	dec := codec.NewDecoder(r, &codec.MsgpackHandle{})
	var h listHeader
	if err := dec.Decode(&h); err != nil {
		return fmt.Errorf("%w: %w", errGuarded, err)
	}
	if h.Nodes < 0 || h.Nodes > maxListed || h.UserStateLen < 0 || h.UserStateLen > maxStreamBytes {
		return fmt.Errorf("%w: %d members and %d bytes of state", errGuarded, h.Nodes, h.UserStateLen)
	}
	for range h.Nodes {
		var e listEntry
		if err := dec.Decode(&e); err != nil {
			return fmt.Errorf("%w: %w", errGuarded, err)
		}
		if len(e.Vsn) != versionFields {
			return fmt.Errorf("%w: a member without versions", errGuarded)
		}
	}
	return nil
}
