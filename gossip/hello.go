package gossip

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

const (
	linkMagic   = "NSQM"
	linkVersion = 1
	nonceSize   = 16
)

// hello is what both ends of a link say first.
type hello struct {
	cluster  string
	id, name string
	instance uint64
	uptime   uint64 // milliseconds since the node started, by its own clock: the younger of two namesakes yields
	gossip   string // where the node gossips
	link     string // where it takes links
	purpose  string // "" is a link, anything else a stream for whoever serves that name
	keyed    bool   // the node wants a proof that the other holds a gossip key
	nonce    [nonceSize]byte
}

func (h hello) encode() []byte {
	b := append([]byte(linkMagic), linkVersion)
	b = appendText(b, h.cluster)
	b = appendText(b, h.id)
	b = appendText(b, h.name)
	b = binary.BigEndian.AppendUint64(b, h.instance)
	b = binary.BigEndian.AppendUint64(b, h.uptime)
	b = appendText(b, h.gossip)
	b = appendText(b, h.link)
	b = appendText(b, h.purpose)
	if h.keyed {
		b = append(b, 1)
	} else {
		b = append(b, 0)
	}
	return append(b, h.nonce[:]...)
}

// decodeHello accepts what follows the fields it knows.
func decodeHello(b []byte) (hello, error) {
	r := reader{rest: b}
	magic, version := string(r.take(len(linkMagic))), r.uint8()
	if magic != linkMagic {
		return hello{}, errMalformed
	}
	if version < linkVersion {
		return hello{}, errRefused{refusedVersion}
	}
	h := hello{cluster: r.text(), id: r.text(), name: r.text(), instance: r.uint64(), uptime: r.uint64(),
		gossip: r.text(), link: r.text(), purpose: r.text(), keyed: r.uint8() == 1}
	copy(h.nonce[:], r.take(nonceSize))
	if r.bad || h.id == "" || len(h.id) > maxName || len(h.name) > maxName {
		return hello{}, errMalformed
	}
	return h, nil
}

type refusal uint8

const (
	refusedCluster refusal = iota + 1
	refusedVersion
	refusedKey
	refusedBusy
	refusedStandby
	refusedPurpose
)

var refusals = map[refusal]string{
	refusedCluster: "it belongs to another cluster",
	refusedVersion: "it speaks another version of the link protocol",
	refusedKey:     "it does not hold our gossip key",
	refusedBusy:    "it has too many links",
	refusedStandby: "it is not serving",
	refusedPurpose: "nobody there serves that stream",
}

// errRefused is a refusal as an error, whichever end it came from.
type errRefused struct{ why refusal }

func (e errRefused) Error() string {
	if s, ok := refusals[e.why]; ok {
		return s
	}
	return "it refused for a reason unknown here"
}

// greeting is one side of the handshake: hello both ways, then proofs both ways. The dialler speaks first, and shows its
// proof first, so that a listener gives nothing to strangers but its hello.
type greeting struct {
	mine  hello
	keys  [][]byte // the ring, primary first
	admit func(hello) error
}

func newNonce() (n [nonceSize]byte) {
	_, _ = rand.Read(n[:]) // never fails
	return n
}

// greetAsDialler runs the handshake on a fresh connection and returns the peer's hello.
func (g greeting) greetAsDialler(conn net.Conn, timeout time.Duration) (hello, error) {
	defer deadline(conn, timeout)()
	mine := g.mine.encode()
	if _, err := conn.Write(plainFrame(frameHello, mine)); err != nil {
		return hello{}, err
	}
	theirs, err := expect(conn, frameHello)
	if err != nil {
		return hello{}, err
	}
	peer, err := g.judge(theirs)
	if err != nil {
		return hello{}, g.refuse(conn, err)
	}
	if _, err := conn.Write(plainFrame(frameProof, g.prove("dialler", mine, theirs))); err != nil {
		return hello{}, err
	}
	proof, err := expect(conn, frameProof)
	if err != nil {
		return hello{}, err
	}
	if !g.proven("listener", mine, theirs, proof) {
		return hello{}, g.refuse(conn, errRefused{refusedKey})
	}
	return peer, nil
}

// greetAsListener is the other side.
func (g greeting) greetAsListener(conn net.Conn, timeout time.Duration) (hello, error) {
	defer deadline(conn, timeout)()
	theirs, err := expect(conn, frameHello)
	if err != nil {
		return hello{}, err
	}
	peer, err := g.judge(theirs)
	if err != nil {
		return hello{}, g.refuse(conn, err)
	}
	mine := g.mine.encode()
	if _, err := conn.Write(plainFrame(frameHello, mine)); err != nil {
		return hello{}, err
	}
	proof, err := expect(conn, frameProof)
	if err != nil {
		return hello{}, err
	}
	if !g.proven("dialler", theirs, mine, proof) {
		return hello{}, g.refuse(conn, errRefused{refusedKey})
	}
	_, err = conn.Write(plainFrame(frameProof, g.prove("listener", theirs, mine)))
	return peer, err
}

func (g greeting) judge(raw []byte) (hello, error) {
	peer, err := decodeHello(raw)
	if err != nil {
		return hello{}, err
	}
	if peer.cluster != g.mine.cluster {
		return hello{}, errRefused{refusedCluster}
	}
	if peer.keyed != (len(g.keys) > 0) {
		return hello{}, errRefused{refusedKey}
	}
	if g.admit != nil {
		return peer, g.admit(peer)
	}
	return peer, nil
}

// prove shows that this side holds a key: a MAC over both hellos, hence over both nonces, and over the side, so that a
// proof cannot be sent back to the one who made it.
func (g greeting) prove(side string, dialler, listener []byte) []byte {
	if len(g.keys) == 0 {
		return nil
	}
	return proof(g.keys[0], side, dialler, listener)
}

// proven accepts every key of the ring: while keys are rotated, members have different primaries.
func (g greeting) proven(side string, dialler, listener, shown []byte) bool {
	for _, key := range g.keys {
		if hmac.Equal(shown, proof(key, side, dialler, listener)) {
			return true
		}
	}
	return len(g.keys) == 0
}

func proof(key []byte, side string, dialler, listener []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(appendText([]byte("nsqmesh-link"), side))
	mac.Write(appendBlock(nil, dialler))
	mac.Write(appendBlock(nil, listener))
	return mac.Sum(nil)
}

// refuse tells the peer why, if the reason is one that it may know.
func (g greeting) refuse(conn net.Conn, err error) error {
	var refused errRefused
	if errors.As(err, &refused) {
		_, _ = conn.Write(plainFrame(frameRefusal, []byte{byte(refused.why)}))
	}
	return err
}

// expect reads the next frame of a handshake byte by byte's worth: nothing of what follows it is consumed.
func expect(r io.Reader, want frameType) ([]byte, error) {
	t, payload, err := readFrame(r, maxGreeting)
	switch {
	case err != nil:
		return nil, err
	case t == frameRefusal && len(payload) == 1:
		return nil, refusedByPeer(refusal(payload[0]))
	case t != want:
		return nil, fmt.Errorf("%w: frame %d in a handshake", errMalformed, t)
	}
	return bytes.Clone(payload), nil
}

// refusedByPeer words the peer's reason from our side: "another cluster" and "another key" are mutual.
func refusedByPeer(why refusal) error {
	return fmt.Errorf("refused by peer: %w", errRefused{why})
}

func deadline(conn net.Conn, timeout time.Duration) func() {
	_ = conn.SetDeadline(time.Now().Add(timeout))
	return func() { _ = conn.SetDeadline(time.Time{}) }
}
