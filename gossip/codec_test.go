package gossip

import (
	"bytes"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
)

func TestMetaSurvivesTheWire(t *testing.T) {
	long := strings.Repeat("x", maxName)
	tests := map[string]meta{
		"an IPv4 link":      {id: "id", name: "name", instance: 7, link: netip.MustParseAddrPort("10.1.2.3:4156")},
		"an IPv6 link":      {id: "id", name: "name", instance: 1 << 63, link: netip.MustParseAddrPort("[fd00::1]:4156")},
		"the longest names": {id: long, name: long, link: netip.MustParseAddrPort("[fd00::1]:65535"), leaving: true},
	}
	for name, want := range tests {
		t.Run(name, func(t *testing.T) {
			b := want.encode()
			if len(b) >= 200 {
				t.Errorf("%d bytes", len(b))
			}
			if got, err := decodeMeta(b); got != want || err != nil {
				t.Errorf("%+v, %v", got, err)
			}
			if got, err := decodeMeta(append(b, "more"...)); got != want || err != nil {
				t.Errorf("with fields of a later version: %+v, %v", got, err)
			}
			if _, err := decodeMeta(b[:len(b)-1]); !errors.Is(err, errMalformed) {
				t.Errorf("cut off: %v", err)
			}
		})
	}
}

func TestHelloSurvivesTheWire(t *testing.T) {
	want := hello{cluster: "c", id: "id", name: "n", instance: 3, uptime: 4, gossip: "10.0.0.1:1", link: "10.0.0.1:2",
		purpose: "raft", keyed: true, nonce: [nonceSize]byte{1, 2}}
	b := want.encode()
	if got, err := decodeHello(b); got != want || err != nil {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := decodeHello(b[:len(b)-1]); !errors.Is(err, errMalformed) {
		t.Errorf("cut off: %v", err)
	}
	old := bytes.Clone(b)
	old[len(linkMagic)] = 0
	if _, err := decodeHello(old); !errors.Is(err, errRefused{refusedVersion}) {
		t.Errorf("another version: %v", err)
	}
}

func TestFrames(t *testing.T) {
	f := newFramer()
	tests := map[string]struct {
		payload []byte
		packed  bool
	}{
		"nothing":                {nil, false},
		"a little":               {[]byte("hello"), false},
		"much that repeats":      {bytes.Repeat([]byte("topic"), 1000), true},
		"much that does not":     {padding[:5000], false},
		"as much as is possible": {padding, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			frame := f.frame(framePush, test.payload)
			if packed := frame[4]&byte(framePacked) != 0; packed != test.packed {
				t.Errorf("packed: %v", packed)
			}
			kind, payload, err := readFrame(bytes.NewReader(frame), maxFrame)
			if err != nil {
				t.Fatal(err)
			}
			kind, payload, err = f.open(kind, payload)
			if err != nil || kind != framePush || !bytes.Equal(payload, test.payload) {
				t.Errorf("frame %d of %d bytes, %v", kind, len(payload), err)
			}
		})
	}
}

func TestFramesThatAreRefused(t *testing.T) {
	f := newFramer()
	if _, _, err := readFrame(bytes.NewReader(plainFrame(framePush, make([]byte, 101))), 100); !errors.Is(err, errFrameTooLarge) {
		t.Errorf("too large: %v", err)
	}
	if _, _, err := readFrame(bytes.NewReader(make([]byte, 5)), 100); !errors.Is(err, errMalformed) {
		t.Errorf("without a type: %v", err)
	}
	enc, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	bomb := enc.EncodeAll(make([]byte, 100<<20), nil)
	if _, _, err := f.open(framePush|framePacked, bomb); err == nil {
		t.Errorf("%d bytes that become 100 MiB were unpacked", len(bomb))
	}
}

func TestRequestSurvivesTheWire(t *testing.T) {
	want := request{id: 9, patience: 1500 * time.Millisecond, kind: "echo", body: []byte("body")}
	got, err := decodeRequest(encodeRequest(want))
	if err != nil || got.id != want.id || got.patience != want.patience || got.kind != want.kind || !bytes.Equal(got.body, want.body) {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestWantsSurviveTheWire(t *testing.T) {
	got, err := decodeWants(encodeWants([][]byte{[]byte("a"), {}, []byte("bc")}))
	if err != nil || len(got) != 3 || string(got[0]) != "a" || len(got[1]) != 0 || string(got[2]) != "bc" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := decodeWants(make([]byte, 4*(maxHints+2))); !errors.Is(err, errMalformed) {
		t.Errorf("too many: %v", err)
	}
}

func FuzzDecoders(f *testing.F) {
	f.Add(meta{id: "id", name: "n", link: netip.MustParseAddrPort("10.1.2.3:4156")}.encode())
	f.Add(hello{cluster: "c", id: "id", name: "n"}.encode())
	f.Add(encodeRequest(request{id: 1, kind: "k", body: []byte("b")}))
	f.Add(encodeWants([][]byte{[]byte("w")}))
	f.Add(plainFrame(framePush, []byte("x")))
	framer := newFramer()
	f.Add(framer.frame(framePush, make([]byte, 2000)))
	f.Fuzz(func(t *testing.T, b []byte) {
		if m, err := decodeMeta(b); err == nil {
			if again, err := decodeMeta(m.encode()); err != nil || again != m {
				t.Errorf("meta %+v became %+v, %v", m, again, err)
			}
		}
		if h, err := decodeHello(b); err == nil {
			if again, err := decodeHello(h.encode()); err != nil || again != h {
				t.Errorf("hello %+v became %+v, %v", h, again, err)
			}
		}
		_, _ = decodeRequest(b)
		_, _ = decodeWants(b)
		if kind, payload, err := readFrame(bytes.NewReader(b), maxFrame); err == nil {
			_, _, _ = framer.open(kind, payload)
		}
	})
}

// FuzzLink feeds a running mesh: frames of a linked peer, and hints and states that came by gossip.
func FuzzLink(f *testing.F) {
	for kind := range byte(16) {
		f.Add(kind, []byte("\x05hello\x00\x00\x00\x01"))
	}
	m := New(Config{ID: "id", Name: "n", State: newToy()})
	l := newLink(m, &life{}, nil, hello{id: "peer", name: "peer"}, true)
	l.life.group.closed = true // requests are decoded, and start nothing
	d := delegate{mesh: m, life: l.life}
	f.Fuzz(func(t *testing.T, kind byte, b []byte) {
		_ = l.take(frameType(kind), b)
		d.NotifyMsg(b)
		d.MergeRemoteState(b, true)
		for {
			select {
			case item := <-m.inbox.ch:
				m.inbox.bytes.Add(-int64(len(item.chunk)))
				m.mergeFresh(item)
				continue
			case <-l.small:
				continue
			default:
			}
			break
		}
		_ = m.compare(b)
		_ = m.serveHeard(b)
		m.serveChunks(b, func(answer, []byte) error { return nil })
	})
}
