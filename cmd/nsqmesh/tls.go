package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/nsqmesh/nsqmesh/cmd/cluster"
)

// tlsConfigs are the three sides on which a node speaks TLS.
type tlsConfigs struct {
	clients  *tls.Config // of the TCP protocol and HTTPS; nil is off
	outgoing *tls.Config // requests to authorization servers
	cluster  *tls.Config // links between nodes, both ends; nil is off
	admin    *tls.Config // of the admin pages; nil is off
}

// loadTLS reads the files that opts name.
func loadTLS(o *Options) (c tlsConfigs, err error) {
	if c.clients, err = serverTLS(o); err != nil {
		return c, fmt.Errorf("failed to build TLS config - %w", err)
	}
	if c.outgoing, err = outgoingTLS(o); err != nil {
		return c, fmt.Errorf("failed to build client TLS config - %w", err)
	}
	if c.cluster, err = clusterTLS(o); err != nil {
		return c, fmt.Errorf("failed to build cluster TLS config - %w", err)
	}
	if o.AdminTLSCert != "" {
		cert, err := tls.LoadX509KeyPair(o.AdminTLSCert, o.AdminTLSKey)
		if err != nil {
			return c, fmt.Errorf("failed to build admin TLS config - %w", err)
		}
		c.admin = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	}
	return c, nil
}

func serverTLS(o *Options) (*tls.Config, error) {
	if o.TLSCert == "" && o.TLSKey == "" {
		return nil, nil
	}
	cert, err := tls.LoadX509KeyPair(o.TLSCert, o.TLSKey)
	if err != nil {
		return nil, err
	}
	config := &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: uint16(o.TLSMinVersion)}
	switch o.TLSClientAuthPolicy {
	case "require":
		config.ClientAuth = tls.RequireAnyClientCert
	case "require-verify":
		config.ClientAuth = tls.RequireAndVerifyClientCert
	}
	config.ClientCAs, err = cluster.Authorities(o.TLSRootCAFile)
	return config, err
}

func outgoingTLS(o *Options) (*tls.Config, error) {
	pool, err := cluster.Authorities(o.TLSRootCAFile)
	if err != nil {
		return nil, err
	}
	return &tls.Config{RootCAs: pool, MinVersion: uint16(o.TLSMinVersion)}, nil
}

// clusterTLS makes both ends of a link show a certificate of the cluster's authority. Names in
// certificates are not compared, because nodes dial each other by addresses that come and go.
func clusterTLS(o *Options) (*tls.Config, error) {
	if o.ClusterTLSCert == "" {
		return nil, nil
	}
	cert, err := tls.LoadX509KeyPair(o.ClusterTLSCert, o.ClusterTLSKey)
	if err != nil {
		return nil, err
	}
	pool, err := cluster.Authorities(o.ClusterTLSCA)
	if err != nil {
		return nil, err
	}
	return &tls.Config{
		Certificates:       []tls.Certificate{cert},
		MinVersion:         tls.VersionTLS13,
		ClientAuth:         tls.RequireAnyClientCert,
		InsecureSkipVerify: true, // of the name only: VerifyConnection checks the chain, on both ends
		VerifyConnection:   func(s tls.ConnectionState) error { return verifyMember(s, pool) },
	}, nil
}

func verifyMember(s tls.ConnectionState, pool *x509.CertPool) error {
	if len(s.PeerCertificates) == 0 {
		return errors.New("the other node showed no certificate")
	}
	between := x509.NewCertPool()
	for _, cert := range s.PeerCertificates[1:] {
		between.AddCert(cert)
	}
	_, err := s.PeerCertificates[0].Verify(x509.VerifyOptions{
		Roots: pool, Intermediates: between, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	return err
}
