package gossip

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/hashicorp/go-msgpack/v2/codec"
)

func labelled(b ...byte) []byte {
	return append(append([]byte{mlLabel, 1}, 'c'), b...)
}

func TestPacketsThatAreKeptOut(t *testing.T) {
	tests := map[string]struct {
		packet []byte
		admit  bool
	}{
		"a ping":                                  {labelled(mlPing, 1, 2), true},
		"a compressed message":                    {labelled(mlCompressed, 1, 2), false},
		"nothing behind the label":                {labelled(), false},
		"a compound of two":                       {labelled(mlCompound, 2, 0, 1, 0, 2, mlPing, mlPing, 9), true},
		"a compound with a compressed":            {labelled(mlCompound, 2, 0, 1, 0, 1, mlPing, mlCompressed), false},
		"a compound of compounds":                 {labelled(mlCompound, 1, 0, 1, mlCompound), false},
		"a compound that ends early":              {labelled(mlCompound, 2, 0, 1, 0, 9, mlPing, mlPing), false},
		"a compound without its lengths":          {labelled(mlCompound, 9, 0, 1), false},
		"a compound without its count":            {labelled(mlCompound), false},
		"a compound with an empty part":           {labelled(mlCompound, 1, 0, 0), false},
		"a compressed message of another cluster": {[]byte{mlLabel, 1, 'x', mlCompressed}, false},
		"no label, memberlist's job":              {[]byte{mlCompressed}, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := admitPacket(test.packet, "c", false); got != test.admit {
				t.Errorf("admitted: %v", got)
			}
			if !admitPacket(test.packet, "c", true) {
				t.Error("an encrypted packet was looked into")
			}
		})
	}
}

// pushPull makes what a memberlist sends.
func pushPull(t testing.TB, h listHeader, entries ...listEntry) []byte {
	t.Helper()
	b := bytes.NewBuffer([]byte{mlPushPull})
	enc := codec.NewEncoder(b, &codec.MsgpackHandle{})
	for _, v := range append([]any{h}, anys(entries)...) {
		if err := enc.Encode(v); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

func anys(entries []listEntry) (a []any) {
	for _, e := range entries {
		a = append(a, e)
	}
	return a
}

func TestStreamsThatAreKeptOut(t *testing.T) {
	good := listEntry{Name: "n", Addr: []byte{10, 0, 0, 1}, Port: 1, Vsn: make([]byte, versionFields)}
	short := good
	short.Vsn = []byte{1, 2}
	tests := map[string]struct {
		stream []byte
		admit  bool
	}{
		"a push/pull":                       {append(pushPull(t, listHeader{Nodes: 2, UserStateLen: 3}, good, good), "abc"...), true},
		"a push/pull behind a label":        {append(labelled(), pushPull(t, listHeader{Nodes: 1}, good)...), true},
		"a ping":                            {labelled(mlPing, 1, 2), true},
		"an encrypted message":              {labelled(mlEncrypted, 0, 0), true},
		"a member without its versions":     {pushPull(t, listHeader{Nodes: 2}, good, short), false},
		"more members than there can be":    {pushPull(t, listHeader{Nodes: maxListed + 1}), false},
		"a negative number of members":      {pushPull(t, listHeader{Nodes: -1}), false},
		"more state than there can be":      {pushPull(t, listHeader{UserStateLen: maxStreamBytes + 1}), false},
		"fewer members than it says":        {pushPull(t, listHeader{Nodes: 2}, good), false},
		"a compressed message":              {labelled(mlCompressed, 1), false},
		"a message for users":               {labelled(8, 1), false},
		"what is no msgpack":                {[]byte{mlPushPull, 0xc1, 0xc1}, false},
		"nothing":                           {nil, true},
		"a label that ends early":           {[]byte{mlLabel, 9, 'c'}, false},
		"a label that ends before its size": {[]byte{mlLabel}, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			g := streamGuard{plain: true}
			r := bytes.NewReader(test.stream)
			got, err := io.ReadAll(readerFunc(func(b []byte) (int, error) { return g.read(r, b) }))
			if test.admit && (err != nil || !bytes.Equal(got, test.stream)) {
				t.Errorf("%d of %d bytes passed, %v", len(got), len(test.stream), err)
			}
			if !test.admit && len(got) > 0 {
				t.Errorf("%d bytes passed", len(got))
			}
		})
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

func TestStreamsAreBounded(t *testing.T) {
	g := streamGuard{}
	endless := readerFunc(func(b []byte) (int, error) { return len(b), nil })
	n, err := io.Copy(io.Discard, readerFunc(func(b []byte) (int, error) { return g.read(endless, b) }))
	if !errors.Is(err, errGuarded) || n > maxStreamBytes {
		t.Errorf("%d bytes, %v", n, err)
	}
}

func FuzzGuards(f *testing.F) {
	f.Add(labelled(mlCompound, 2, 0, 1, 0, 2, mlPing, mlPing, 9))
	f.Add(pushPull(f, listHeader{Nodes: 1}, listEntry{Name: "n", Vsn: make([]byte, versionFields)}))
	f.Fuzz(func(t *testing.T, b []byte) {
		admitPacket(b, "c", false)
		g := streamGuard{plain: true}
		r := bytes.NewReader(b)
		got, err := io.ReadAll(readerFunc(func(p []byte) (int, error) { return g.read(r, p) }))
		if err == nil && !bytes.Equal(got, b) {
			t.Errorf("%x became %x", b, got)
		}
	})
}
