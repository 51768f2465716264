package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
)

// loadTLS reads the files that opts name: the settings for clients of nsqd and HTTPS, and those for links between nodes.
// Each is nil when it is not configured.
func loadTLS(o *Options) (clients, cluster *tls.Config, err error) {
	if clients, err = serverTLS(o); err != nil {
		return nil, nil, fmt.Errorf("failed to build TLS config - %w", err)
	}
	if cluster, err = clusterTLS(o); err != nil {
		return nil, nil, fmt.Errorf("failed to build cluster TLS config - %w", err)
	}
	return clients, cluster, nil
}

// serverTLS is for clients of the TCP protocol and for HTTPS.
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
	config.ClientCAs, err = authorities(o.TLSRootCAFile)
	return config, err
}

// outgoingTLS is for requests to authorization servers over HTTPS.
func outgoingTLS(o *Options) (*tls.Config, error) {
	pool, err := authorities(o.TLSRootCAFile)
	if err != nil {
		return nil, fmt.Errorf("failed to build client TLS config - %w", err)
	}
	return &tls.Config{RootCAs: pool, MinVersion: uint16(o.TLSMinVersion)}, nil
}

// clusterTLS is for both ends of a link between nodes: each must show a certificate of the cluster's authority. Names in
// certificates are not compared, because nodes dial each other by addresses that come and go.
func clusterTLS(o *Options) (*tls.Config, error) {
	if o.ClusterTLSCert == "" {
		return nil, nil
	}
	cert, err := tls.LoadX509KeyPair(o.ClusterTLSCert, o.ClusterTLSKey)
	if err != nil {
		return nil, err
	}
	pool, err := authorities(o.ClusterTLSCA)
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

// authorities returns nil, the pool of the system, when there is no file.
func authorities(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, errors.New("failed to append certificate to pool")
	}
	return pool, nil
}
