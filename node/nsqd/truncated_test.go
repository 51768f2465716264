package nsqd

import (
	"net"
	"strings"
	"testing"
)

// TestCutShort sends the beginning of a command and closes the sending side.
func TestCutShort(t *testing.T) {
	tests := map[string]struct {
		send string
		want []string
	}{
		"half a magic":            {"", nil},
		"half a line":             {"  V2PU", nil},
		"half a PUB's size":       {"  V2PUB t\n\x00\x00", []string{"error E_BAD_MESSAGE PUB failed to read message body size"}},
		"half a PUB's body":       {"  V2PUB t\n" + int32Bytes(10) + "abc", []string{"error E_BAD_MESSAGE PUB failed to read message body"}},
		"half a big PUB's body":   {"  V2PUB t\n" + int32Bytes(1<<20) + strings.Repeat("b", 200<<10), []string{"error E_BAD_MESSAGE PUB failed to read message body"}},
		"half a DPUB's size":      {"  V2DPUB t 1\n\x00", []string{"error E_BAD_MESSAGE DPUB failed to read message body size"}},
		"half a DPUB's body":      {"  V2DPUB t 1\n" + int32Bytes(4) + "abc", []string{"error E_BAD_MESSAGE DPUB failed to read message body"}},
		"half an MPUB's size":     {"  V2MPUB t\n\x00", []string{"error E_BAD_BODY MPUB failed to read body size"}},
		"half an MPUB's count":    {"  V2MPUB t\n" + int32Bytes(20) + "\x00\x00", []string{"error E_BAD_BODY MPUB failed to read message count"}},
		"half a message's size":   {"  V2MPUB t\n" + int32Bytes(20) + int32Bytes(2) + sized("ab") + "\x00", []string{"error E_BAD_MESSAGE MPUB failed to read message(1) body size"}},
		"half a message's body":   {"  V2MPUB t\n" + int32Bytes(20) + int32Bytes(2) + int32Bytes(5) + "ab", []string{"error E_BAD_MESSAGE MPUB failed to read message body"}},
		"half an IDENTIFY's size": {"  V2IDENTIFY\n\x00\x00", []string{"error E_BAD_BODY IDENTIFY failed to read body size"}},
		"half an IDENTIFY's body": {"  V2IDENTIFY\n" + int32Bytes(20) + `{"client`, []string{"error E_BAD_BODY IDENTIFY failed to read body"}},
		"half an AUTH's size":     {"  V2AUTH\n\x00\x00", []string{"error E_BAD_BODY AUTH failed to read body size"}},
		"half an AUTH's body":     {"  V2AUTH\n" + int32Bytes(20) + "sec", []string{"error E_BAD_BODY AUTH failed to read body"}},
		"what is whole is done":   {"  V2PUB t\n" + sized("a") + "MPUB t\n" + mpubBody("b") + "PUB t\n\x00", []string{"response OK", "response OK", "error E_BAD_MESSAGE PUB failed to read message body size"}},
		"whole commands":          {"  V2PUB t\n" + sized("bye"), []string{"response OK"}},
		"a wrong magic":           {"GET / HTTP/1.1\r\n\r\n", []string{"error E_BAD_PROTOCOL"}},
	}
	h := newHarness(t, testOptions())
	for _, network := range []string{"tcp", "unix"} {
		address := "127.0.0.1:0"
		if network == "unix" {
			address = t.TempDir() + "/s"
		}
		l := h.listen(network, address)
		for name, test := range tests {
			t.Run(name+" over "+network, func(t *testing.T) {
				conn, err := net.Dial(l.Addr().Network(), l.Addr().String())
				if err != nil {
					t.Fatal(err)
				}
				c := newClient(t, conn)
				c.send(test.send)
				conn.(interface{ CloseWrite() error }).CloseWrite()
				c.expect(test.want...)
				c.ends()
			})
		}
	}
}

// TestRefusalIsSeen has a client that is still writing, and reads only afterwards: a reset must not destroy the answer.
func TestRefusalIsSeen(t *testing.T) {
	h := newHarness(t, testOptions())
	l := h.listen("tcp", "127.0.0.1:0")
	for range 20 {
		c := h.dial(l)
		c.send("PUB t\n", int32Bytes(1<<20+1), strings.Repeat("x", 1<<20+1))
		c.expect("error E_BAD_MESSAGE PUB message too big 1048577 > 1048576")
		c.ends()
	}
}

func TestLongLines(t *testing.T) {
	inBubble(t, testOptions(), func(t *testing.T, h *harness) {
		c := h.open()
		c.send("NOP ", strings.Repeat("x", maxLine-5), "\n", "PUB t\n", sized("a"))
		c.expect("response OK")
		c.send("PUB t\n", sized("b"), "NOP ", strings.Repeat("x", maxLine-4), "\n")
		c.expect("response OK")
		c.ends()
		c = h.open()
		c.send(strings.Repeat("x", maxLine))
		c.ends()
	})
	h := newHarness(t, testOptions())
	l := h.listen("tcp", "127.0.0.1:0")
	c := h.dial(l)
	c.send("PUB t\n", sized("b"), "NOP ", strings.Repeat("x", maxLine-4), "\nPUB t\n", sized("c"))
	c.expect("response OK")
	c.ends()
}
