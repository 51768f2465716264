package main

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
)

// addressFile tells scripts and tests where a node listens: JSON, there from ready until stopped.
const addressFile = "nsqmesh.addr"

// listeners are the node's own sockets but for those of the mesh. One that is off is nil.
type listeners struct {
	tcp, http, https, lookupTCP, lookupHTTP, admin net.Listener
}

// listen binds all that opts name. After an error nothing stays bound.
func listen(opts *Options, clientTLS *tls.Config) (l *listeners, err error) {
	l = new(listeners)
	defer func() {
		if err != nil {
			l.close()
		}
	}()
	for _, one := range []struct {
		address string
		at      *net.Listener
		tcpOnly bool
	}{
		{opts.TCPAddress, &l.tcp, false},
		{opts.HTTPAddress, &l.http, false},
		{httpsAddress(opts, clientTLS), &l.https, true},
		{opts.LookupTCPAddress, &l.lookupTCP, true},
		{opts.LookupHTTPAddress, &l.lookupHTTP, true},
		{opts.AdminHTTPAddress, &l.admin, true},
	} {
		if one.address == "" {
			continue
		}
		network := "tcp"
		if !one.tcpOnly {
			network = networkOf(one.address)
		}
		if *one.at, err = net.Listen(network, one.address); err != nil {
			return l, fmt.Errorf("listen (%s) failed - %w", one.address, err)
		}
	}
	return l, nil
}

// httpsAddress is empty while there is no certificate to serve HTTPS with.
func httpsAddress(opts *Options, clientTLS *tls.Config) string {
	if clientTLS == nil {
		return ""
	}
	return opts.HTTPSAddress
}

// networkOf takes what does not read as host:port for the path of a Unix socket, as NSQ does.
func networkOf(address string) string {
	if _, _, err := net.SplitHostPort(address); err != nil {
		return "unix"
	}
	return "tcp"
}

func (l *listeners) close() {
	for _, one := range []net.Listener{l.tcp, l.http, l.https, l.lookupTCP, l.lookupHTTP, l.admin} {
		if one != nil {
			one.Close()
		}
	}
}

// portOf is what the rest of NSQ is told: 0 for a listener that is off, -1 for a Unix socket.
func portOf(l net.Listener) int {
	if l == nil {
		return 0
	}
	if a, ok := l.Addr().(*net.TCPAddr); ok {
		return a.Port
	}
	return -1
}

// addresses is the content of addressFile.
type addresses struct {
	TCP        string `json:"tcp,omitempty"`
	HTTP       string `json:"http,omitempty"`
	HTTPS      string `json:"https,omitempty"`
	LookupTCP  string `json:"lookup_tcp,omitempty"`
	LookupHTTP string `json:"lookup_http,omitempty"`
	AdminHTTP  string `json:"admin_http,omitempty"`
	Gossip     string `json:"gossip,omitempty"`
	Cluster    string `json:"cluster,omitempty"`
}

func (l *listeners) addresses() addresses {
	return addresses{
		TCP: addressOf(l.tcp), HTTP: addressOf(l.http), HTTPS: addressOf(l.https),
		LookupTCP: addressOf(l.lookupTCP), LookupHTTP: addressOf(l.lookupHTTP), AdminHTTP: addressOf(l.admin),
	}
}

func addressOf(l net.Listener) string {
	if l == nil {
		return ""
	}
	return l.Addr().String()
}

// write puts the addresses into the data folder in one step, so that who finds the file finds all of it.
func (a addresses) write(folder string) error {
	b, err := json.Marshal(a)
	if err != nil {
		return err
	}
	file := filepath.Join(folder, addressFile)
	temp := file + "." + strconv.Itoa(os.Getpid()) + ".tmp"
	if err := os.WriteFile(temp, append(b, '\n'), 0o600); err != nil {
		return fmt.Errorf("write addresses: %w", err)
	}
	return os.Rename(temp, file)
}

func removeAddresses(folder string) error {
	err := os.Remove(filepath.Join(folder, addressFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
