package nsqd

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"encoding/json"
	"io"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/s2"
)

// certificate makes a self-signed one.
func certificate(t testing.TB, name string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<33, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func (c *client) startTLS(config *tls.Config) *tls.Conn {
	c.t.Helper()
	secured := tls.Client(c.conn, config)
	if err := secured.Handshake(); err != nil {
		c.t.Fatal(err)
	}
	c.in, c.out = secured, secured
	return secured
}

func (c *client) startSnappy() {
	c.in = s2.NewReader(c.in)
	c.out = s2.NewWriter(c.out, s2.WriterSnappyCompat(), s2.WriterFlushOnWrite(), s2.WriterConcurrency(1))
}

func (c *client) startDeflate() {
	w, err := flate.NewWriter(c.out, 3)
	if err != nil {
		c.t.Fatal(err)
	}
	c.in, c.out = flate.NewReader(c.in), flushing{w}
}

type flushing struct{ *flate.Writer }

func (f flushing) Write(b []byte) (int, error) {
	n, err := f.Writer.Write(b)
	if err == nil {
		err = f.Flush()
	}
	return n, err
}

func tlsOptions(t testing.TB) Options {
	o := testOptions()
	o.TLS = &tls.Config{Certificates: []tls.Certificate{certificate(t, "server")}}
	return o
}

// TestUpgrades talks through every combination of layers, over a pipe and over a socket.
func TestUpgrades(t *testing.T) {
	big := strings.Repeat("big ", 100<<10)
	for _, wants := range []string{"", "tls", "snappy", "deflate", "tls snappy", "tls deflate"} {
		for _, over := range []string{"pipe", "socket"} {
			t.Run(wants+" over a "+over, func(t *testing.T) {
				h := newHarness(t, tlsOptions(t))
				var c *client
				if over == "pipe" {
					c = h.open()
				} else {
					c = h.dial(h.listen("tcp", "127.0.0.1:0"))
				}
				hasTLS, snappy, deflate := strings.Contains(wants, "tls"), strings.Contains(wants, "snappy"), strings.Contains(wants, "deflate")
				request, _ := json.Marshal(identity{FeatureNegotiation: true, TLS: hasTLS, Snappy: snappy, Deflate: deflate})
				var got features
				if err := json.Unmarshal([]byte(c.identify(string(request))), &got); err != nil {
					t.Fatal(err)
				}
				if got.TLS != hasTLS || got.Snappy != snappy || got.Deflate != deflate {
					t.Fatalf("got %+v", got)
				}
				if hasTLS {
					c.startTLS(&tls.Config{InsecureSkipVerify: true})
					c.expect("response OK")
				}
				if snappy {
					c.startSnappy()
					c.expect("response OK")
				}
				if deflate {
					c.startDeflate()
					c.expect("response OK")
				}
				c.send("PUB t\n", sized("small"), "PUB t\n", sized(big), "MPUB t\n", mpubBody("a", big, "b"))
				c.send("SUB t c\nRDY 10\n")
				c.expect("response OK", "response OK", "response OK", "response OK")
				c.expect("message #1 small", "message #1 "+big, "message #1 a", "message #1 "+big, "message #1 b")
				if s := h.server.Clients()[0]; s.TLS != hasTLS || s.Snappy != snappy || s.Deflate != deflate {
					t.Errorf("got %+v", s)
				}
				c.send("NOP\nFIN " + id16 + "\nBAD\n")
				c.expect("error E_FIN_FAILED FIN "+id16+" failed ID not in flight", "error E_INVALID invalid command BAD")
				c.ends()
			})
		}
	}
}

// TestEarlyBytes sends the first bytes of the new layer in one piece with IDENTIFY: they are not lost.
func TestEarlyBytes(t *testing.T) {
	t.Run("deflate", func(t *testing.T) {
		h := newHarness(t, testOptions())
		c := h.open()
		var early strings.Builder
		w, _ := flate.NewWriter(&early, 6)
		io.WriteString(w, "PUB t\n"+sized("early"))
		w.Flush()
		c.send("IDENTIFY\n", sized(`{"feature_negotiation":true,"deflate":true}`), early.String())
		if kind, data, err := c.frame(); kind != frameResponse || !strings.Contains(data, `"deflate":true`) {
			t.Fatalf("got %s, %v", show(kind, data), err)
		}
		c.startDeflate()
		c.expect("response OK", "response OK")
		isStored(t, h, "t", []string{"early"})
	})
	t.Run("TLS", func(t *testing.T) {
		h := newHarness(t, tlsOptions(t))
		c := newClient(t, h.pipe())
		c.conn = &hasty{Conn: c.conn, first: "  V2IDENTIFY\n" + sized(`{"feature_negotiation":true,"tls_v1":true}`)}
		c.startTLS(&tls.Config{InsecureSkipVerify: true})
		c.expect("response OK")
	})
}

// hasty sends first in one piece with the first bytes written, and passes over the frame that answers it.
type hasty struct {
	net.Conn
	first    string
	answered bool
}

func (c *hasty) Write(b []byte) (int, error) {
	_, err := c.Conn.Write(append([]byte(c.first), b...))
	c.first = ""
	return len(b), err
}

func (c *hasty) Read(b []byte) (int, error) {
	if !c.answered {
		c.answered = true
		var head [4]byte
		if _, err := io.ReadFull(c.Conn, head[:]); err != nil {
			return 0, err
		}
		if _, err := io.CopyN(io.Discard, c.Conn, int64(binary.BigEndian.Uint32(head[:]))); err != nil {
			return 0, err
		}
	}
	return c.Conn.Read(b)
}

func TestRefusedUpgrades(t *testing.T) {
	both := `{"feature_negotiation":true,"snappy":true,"deflate":true}`
	secure := `{"feature_negotiation":true,"tls_v1":true}`
	tests := map[string]struct {
		change func(*Options)
		send   string
		want   []string
	}{
		"both compressions": {nil, "IDENTIFY\n" + sized(both), []string{"error E_IDENTIFY_FAILED cannot enable both deflate and snappy compression"}},
		"TLS required for a command": {func(o *Options) { o.TLSRequired = true }, "NOP\n",
			[]string{"error E_INVALID cannot NOP in current state (TLS required)"}},
		"TLS required for no command": {func(o *Options) { o.TLSRequired = true }, "HUH x\n",
			[]string{"error E_INVALID cannot HUH in current state (TLS required)"}},
		"TLS required after IDENTIFY": {func(o *Options) { o.TLSRequired = true }, "IDENTIFY\n" + sized("{}") + "SUB t c\n",
			[]string{"response OK", "error E_INVALID cannot SUB in current state (TLS required)"}},
		"no handshake": {nil, "PUB t\n" + sized("x") + "IDENTIFY\n" + sized(secure) + "PUB t\n",
			[]string{"response OK", "{", "error E_IDENTIFY_FAILED IDENTIFY failed tls: first record does not look like a TLS handshake"}},
		"silence instead of a handshake": {nil, "IDENTIFY\n" + sized(secure),
			[]string{"{", "error E_IDENTIFY_FAILED IDENTIFY failed read pipe: i/o timeout"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			o := tlsOptions(t)
			if test.change != nil {
				test.change(&o)
			}
			inBubble(t, o, func(t *testing.T, h *harness) {
				start := time.Now()
				c := h.open()
				c.send(test.send)
				for _, want := range test.want {
					if want == "{" {
						if _, data, _ := c.frame(); !strings.Contains(data, `"tls_v1":true`) {
							t.Fatalf("got %s", data)
						}
						continue
					}
					c.expect(want)
				}
				c.ends()
				if name == "silence instead of a handshake" && time.Since(start) != handshakeTime {
					t.Errorf("gave up after %v", time.Since(start))
				}
			})
		})
	}
}

// TestUpgradeIsGrantedOnce asks for it again, on the upgraded connection.
func TestUpgradeIsGrantedOnce(t *testing.T) {
	h := newHarness(t, tlsOptions(t))
	c := h.open()
	all := `{"feature_negotiation":true,"tls_v1":true,"snappy":true}`
	c.identify(all)
	c.startTLS(&tls.Config{InsecureSkipVerify: true})
	c.expect("response OK")
	c.startSnappy()
	c.expect("response OK")
	if got := c.identify(all); !strings.Contains(got, `"tls_v1":false`) || !strings.Contains(got, `"snappy":false`) {
		t.Fatalf("got %s", got)
	}
	c.send("PUB t\n", sized("x"))
	c.expect("response OK")
}

// TestHeartbeatsKeepOutOfUpgrades has one come due during a handshake: it is sent in the new form, after the OK.
func TestHeartbeatsKeepOutOfUpgrades(t *testing.T) {
	h := newHarness(t, tlsOptions(t))
	c := h.dial(h.listen("tcp", "127.0.0.1:0"))
	c.identify(`{"feature_negotiation":true,"tls_v1":true,"heartbeat_interval":1000}`)
	time.Sleep(1200 * time.Millisecond) // real: TLS and a mutex are beyond what a bubble can wait for
	c.startTLS(&tls.Config{InsecureSkipVerify: true})
	c.expect("response OK", "response _heartbeat_")
}

func TestTLSFacts(t *testing.T) {
	for version, want := range map[uint16]string{tls.VersionTLS12: "TLS1.2", tls.VersionTLS13: "TLS1.3"} {
		h := newHarness(t, tlsOptions(t))
		c := h.open()
		c.identify(`{"feature_negotiation":true,"tls_v1":true}`)
		state := c.startTLS(&tls.Config{InsecureSkipVerify: true, MaxVersion: version}).ConnectionState()
		c.expect("response OK")
		s := h.server.Clients()[0]
		if !s.TLS || s.TLSVersion != want || s.TLSCipherSuite != tls.CipherSuiteName(state.CipherSuite) || !s.TLSNegotiatedProtocolIsMutual {
			t.Errorf("got %+v", s)
		}
	}
}

// TestCompressedFlood sends some kilobytes that unpack to 50 MB of one command line: it is cut off as any long line is.
func TestCompressedFlood(t *testing.T) {
	if raceEnabled {
		t.Skip("measures memory")
	}
	var flood bytes.Buffer
	w, err := flate.NewWriter(&flood, 9)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(bytes.Repeat([]byte("x"), 50<<20)); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	h := newHarness(t, testOptions())
	c := h.dial(h.listen("tcp", "127.0.0.1:0"))
	c.identify(`{"feature_negotiation":true,"deflate":true}`)
	raw := c.out
	c.startDeflate()
	c.expect("response OK")
	before := allocated()
	if _, err := raw.Write(flood.Bytes()); err != nil {
		t.Fatal(err)
	}
	c.ends()
	if got := allocated() - before; got > 1<<20 {
		t.Errorf("took %d bytes", got)
	}
}
