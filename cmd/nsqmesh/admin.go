package main

import (
	"net"
	"path"
	"strconv"

	"github.com/nsqmesh/nsqmesh/admin"
	"github.com/nsqmesh/nsqmesh/cmd/cli"
	"github.com/nsqmesh/nsqmesh/httpapi"
)

// startAdmin serves the admin pages and their API.
func (s *server) startAdmin() error {
	if s.socks.admin == nil {
		return nil
	}
	a := admin.New(admin.Options{
		Name: s.name(), Address: net.JoinHostPort(s.opts.BroadcastAddress, strconv.Itoa(s.opts.BroadcastHTTPPort)),
		Version: cli.ProductVersion(), Cluster: s.opts.ClusterName,
		Nsqd: s.parts.nsqdAPI, Lookupd: s.parts.lookupdAPI, TLS: s.tls.outgoing,
		BasePath: basePath(s.opts.AdminBasePath), ReadOnly: s.opts.AdminReadOnly, Log: s.log,
	})
	s.life.onStop("admin", func() error {
		a.Close()
		return nil
	})
	s.serveHTTP("admin HTTP", s.socks.admin, a.Handler(nil))
	return nil
}

// basePath is empty for the root, and else starts with a slash and ends without one.
func basePath(given string) string {
	clean := path.Clean("/" + given)
	if clean == "/" {
		return ""
	}
	return clean
}

// vitals is what GET /vitals tells of this node.
func (s *server) vitals() httpapi.Vitals {
	free, total := diskSpace(s.opts.DataPath)
	return httpapi.Vitals{Product: cli.ProductVersion(), Connections: s.parts.tcp.Connections(), DiskFree: free, DiskTotal: total}
}
