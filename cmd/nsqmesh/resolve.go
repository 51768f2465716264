package main

import (
	"crypto/md5"
	"errors"
	"fmt"
	"hash/crc32"
	"net"
	"os"
	"slices"
)

// resolve fills in what depends on the host or on other options, and says what is wrong with the result.
func (s *settings) resolve() error {
	o := s.opts
	hostname, err := os.Hostname()
	if err != nil {
		return fmt.Errorf("failed to read the host name: %w", err)
	}
	if o.NodeIDGiven = s.set["node-id"]; !o.NodeIDGiven {
		o.NodeID = defaultNodeID(hostname)
	}
	if o.BroadcastAddress == "" {
		o.BroadcastAddress = hostname
	}
	if o.TLSClientAuthPolicy != "" && o.TLSRequired == TLSNotRequired {
		o.TLSRequired = TLSRequiredEverywhere
	}
	return validate(o)
}

// defaultNodeID is that of stock nsqd, so that a node which takes over a data folder keeps its id. MD5 is no secret here.
func defaultNodeID(hostname string) int64 {
	sum := md5.Sum([]byte(hostname))
	return int64(crc32.ChecksumIEEE(sum[:]) % 1024)
}

// validate says all that is wrong with the values, option by option and then between options.
func validate(o *Options) error {
	var wrong problems
	for _, row := range allOptions() {
		if row.check == nil {
			continue
		}
		if must := row.check(row.in(o).Get()); must != "" {
			wrong = append(wrong, "--"+row.name+" "+must)
		}
	}
	for _, err := range []error{validateTLS(o), validateClusterTLS(o), validateAdmin(o), validateRaft(o)} {
		if err != nil {
			wrong = append(wrong, err.Error())
		}
	}
	return wrong.orNil()
}

func validateTLS(o *Options) error {
	switch {
	case o.TLSCert != "" && o.TLSKey == "":
		return errors.New("failed to build TLS config - --tls-cert needs --tls-key")
	case o.TLSCert == "" && o.TLSKey != "":
		return errors.New("failed to build TLS config - --tls-key needs --tls-cert")
	case o.TLSRequired != TLSNotRequired && o.TLSCert == "":
		return errors.New("cannot require TLS client connections without TLS key and cert")
	}
	return nil
}

func validateClusterTLS(o *Options) error {
	given := 0
	for _, file := range []string{o.ClusterTLSCert, o.ClusterTLSKey, o.ClusterTLSCA} {
		if file != "" {
			given++
		}
	}
	if given != 0 && given != 3 {
		return errors.New("--cluster-tls-cert, --cluster-tls-key and --cluster-tls-ca only work together")
	}
	return nil
}

func validateRaft(o *Options) error {
	if o.RaftExpect > 0 && (o.GossipAddress == "" || o.ClusterAddress == "") {
		return errors.New("--raft-bootstrap-expect needs --gossip-address and --cluster-address")
	}
	return nil
}

// advice names settings that are legal but do not do what their author hopes for.
func advice(o *Options) []string {
	var warnings []string
	for _, a := range [][2]string{
		{"broadcast-address", o.BroadcastAddress}, {"gossip-advertise", o.GossipAdvertise}, {"cluster-advertise", o.ClusterAdvertise},
	} {
		if unspecified(a[1]) {
			warnings = append(warnings, fmt.Sprintf("--%s %s is no address that anybody can dial", a[0], a[1]))
		}
	}
	if len(o.GossipSeeds) > 0 && o.GossipAddress == "" {
		warnings = append(warnings, "--gossip-seed has no effect while --gossip-address is empty")
	}
	if isLoopback(o.BroadcastAddress) && slices.ContainsFunc(o.GossipSeeds, isElsewhere) {
		warnings = append(warnings, fmt.Sprintf("--broadcast-address %s cannot be dialled from other hosts of the mesh", o.BroadcastAddress))
	}
	return warnings
}

func isLoopback(host string) bool {
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}

// isElsewhere is a seed that names another host for sure.
func isElsewhere(seed string) bool {
	if h, _, err := net.SplitHostPort(seed); err == nil {
		seed = h
	}
	ip := net.ParseIP(seed)
	return ip != nil && !ip.IsLoopback()
}

// unspecified is 0.0.0.0 or ::, with or without a port.
func unspecified(address string) bool {
	if h, _, err := net.SplitHostPort(address); err == nil {
		address = h
	}
	ip := net.ParseIP(address)
	return ip != nil && ip.IsUnspecified()
}
