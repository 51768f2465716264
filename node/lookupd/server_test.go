package lookupd

import (
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/nsqmesh/nsqmesh/node/registry"
)

const self = `{"broadcast_address":"me","hostname":"h","http_port":4161,"tcp_port":4160,"version":"1.2.3"}`

// serve starts a server on loopback.
func serve(t testing.TB) (*Server, *registry.Registry, string) {
	t.Helper()
	r := registry.New(registry.Options{ID: strings.Repeat("0", 31) + "1"}, nil)
	s := New(Options{
		BroadcastAddress: "me", Hostname: "h", TCPPort: 4160, HTTPPort: 4161, Version: "1.2.3",
		Log: slog.New(slog.DiscardHandler),
	}, r)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	t.Cleanup(func() {
		s.Close()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return s, r, l.Addr().String()
}

func dial(t testing.TB, addr string) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	return c.(*net.TCPConn)
}

func hello(json string) string {
	return "IDENTIFY\n" + string(binary.BigEndian.AppendUint32(nil, uint32(len(json)))) + json
}

const n1 = `{"broadcast_address":"n1","hostname":"h1","tcp_port":4150,"http_port":4151,"version":"1.3.0"}`

// answers reads n frames; with n < 0 all until the end.
func answers(t testing.TB, c net.Conn, n int) []string {
	t.Helper()
	var got []string
	for len(got) != n {
		var size [4]byte
		if _, err := io.ReadFull(c, size[:]); err != nil {
			if n < 0 && err == io.EOF {
				return got
			}
			t.Fatalf("after %q: %v", got, err)
		}
		b := make([]byte, binary.BigEndian.Uint32(size[:]))
		if _, err := io.ReadFull(c, b); err != nil {
			t.Fatalf("after %q: %v", got, err)
		}
		got = append(got, string(b))
	}
	return got
}

func TestSession(t *testing.T) {
	size := func(n int32) string { return string(binary.BigEndian.AppendUint32(nil, uint32(n))) }
	cases := map[string]struct {
		send string
		want []string // all answers; the session ends after them because the sending side was shut, or by the last one
	}{
		"wrong magic":                        {"  V2", []string{"E_BAD_PROTOCOL"}},
		"HTTP":                               {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", []string{"E_BAD_PROTOCOL"}},
		"short magic":                        {"  ", nil},
		"nothing":                            {"", nil},
		"PING before IDENTIFY":               {magic + "PING\n", []string{"OK"}},
		"more parameters":                    {magic + "PING and more\n", []string{"OK"}},
		"white space around a line":          {magic + " PING  \r\n", []string{"OK"}},
		"a partial line":                     {magic + "PING\nPIN", []string{"OK"}},
		"an unknown command":                 {magic + "NOP\n", []string{"E_INVALID invalid command NOP"}},
		"a command in lower case":            {magic + "ping\n", []string{"E_INVALID invalid command ping"}},
		"an empty line":                      {magic + "\n", []string{"E_INVALID invalid command "}},
		"an endless line":                    {magic + strings.Repeat("x", 1<<20), []string{"E_INVALID command too long"}},
		"IDENTIFY":                           {magic + hello(n1), []string{self}},
		"IDENTIFY twice":                     {magic + hello(n1) + "IDENTIFY\n", []string{self, "E_INVALID cannot IDENTIFY again"}},
		"no size":                            {magic + "IDENTIFY\n\x00\x00", []string{"E_BAD_BODY IDENTIFY failed to read body size"}},
		"a short body":                       {magic + "IDENTIFY\n" + size(30) + "{", []string{"E_BAD_BODY IDENTIFY failed to read body"}},
		"an empty body":                      {magic + "IDENTIFY\n" + size(0), []string{"E_BAD_BODY IDENTIFY failed to decode JSON body"}},
		"a negative size":                    {magic + "IDENTIFY\n" + size(-1), []string{"E_BAD_BODY IDENTIFY invalid body size"}},
		"a huge size":                        {magic + "IDENTIFY\n" + size(1<<30), []string{"E_BAD_BODY IDENTIFY invalid body size"}},
		"no JSON":                            {magic + hello("no json"), []string{"E_BAD_BODY IDENTIFY failed to decode JSON body"}},
		"a port that is a string":            {magic + hello(strings.Replace(n1, "4150", `"4150"`, 1)), []string{"E_BAD_BODY IDENTIFY failed to decode JSON body"}},
		"no fields":                          {magic + hello("{}"), []string{"E_BAD_BODY IDENTIFY missing fields"}},
		"no version":                         {magic + hello(strings.Replace(n1, "version", "v", 1)), []string{"E_BAD_BODY IDENTIFY missing fields"}},
		"no HTTP port":                       {magic + hello(strings.Replace(n1, "4151", "0", 1)), []string{"E_BAD_BODY IDENTIFY missing fields"}},
		"unknown fields and no host name":    {magic + hello(`{"broadcast_address":"b","tcp_port":-1,"http_port":2,"version":"x","colour":"red"}`), []string{self}},
		"REGISTER before IDENTIFY":           {magic + "REGISTER t\n", []string{"E_INVALID client must IDENTIFY"}},
		"UNREGISTER before IDENTIFY":         {magic + "UNREGISTER\n", []string{"E_INVALID client must IDENTIFY"}},
		"REGISTER of nothing":                {magic + hello(n1) + "REGISTER\n", []string{self, "E_INVALID REGISTER insufficient number of params"}},
		"UNREGISTER of nothing":              {magic + hello(n1) + "UNREGISTER\n", []string{self, "E_INVALID UNREGISTER insufficient number of params"}},
		"REGISTER of a bad topic":            {magic + hello(n1) + "REGISTER a!b\n", []string{self, "E_BAD_TOPIC REGISTER topic name 'a!b' is not valid"}},
		"REGISTER with two spaces":           {magic + hello(n1) + "REGISTER  t\n", []string{self, "E_BAD_TOPIC REGISTER topic name '' is not valid"}},
		"REGISTER of a bad channel":          {magic + hello(n1) + "REGISTER t c:\n", []string{self, "E_BAD_CHANNEL REGISTER channel name 'c:' is not valid"}},
		"UNREGISTER of a bad topic":          {magic + hello(n1) + "UNREGISTER *\n", []string{self, "E_BAD_TOPIC UNREGISTER topic name '*' is not valid"}},
		"UNREGISTER of a bad channel":        {magic + hello(n1) + "UNREGISTER t c=\n", []string{self, "E_BAD_CHANNEL UNREGISTER channel name 'c=' is not valid"}},
		"UNREGISTER of what is unknown":      {magic + hello(n1) + "UNREGISTER t\nUNREGISTER t c\n", []string{self, "OK", "OK"}},
		"many commands at once":              {magic + "PING\n" + hello(n1) + "REGISTER t c more\nREGISTER t \nUNREGISTER t c\nPING\n", []string{"OK", self, "OK", "OK", "OK", "OK"}},
		"what follows an error is not heard": {magic + "NOP\nPING\n", []string{"E_INVALID invalid command NOP"}},
	}
	_, _, addr := serve(t)
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn := dial(t, addr)
			if _, err := io.WriteString(conn, c.send); err != nil {
				t.Fatal(err)
			}
			_ = conn.CloseWrite()
			if got := answers(t, conn, -1); fmt.Sprintf("%q", got) != fmt.Sprintf("%q", c.want) {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

func TestErrorEndsTheSession(t *testing.T) {
	_, _, addr := serve(t)
	conn := dial(t, addr)
	if _, err := io.WriteString(conn, magic+"NOP\n"); err != nil {
		t.Fatal(err)
	}
	if got := answers(t, conn, -1); len(got) != 1 { // though this side stays open
		t.Errorf("got %q", got)
	}
}

func TestRegistrationsAreSeenAtOnce(t *testing.T) {
	_, r, addr := serve(t)
	conn := dial(t, addr)
	if _, err := io.WriteString(conn, magic+hello(strings.Replace(n1, "{", `{"remote_address":"1.2.3.4:5",`, 1))+"REGISTER t c\n"); err != nil {
		t.Fatal(err)
	}
	answers(t, conn, 2)
	want := fmt.Sprintf(`{"channels":["c"],"producers":[{"remote_address":%q,"hostname":"h1","broadcast_address":"n1",`+
		`"tcp_port":4150,"http_port":4151,"version":"1.3.0","topology_zone":"","topology_region":""}]}`, conn.LocalAddr())
	if got := string(r.View().Topic("t").LookupJSON()); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	changed := r.View().Changed()
	_ = conn.Close()
	select {
	case <-changed:
	case <-time.After(5 * time.Second):
		t.Fatal("the end of the connection is not seen")
	}
	eventually(t, func() bool { return len(r.View().Nodes()) == 0 && len(r.View().Topic("t").Producers()) == 0 })
	if got := r.View().Topic("t").Channels(); len(got) != 1 {
		t.Errorf("channels are %v", got)
	}
}

func eventually(t *testing.T, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it does not come to that")
		}
	}
}

func TestCloseDoesNotWaitForTheSilent(t *testing.T) {
	s, r, addr := serve(t)
	dial(t, addr)
	half := dial(t, addr)
	said := dial(t, addr)
	_, _ = io.WriteString(half, magic+"IDENTIFY\n\x00\x00\x01\x00{")
	_, _ = io.WriteString(said, magic+hello(n1))
	answers(t, said, 1)
	start := time.Now()
	s.Close()
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("closing took %v", took)
	}
	if n := len(r.View().Nodes()); n != 0 {
		t.Errorf("%d guests are left", n)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Serve(l); err != nil {
		t.Error(err)
	}
}

func FuzzSession(f *testing.F) {
	for _, s := range []string{"PING\n", hello(n1) + "REGISTER t c\n", "IDENTIFY\n\xff\xff\xff\xff", hello(n1) + "UNREGISTER t#ephemeral\n"} {
		f.Add([]byte(magic + s))
	}
	s := New(Options{Log: slog.New(slog.DiscardHandler)}, registry.New(registry.Options{ID: strings.Repeat("0", 32)}, nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		here, there := net.Pipe()
		done := make(chan struct{})
		go func() {
			defer close(done)
			newSession(s, there).run()
		}()
		go func() { _, _ = io.Copy(io.Discard, here) }()
		_ = here.SetWriteDeadline(time.Now().Add(time.Second))
		_, _ = here.Write(b)
		_ = here.Close()
		<-done
	})
}
