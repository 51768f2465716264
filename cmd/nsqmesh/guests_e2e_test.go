package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"slices"
	"testing"
	"time"
)

// guest registers over protocol V1 as a stock nsqd does with a lookupd.
type guest struct {
	t    *testing.T
	port int // by which lookups tell it from others
	net.Conn
}

// register connects to a node, says who it is, and what it has.
func (g *guest) register(at *process, topic, channel string) {
	g.t.Helper()
	conn, err := net.Dial("tcp", at.addr.LookupTCP)
	if err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	g.Conn = conn
	who := fmt.Sprintf(`{"broadcast_address":"guest.example","tcp_port":%d,"http_port":%d,"version":"1.3.0"}`, g.port, g.port+1)
	g.send("  V1IDENTIFY\n" + string(binary.BigEndian.AppendUint32(nil, uint32(len(who)))) + who)
	g.send("REGISTER " + topic + " " + channel + "\n")
	g.send("PING\n")
}

func (g *guest) send(command string) {
	g.t.Helper()
	if _, err := io.WriteString(g, command); err != nil {
		g.t.Fatal(err)
	}
	var size uint32
	if err := binary.Read(g, binary.BigEndian, &size); err != nil {
		g.t.Fatal(err)
	}
	answer := make([]byte, size)
	if _, err := io.ReadFull(g, answer); err != nil || answer[0] == 'E' {
		g.t.Fatalf("%q: %s, %v", command, answer, err)
	}
}

func (g *guest) address() string { return fmt.Sprintf("guest.example:%d", g.port) }

func TestStockNsqdsThatRegisterWithAnyNodeAreKnownToAll(t *testing.T) {
	nodes := startMesh(t, 3)
	var guests []*guest
	for i, n := range nodes {
		g := &guest{t: t, port: 7000 + 10*i}
		g.register(n, "shared", fmt.Sprint("channel", i))
		guests = append(guests, g)
	}
	shown := func(by []*process, guests ...*guest) func() bool {
		var want []string
		for _, g := range guests {
			want = append(want, g.address())
		}
		return func() bool {
			return !slices.ContainsFunc(by, func(n *process) bool {
				inNodes := slices.DeleteFunc(n.producers("/nodes"), func(a string) bool { return !slices.Contains(want, a) })
				return !slices.Equal(n.producers(lookupPath("shared")), want) || !slices.Equal(inNodes, want)
			})
		}
	}
	waitFor(t, "all guests at all nodes", shown(nodes, guests...))
	if got := nodes[0].look(lookupPath("shared")).Channels; !slices.Equal(got, []string{"channel0", "channel1", "channel2"}) {
		t.Errorf("channels are %v", got)
	}

	lost, rest := guests[2], nodes[:2]
	nodes[2].kill()
	waitFor(t, "the guest of the dead node to be gone", shown(rest, guests[:2]...))
	if _, err := lost.Read(make([]byte, 1)); err == nil {
		t.Error("its connection lives")
	}
	lost.register(nodes[0], "shared", "channel2")
	waitFor(t, "the guest to be back by way of another node", shown(rest, guests...))

	lost.Close()
	waitFor(t, "a guest that has left to be gone", shown(rest, guests[:2]...))
}
