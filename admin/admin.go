package admin

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net/http"
	"time"
)

const (
	// defaultPatience is how long a node is waited for.
	defaultPatience = 2 * time.Second
	// freshness is how old an answer may be that is given to somebody else.
	freshness = time.Second
)

// Options are what an Admin stands on.
type Options struct {
	Name    string       // of this node
	Address string       // of its HTTP API, as the registry shows it
	Version string       // of nsqmesh
	Cluster string       // name
	Nsqd    http.Handler // the own APIs, asked in process; they guard nothing here
	Lookupd http.Handler

	Patience time.Duration // with one node; 0 is 2 s
	TLS      *tls.Config   // to nodes that want HTTPS

	Thresholds Thresholds // of alerts; the zero value is that of the defaults

	BasePath  string // "" or "/nsq"
	AuditFile string // the log of actions; empty keeps it in memory alone

	ReadOnly bool   // nobody may change anything
	Users    *Users // who may do what; nil lets everybody do everything
	Proxy    Proxy  // who may say who the user is
	Log      *slog.Logger
}

// Admin answers for the whole mesh.
type Admin struct {
	o     Options
	own   struct{ nsqd, lookupd caller }
	http  *http.Client
	fleet *fleet
	views snapshots
	audit auditLog
	gate  *gate
	ended chan struct{} // closed when streams of events are to end
}

// New returns an Admin that has asked nobody yet.
func New(o Options) *Admin {
	if o.Patience <= 0 {
		o.Patience = defaultPatience
	}
	if o.Thresholds == (Thresholds{}) {
		o.Thresholds = defaultThresholds
	}
	a := &Admin{o: o, http: newClient(o.Patience, o.TLS), fleet: newFleet(o.Patience), gate: newGate(), ended: make(chan struct{})}
	a.audit = auditLog{file: o.AuditFile, log: o.Log}
	a.own.nsqd = caller{client: &http.Client{Transport: inProcess{o.Nsqd}}, base: "http://own"}
	a.own.lookupd = caller{client: &http.Client{Transport: inProcess{o.Lookupd}}, base: "http://own"}
	return a
}

// Load reads the files that an Admin stands on.
func (a *Admin) Load() error { return a.audit.load() }

// End ends streams of events, so that their server can stop. It is called once.
func (a *Admin) End() { close(a.ended) }

// Close gives back what keeps connections to other nodes.
func (a *Admin) Close() { a.http.CloseIdleConnections() }

// nsqd is the way to a member's HTTP API.
func (a *Admin) nsqd(m *member) caller {
	if m.Self {
		return a.own.nsqd
	}
	c := caller{client: a.http, base: "http://" + m.Address}
	if !m.Stock {
		c.token = a.token()
	}
	return c
}

// token is what this node shows others; nil is nothing.
func (a *Admin) token() func() string {
	if a.o.Users == nil {
		return nil
	}
	return a.o.Users.NodeToken
}

// within gives a caller's context the patience that one question has.
func (a *Admin) within(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, a.o.Patience)
}
