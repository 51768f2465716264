package gossip

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"time"
)

// acceptLinks takes connections until the listener is closed.
func (m *Mesh) acceptLinks() {
	for {
		conn, err := m.linkListener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			time.Sleep(10 * time.Millisecond)
			continue
		}
		m.acceptLink(conn)
	}
}

// acceptLink shakes hands elsewhere: a peer that says nothing holds up nobody.
func (m *Mesh) acceptLink(conn net.Conn) {
	life := m.life.Load()
	if life == nil {
		_, _ = conn.Write(plainFrame(frameRefusal, []byte{byte(refusedStandby)}))
		_ = conn.Close()
		return
	}
	select {
	case m.greeting <- struct{}{}:
	default:
		_ = conn.Close()
		return
	}
	if !life.group.start(func() {
		defer func() { <-m.greeting }()
		m.welcome(life, conn)
	}) {
		_ = conn.Close()
		<-m.greeting
	}
}

func (m *Mesh) welcome(life *life, raw net.Conn) {
	stop := context.AfterFunc(life.ctx, func() { _ = raw.Close() })
	conn, err := m.secureAccept(raw)
	var peer hello
	g := m.greet(life, "")
	if err == nil {
		peer, err = g.greetAsListener(conn, greetPatience)
	}
	stop()
	if err != nil {
		_ = raw.Close()
		m.complain("link refused", "", raw.RemoteAddr().String(), err)
		return
	}
	switch {
	case peer.instance == g.mine.instance: // this node, which took somebody's old address for his
		_ = conn.Close()
		return
	case g.rival(peer):
		_ = conn.Close()
		_ = m.meetRival(life, g.mine, peer, peer.link)
		return
	}
	if peer.purpose != "" {
		m.purpose(peer.purpose).deliver(&Stream{Conn: conn, Peer: peer.id})
		return
	}
	if _, err := m.adopt(life, conn, peer, false); err != nil {
		m.complain("link refused", peer.name, raw.RemoteAddr().String(), err)
	}
}

const linkProtocol = "nsqmesh-link/1"

// secureDial and secureAccept put TLS over a connection, if it is configured.
func (m *Mesh) secureDial(ctx context.Context, raw net.Conn, address string) (net.Conn, error) {
	if m.cfg.TLS == nil {
		return raw, nil
	}
	conn := tls.Client(raw, m.clientTLS())
	ctx, cancel := context.WithTimeout(ctx, greetPatience)
	defer cancel()
	return conn, conn.HandshakeContext(ctx)
}

func (m *Mesh) secureAccept(raw net.Conn) (net.Conn, error) {
	if m.cfg.TLS == nil {
		return raw, nil
	}
	c := m.cfg.TLS.Clone()
	c.NextProtos = []string{linkProtocol}
	c.ClientAuth = tls.RequireAndVerifyClientCert
	if c.ClientCAs == nil {
		c.ClientCAs = c.RootCAs
	}
	conn := tls.Server(raw, c)
	ctx, cancel := context.WithTimeout(context.Background(), greetPatience)
	defer cancel()
	return conn, conn.HandshakeContext(ctx)
}

// clientTLS trusts every certificate of the cluster's authority, whatever host it names, unless a server name is
// configured: members move between addresses, and the authority exists to say who is a member.
func (m *Mesh) clientTLS() *tls.Config {
	c := m.cfg.TLS.Clone()
	c.NextProtos = []string{linkProtocol}
	if c.ServerName != "" || c.InsecureSkipVerify {
		return c
	}
	roots := c.RootCAs
	c.InsecureSkipVerify = true // the chain is verified below
	c.VerifyConnection = func(s tls.ConnectionState) error { return verifyChain(s, roots) }
	return c
}

func verifyChain(s tls.ConnectionState, roots *x509.CertPool) error {
	if len(s.PeerCertificates) == 0 {
		return errors.New("peer showed no certificate")
	}
	others := x509.NewCertPool()
	for _, c := range s.PeerCertificates[1:] {
		others.AddCert(c)
	}
	_, err := s.PeerCertificates[0].Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: others, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	return err
}
