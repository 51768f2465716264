package admin

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	loginTries  = 5  // in a row from an address
	nameTries   = 50 // for a name, more, so that nobody can lock out somebody else easily
	loginPause  = time.Minute
	loginMemory = 10_000 // names and addresses
	loginBody   = 16 << 10
)

// gate slows down who guesses passwords.
type gate struct {
	mu     sync.Mutex
	failed map[string]*failures
	busy   chan struct{} // comparing a password is work: so many at a time
}

type failures struct {
	count int
	last  time.Time
}

func newGate() *gate { return &gate{failed: map[string]*failures{}, busy: make(chan struct{}, 2)} }

// open reports whether one more try is allowed to all of keys.
func (g *gate) open(now time.Time, keys ...string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, k := range keys {
		if f := g.failed[k]; f != nil && f.count >= tries(k) && now.Sub(f.last) < loginPause {
			return false
		}
	}
	return true
}

func tries(key string) int {
	if strings.HasPrefix(key, "name ") {
		return nameTries
	}
	return loginTries
}

// note remembers how a try ended. With too many to remember, the gate forgets what is old and, if that does not help, all.
func (g *gate) note(now time.Time, ok bool, keys ...string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, k := range keys {
		f := g.failed[k]
		switch {
		case ok:
			delete(g.failed, k)
		case f == nil || now.Sub(f.last) >= loginPause:
			g.failed[k] = &failures{1, now}
		default:
			f.count++
			f.last = now
		}
	}
	if len(g.failed) <= loginMemory {
		return
	}
	for k, f := range g.failed {
		if now.Sub(f.last) >= loginPause {
			delete(g.failed, k)
		}
	}
	if len(g.failed) > loginMemory {
		clear(g.failed)
	}
}

// login takes a form with user, password and next, the path to go on to.
func (a *Admin) login(w http.ResponseWriter, req *http.Request) {
	req.Body = http.MaxBytesReader(w, req.Body, loginBody)
	name, password, next := req.PostFormValue("user"), req.PostFormValue("password"), a.local(req.PostFormValue("next"))
	keys := []string{"name " + name, "from " + remoteIP(req)}
	if !a.gate.open(time.Now(), keys...) {
		a.o.Log.Warn("too many tries to log in", "user", name, "from", req.RemoteAddr)
		a.redirect(w, a.loginPath("later", next))
		return
	}
	a.gate.busy <- struct{}{}
	account, ok := a.o.Users.password(name, password)
	<-a.gate.busy
	a.gate.note(time.Now(), ok, keys...)
	if !ok {
		a.o.Log.Warn("somebody could not log in", "user", name, "from", req.RemoteAddr)
		a.redirect(w, a.loginPath("1", next))
		return
	}
	a.o.Log.Info("logged in", "user", name, "from", req.RemoteAddr)
	http.SetCookie(w, a.cookie(a.o.Users.session(account, time.Now().Add(sessionLife)), sessionLife, a.encrypted(req)))
	a.redirect(w, next)
}

func (a *Admin) logout(w http.ResponseWriter, req *http.Request) {
	http.SetCookie(w, a.cookie("", 0, a.encrypted(req)))
	a.redirect(w, a.loginPath("", ""))
}

// encrypted reports whether the browser came by HTTPS, if only to a proxy.
func (a *Admin) encrypted(req *http.Request) bool {
	return req.TLS != nil || a.o.Proxy.trusts(req) && req.Header.Get("X-Forwarded-Proto") == "https"
}

func (a *Admin) redirect(w http.ResponseWriter, to string) {
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
}

// loginPath leads to the page for logging in, which tells what failed: "1" is the password, "later" that it was tried too often.
func (a *Admin) loginPath(failed, next string) string {
	q := url.Values{}
	if failed != "" {
		q.Set("failed", failed)
	}
	if next != "" && next != a.o.BasePath+"/" {
		q.Set("next", next)
	}
	if len(q) == 0 {
		return a.o.BasePath + "/login"
	}
	return a.o.BasePath + "/login?" + q.Encode()
}

// local is a path of these pages, whatever somebody put into a link.
func (a *Admin) local(next string) string {
	home := a.o.BasePath + "/"
	if !strings.HasPrefix(next, home) || strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n") {
		return home
	}
	return next
}

// remoteIP is the address of the request without its port.
func remoteIP(req *http.Request) string {
	host, _, err := net.SplitHostPort(req.RemoteAddr)
	if err != nil {
		return req.RemoteAddr
	}
	return host
}

// Proxy says which header names the user, and who is believed.
type Proxy struct {
	Header string
	From   []netip.Prefix
}

// trusts reports whether a request comes from a proxy.
func (p Proxy) trusts(req *http.Request) bool {
	address, err := netip.ParseAddr(remoteIP(req))
	return err == nil && slices.ContainsFunc(p.From, func(n netip.Prefix) bool { return n.Contains(address.Unmap()) })
}

// user returns the name that a trusted proxy gives. Of a header that comes more than once, nothing is believed.
func (p Proxy) user(req *http.Request) string {
	if p.Header == "" || !p.trusts(req) {
		return ""
	}
	if values := req.Header.Values(p.Header); len(values) == 1 {
		return values[0]
	}
	return ""
}
