package main

import (
	"encoding/json"
	"net"
	"net/http"
	"os"
	"path"
	"strconv"

	"github.com/nsqmesh/nsqmesh/admin"
	adminpages "github.com/nsqmesh/nsqmesh/admin/pages"
	"github.com/nsqmesh/nsqmesh/cmd/cli"
	"github.com/nsqmesh/nsqmesh/httpapi"
	"github.com/nsqmesh/nsqmesh/node/history"
)

// openUsers reads who may do what.
func (s *server) openUsers() (err error) {
	file := s.opts.AuthFile
	if file == "" {
		return nil
	}
	if info, err := os.Stat(file); err == nil && info.Mode().Perm()&0o077 != 0 {
		s.log.Warn("others on this host can read the file of users, which has the secret that signs sessions", "file", file)
	}
	s.parts.users, err = admin.OpenUsers(file)
	return err
}

// guard keeps an API of ours to those who have a token, if there is a file of users.
func (s *server) guard(api http.Handler) http.Handler {
	if s.parts.users == nil {
		return api
	}
	return admin.GuardAPI(api, s.parts.users, s.opts.AuthGuardAPI)
}

// proxy is who may say who the user is.
func (s *server) proxy() admin.Proxy {
	p := admin.Proxy{Header: s.opts.AuthProxyHeader}
	for _, text := range s.opts.AuthProxyFrom {
		if prefix, err := parsePrefix(text); err == nil { // as checked with the options
			p.From = append(p.From, prefix)
		}
	}
	return p
}

// newAdmin makes the admin side of the node, before the APIs that it asks.
func (s *server) newAdmin() error {
	if s.socks.admin == nil {
		return nil
	}
	a := admin.New(admin.Options{
		Name: s.name(), Address: net.JoinHostPort(s.opts.BroadcastAddress, strconv.Itoa(s.opts.BroadcastHTTPPort)),
		Version: cli.ProductVersion(), Cluster: s.opts.ClusterName,
		Nsqd: later{&s.parts.nsqdAPI}, Lookupd: later{&s.parts.lookupdAPI}, TLS: s.tls.outgoing,
		AuditFile: s.file("nsqmesh.audit"), BasePath: basePath(s.opts.AdminBasePath), ReadOnly: s.opts.AdminReadOnly,
		Users: s.parts.users, Proxy: s.proxy(), Log: s.log,
	})
	s.parts.admin = a
	s.parts.history = history.New(history.Options{Queues: s.parts.broker, Quantiles: s.opts.E2EPercentiles})
	s.life.run("history", s.parts.history.Run)
	s.life.onStop("admin", func() error {
		a.Close()
		return nil
	})
	return a.Load()
}

// startAdmin serves the admin pages and their API.
func (s *server) startAdmin() error {
	a := s.parts.admin
	if a == nil {
		return nil
	}
	ui, err := adminpages.New(adminpages.Options{
		Admin: a, BasePath: basePath(s.opts.AdminBasePath), Version: cli.ProductVersion(), Node: s.name(), Cluster: s.opts.ClusterName, Log: s.log,
	})
	if err != nil {
		return err
	}
	if s.tls.admin != nil {
		s.serveHTTPS("admin HTTPS", s.socks.admin, a.Handler(ui.Handler()), s.tls.admin)
	} else {
		s.serveHTTP("admin HTTP", s.socks.admin, a.Handler(ui.Handler()))
	}
	s.life.onStop("live pages", func() error {
		ui.Close()
		a.End()
		return nil
	})
	return nil
}

// later is an API that is made later.
type later struct{ api *http.Handler }

func (l later) ServeHTTP(w http.ResponseWriter, req *http.Request) { (*l.api).ServeHTTP(w, req) }

// past is what GET /history tells; nil while there are no admin pages.
func (s *server) past() httpapi.History {
	if s.parts.history == nil {
		return nil
	}
	return s.parts.history
}

// actions is what GET /audit tells; nil while there are no admin pages.
func (s *server) actions() func() (json.RawMessage, error) {
	if s.parts.admin == nil {
		return nil
	}
	return s.parts.admin.AuditJSON
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
	v := httpapi.Vitals{Product: cli.ProductVersion(), Connections: s.parts.tcp.Connections(), DiskFree: free, DiskTotal: total}
	if s.parts.history != nil {
		v.History = s.parts.history.Bytes()
	}
	return v
}
