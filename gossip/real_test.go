package gossip

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"log/slog"
	"math/big"
	mrand "math/rand/v2"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// authority makes certificates of one cluster.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "cluster"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, _ := x509.ParseCertificate(der)
	return &authority{t: t, cert: cert, key: key}
}

func (a *authority) config(name string) *tls.Config {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, RootCAs: pool}
}

func linked(n *realNode, links int) func() bool {
	return func() bool { return n.Stats().Links == links }
}

func TestRealLinksUnderTLS(t *testing.T) {
	ours := newAuthority(t)
	with := func(c *tls.Config) func(*Config) {
		return func(cfg *Config) { cfg.TLS, cfg.Keys = c, [][]byte{key(1)} }
	}
	a := startReal(t, "a", nil, with(ours.config("a")))
	b := startReal(t, "b", []string{a.Addr()}, with(ours.config("b")))
	eventually(t, "link", 5*time.Second, linked(a, 1))
	b.Broadcast("id-b", b.state.bump("id-b"))
	eventually(t, "change", 2*time.Second, func() bool { return a.state.count("id-b") == 1 })

	for name, config := range map[string]*tls.Config{"foreign": newAuthority(t).config("c"), "plain": nil} {
		stranger := startReal(t, name, []string{a.Addr()}, with(config))
		eventually(t, "membership without a link", 5*time.Second, func() bool { return a.Alive("id-" + name) })
		time.Sleep(500 * time.Millisecond)
		if s := stranger.Stats(); s.Links != 0 {
			t.Errorf("the %s node has %d links", name, s.Links)
		}
		stranger.stop()
	}
	if got := a.Stats().Links; got != 1 {
		t.Errorf("a has %d links", got)
	}
}

func TestRealGarbageHarmsNobody(t *testing.T) {
	a := startReal(t, "a", nil, nil)
	b := startReal(t, "b", []string{a.Addr()}, nil)
	eventually(t, "link", 5*time.Second, linked(a, 1))
	rng := mrand.New(mrand.NewPCG(1, 1))
	for i := range 300 {
		junk := make([]byte, rng.IntN(600))
		for j := range junk {
			junk[j] = byte(rng.Uint32())
		}
		for _, prefix := range [][]byte{nil, garbageLabel(byte(i % 16)), plainFrame(frameType(i%16), nil)[:5]} {
			data := append(slices.Clone(prefix), junk...)
			throw(t, "udp", a.Addr(), data)
			throw(t, "tcp", a.Addr(), data)
			throw(t, "tcp", a.LinkAddr(), data)
		}
	}
	b.Broadcast("id-b", b.state.bump("id-b"))
	eventually(t, "change", 2*time.Second, func() bool { return a.state.count("id-b") == 1 })
	if !a.Alive("id-b") || !b.Alive("id-a") {
		t.Error("somebody died of it")
	}
}

// garbageLabel is how a packet or stream of our cluster begins.
func garbageLabel(kind byte) []byte {
	return append(append([]byte{mlLabel, byte(len(defaultCluster))}, defaultCluster...), kind)
}

func throw(t *testing.T, network, address string, data []byte) {
	t.Helper()
	conn, err := net.Dial(network, address)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = conn.Write(data)
	_ = conn.Close()
}

// TestMain lets the test binary be a node, so that a process can be killed.
func TestMain(m *testing.M) {
	if seed := os.Getenv("GOSSIP_TEST_SEED"); seed != "" {
		beNode(seed)
		return
	}
	os.Exit(m.Run())
}

func beNode(seed string) {
	n := New(Config{ID: "id-victim", Name: "victim", Bind: "127.0.0.1:0", LinkBind: "127.0.0.1:0", Seeds: []string{seed},
		Log: slog.New(slog.DiscardHandler)})
	if err := n.Listen(); err != nil {
		panic(err)
	}
	go func() { _ = n.Run(context.Background()) }()
	for n.Stats().Links < 2 {
		time.Sleep(5 * time.Millisecond)
	}
	fmt.Println("linked")
	select {}
}

// victim starts a node in a process of its own, linked to both.
func victim(t *testing.T, a, b *realNode) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), "GOSSIP_TEST_SEED="+a.Addr())
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, _ := bufio.NewReader(out).ReadString('\n'); !strings.HasPrefix(line, "linked") {
		t.Fatalf("the node says %q", line)
	}
	eventually(t, "links to the node", 5*time.Second, func() bool {
		byA, _ := a.table.member("id-victim")
		byB, _ := b.table.member("id-victim")
		return byA.Linked && byB.Linked
	})
	return cmd
}

func TestRealProcessThatEndsOrStopsIsMissed(t *testing.T) {
	lan := func(c *Config) { c.Profile = "lan" }
	a := startReal(t, "a", nil, lan)
	b := startReal(t, "b", []string{a.Addr()}, lan)
	eventually(t, "link", 5*time.Second, linked(a, 1))
	missed := func() bool { return !a.Alive("id-victim") && !b.Alive("id-victim") }

	var all []time.Duration
	for range 5 {
		cmd := victim(t, a, b)
		_ = cmd.Process.Kill()
		all = append(all, eventually(t, "death noticed", 10*time.Second, missed))
		_ = cmd.Wait()
	}
	slices.Sort(all)
	t.Logf("killed, noticed after %v", all)
	if median := all[len(all)/2]; median > 300*time.Millisecond {
		t.Errorf("median %v", median)
	}

	cmd := victim(t, a, b)
	_ = cmd.Process.Signal(syscall.SIGSTOP)
	took := eventually(t, "silence noticed", 10*time.Second, missed)
	t.Logf("stopped, noticed after %v", took)
	if took > 5*time.Second {
		t.Error("that is too long")
	}
	_ = cmd.Process.Signal(syscall.SIGCONT)
	t.Logf("continued, alive after %v", eventually(t, "life noticed", 10*time.Second, func() bool {
		return a.Alive("id-victim") && b.Alive("id-victim")
	}))
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}
