package pages

import (
	"html/template"
	"log/slog"
	"net/http"
	"time"

	"github.com/nsqmesh/nsqmesh/admin"
)

// Options are what the pages are made of.
type Options struct {
	Admin    *admin.Admin
	BasePath string // "" or "/nsq"
	Version  string
	Node     string // the name of the node that serves them
	Cluster  string
	Log      *slog.Logger
}

// Pages serves the admin UI.
type Pages struct {
	Options
	templates map[string]*template.Template
	assets    assets
	pace      time.Duration
	closing   chan struct{}
}

// New parses what is embedded.
func New(o Options) (*Pages, error) {
	p := &Pages{Options: o, pace: livePace, closing: make(chan struct{})}
	var err error
	if p.assets, err = newAssets(); err != nil {
		return nil, err
	}
	p.templates, err = parseTemplates(func(name string) string { return o.BasePath + p.assets.path(name) })
	return p, err
}

// Close ends the pages that are kept live.
func (p *Pages) Close() { close(p.closing) }

// contentPolicy lets a page load what this node serves and nothing else, and be framed by nobody.
const contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// guard sets the headers that every page has.
func guard(h http.Header) {
	h.Set("Content-Security-Policy", contentPolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	h.Set("Vary", "Accept, Cookie")
}

// frame is what stands around the body of every page.
type frame struct {
	Title, Here, Base, Back string
	Cluster, Node, Version  string
	Theme, NextTheme        string
	Token                   string // against forged requests
	User                    *user
	Open, ReadOnly          bool
	JSON                    string // the address of what this page shows
	Nav                     []link
	Missing                 []missing
	Asked                   int
	Took                    string
	Body                    any
}

type user struct{ Name, Role string }

type link struct{ Name, Path string }

// missing is a node of which this page has nothing.
type missing struct{ Node, Why string }

var navigation = []link{
	{"Overview", "/"}, {"Topics", "/topics"}, {"Nodes", "/nodes"}, {"Consumers", "/consumers"}, {"Mesh", "/mesh"},
	{"Lookup", "/lookup"}, {"Counter", "/counter"}, {"Audit", "/audit"},
}
