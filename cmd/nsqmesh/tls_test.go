package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// authority signs certificates for tests; its own stands in the file ca.
type authority struct {
	t    *testing.T
	dir  string
	ca   string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	a := &authority{t: t, dir: t.TempDir()}
	a.key = a.newKey()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"},
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &a.key.PublicKey, a.key)
	a.must(err)
	a.cert, err = x509.ParseCertificate(der)
	a.must(err)
	a.ca = a.write("ca", "CERTIFICATE", der)
	return a
}

// issue returns the files of a new certificate and its key.
func (a *authority) issue(name string) (cert, key string) {
	private := a.newKey()
	template := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name},
		NotAfter: time.Now().Add(time.Hour), DNSNames: []string{name}}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &private.PublicKey, a.key)
	a.must(err)
	keyDER, err := x509.MarshalECPrivateKey(private)
	a.must(err)
	return a.write(name+".cert", "CERTIFICATE", der), a.write(name+".key", "EC PRIVATE KEY", keyDER)
}

func (a *authority) newKey() *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	a.must(err)
	return key
}

func (a *authority) write(name, kind string, der []byte) string {
	path := filepath.Join(a.dir, name)
	a.must(os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
	return path
}

func (a *authority) must(err error) {
	a.t.Helper()
	if err != nil {
		a.t.Fatal(err)
	}
}

// handshake lets a client and a server shake hands over loopback, and says whether both were content.
func handshake(t *testing.T, server, client *tls.Config) bool {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", server)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	served := make(chan error, 1)
	go func() {
		conn, err := l.Accept()
		if err == nil {
			conn.SetDeadline(time.Now().Add(10 * time.Second))
			_, err = conn.Write([]byte("x")) // with TLS 1.3 the client learns of a refusal when it reads
			conn.Close()
		}
		served <- err
	}()
	conn, err := tls.DialWithDialer(&net.Dialer{Timeout: 10 * time.Second}, "tcp", l.Addr().String(), client)
	if err == nil {
		_, err = io.ReadFull(conn, make([]byte, 1))
		conn.Close()
	}
	return err == nil && <-served == nil
}

func TestClientTLS(t *testing.T) {
	home, away := newAuthority(t), newAuthority(t)
	cert, key := home.issue("server.example")
	trusted, err := tls.LoadX509KeyPair(home.issue("client.example"))
	home.must(err)
	stranger, err := tls.LoadX509KeyPair(away.issue("stranger.example"))
	home.must(err)

	for name, c := range map[string]struct {
		policy  string
		minimum TLSVersion
		client  *tls.Config
		ok      bool
	}{
		"no certificate is asked for":            {"", tls.VersionTLS10, &tls.Config{}, true},
		"old clients are served by default":      {"", tls.VersionTLS10, &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS10}, true},
		"old clients can be refused":             {"", tls.VersionTLS13, &tls.Config{MaxVersion: tls.VersionTLS12}, false},
		"require refuses none":                   {"require", tls.VersionTLS10, &tls.Config{}, false},
		"require takes any":                      {"require", tls.VersionTLS10, &tls.Config{Certificates: []tls.Certificate{stranger}}, true},
		"require-verify refuses a stranger":      {"require-verify", tls.VersionTLS10, &tls.Config{Certificates: []tls.Certificate{stranger}}, false},
		"require-verify takes one of its own":    {"require-verify", tls.VersionTLS10, &tls.Config{Certificates: []tls.Certificate{trusted}}, true},
		"require-verify refuses none, of course": {"require-verify", tls.VersionTLS10, &tls.Config{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			configs, err := loadTLS(&Options{TLSCert: cert, TLSKey: key, TLSRootCAFile: home.ca, TLSClientAuthPolicy: c.policy, TLSMinVersion: c.minimum})
			if err != nil {
				t.Fatal(err)
			}
			client := c.client.Clone()
			client.InsecureSkipVerify = true
			client.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { // also one that the server does not ask for
				if len(c.client.Certificates) == 0 {
					return new(tls.Certificate), nil
				}
				return &c.client.Certificates[0], nil
			}
			if got := handshake(t, configs.clients, client); got != c.ok {
				t.Errorf("accepted: %v", got)
			}
		})
	}
}

func TestClusterTLS(t *testing.T) {
	home, away := newAuthority(t), newAuthority(t)
	member := func(ca *authority, name string) *tls.Config {
		cert, key := ca.issue(name)
		configs, err := loadTLS(&Options{ClusterTLSCert: cert, ClusterTLSKey: key, ClusterTLSCA: ca.ca})
		if err != nil {
			t.Fatal(err)
		}
		return configs.cluster
	}
	a, b, stranger := member(home, "a"), member(home, "b"), member(away, "c")
	anyone := &tls.Config{InsecureSkipVerify: true}
	for name, c := range map[string]struct {
		server, client *tls.Config
		ok             bool
	}{
		"two nodes of one authority":           {a, b, true},
		"a stranger dials in":                  {a, stranger, false},
		"a stranger is dialled":                {stranger, a, false},
		"somebody without any certificate":     {a, anyone, false},
		"somebody with TLS 1.2":                {a, &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12, Certificates: b.Certificates}, false},
		"somebody who believes every server":   {a, &tls.Config{InsecureSkipVerify: true, Certificates: b.Certificates}, true},
		"a stranger who believes every server": {a, &tls.Config{InsecureSkipVerify: true, Certificates: stranger.Certificates}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := handshake(t, c.server, c.client); got != c.ok {
				t.Errorf("accepted: %v", got)
			}
		})
	}
}

func TestOutgoingTLS(t *testing.T) {
	home, away := newAuthority(t), newAuthority(t)
	cert, key := home.issue("auth.example")
	server, err := serverTLS(&Options{TLSCert: cert, TLSKey: key})
	home.must(err)
	for ca, ok := range map[string]bool{home.ca: true, away.ca: false} {
		client, err := outgoingTLS(&Options{TLSRootCAFile: ca})
		home.must(err)
		client.ServerName = "auth.example"
		if got := handshake(t, server, client); got != ok {
			t.Errorf("accepted: %v, want %v", got, ok)
		}
	}
}

func TestTLSFilesThatAreNone(t *testing.T) {
	ca := newAuthority(t)
	cert, key := ca.issue("a")
	junk := tempFile(t, "no PEM at all")
	for name, c := range map[string]struct {
		opts Options
		text string
	}{
		"no certificate in the file":     {Options{TLSCert: junk, TLSKey: key}, "failed to build TLS config - "},
		"the key of another":             {Options{TLSCert: cert, TLSKey: junk}, "failed to build TLS config - "},
		"a file that is not there":       {Options{TLSCert: cert, TLSKey: key + "x"}, "failed to build TLS config - open "},
		"authorities that are none":      {Options{TLSCert: cert, TLSKey: key, TLSRootCAFile: junk}, "failed to append certificate to pool"},
		"the same without a certificate": {Options{TLSRootCAFile: junk}, "failed to build client TLS config - failed to append certificate to pool"},
		"no authority of a cluster":      {Options{ClusterTLSCert: cert, ClusterTLSKey: key, ClusterTLSCA: junk}, "failed to build cluster TLS config - failed to append"},
	} {
		if _, err := loadTLS(&c.opts); err == nil || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if c, err := loadTLS(&Options{}); err != nil || c.clients != nil || c.cluster != nil || c.outgoing == nil {
		t.Errorf("without files: %+v, %v", c, err)
	}
}
