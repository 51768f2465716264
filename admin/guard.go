package admin

import (
	"context"
	"net/http"
	"strings"
	"time"
)

// identify finds out who asks, sends away who may not, and refuses what another site made a browser send.
func (a *Admin) identify(h http.Handler) http.Handler {
	guarded := http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		ctx, reason := a.recognize(req)
		switch {
		case reason != nil && a.isAPI(req.URL.Path):
			if reason == errUnauthorized {
				w.Header().Set("Www-Authenticate", `Bearer realm="nsqmesh"`)
			}
			writeError(w, reason)
		case reason == errForbidden && req.URL.Path != a.o.BasePath+"/login":
			http.Error(w, "This form is too old, or it is not from these pages. Go back, load the page again, and try once more.", http.StatusForbidden)
		case reason != nil && !a.forEverybody(req.URL.Path):
			a.redirect(w, a.loginPath("", a.local(req.URL.RequestURI())))
		default:
			h.ServeHTTP(w, req.WithContext(ctx))
		}
	})
	return http.NewCrossOriginProtection().Handler(guarded)
}

// forEverybody are the paths that are there before somebody has logged in.
func (a *Admin) forEverybody(path string) bool {
	path = strings.TrimPrefix(path, a.o.BasePath)
	return path == "/login" || path == "/logout" || path == "/ping" || strings.HasPrefix(path, "/assets/")
}

// recognize returns a context with the user, or why there is none. What a browser sends by itself, a session or a proxy's header, needs
// the token of a form with it to change something.
func (a *Admin) recognize(req *http.Request) (context.Context, *apiError) {
	ctx := req.Context()
	if a.o.Users == nil {
		return WithUser(ctx, a.limited(User{Role: Superior, From: req.RemoteAddr})), nil
	}
	if account, ok := a.o.Users.bearer(req); ok {
		return WithUser(ctx, a.limited(User{account.Name, account.Role, req.RemoteAddr})), nil
	}
	account, of, ok := a.browser(req)
	if !ok {
		return ctx, errUnauthorized
	}
	token := a.o.Users.formToken(of)
	if !reads(req.Method) && !equal(sentToken(req), token) {
		return ctx, errForbidden
	}
	ctx = context.WithValue(ctx, tokenKey{}, token)
	return WithUser(ctx, a.limited(User{account.Name, account.Role, req.RemoteAddr})), nil
}

// browser finds the user by what a browser or its proxy sends with every request, and what to bind forms to.
func (a *Admin) browser(req *http.Request) (account Account, of string, ok bool) {
	if name := a.o.Proxy.user(req); name != "" {
		account, ok = a.o.Users.find(name, false)
		return account, "proxy " + name, ok
	}
	c, err := req.Cookie(sessionCookie)
	if err != nil {
		return account, "", false
	}
	account, ok = a.o.Users.resume(c.Value, time.Now())
	return account, "session " + c.Value, ok
}

func (a *Admin) limited(u User) User {
	if a.o.ReadOnly {
		u.Role = min(u.Role, Viewer)
	}
	return u
}

func reads(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}

// sentToken reads the token of a form, or of a script.
func sentToken(req *http.Request) string {
	if t := req.Header.Get(tokenHeader); t != "" {
		return t
	}
	if !strings.HasPrefix(req.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		return ""
	}
	req.Body = http.MaxBytesReader(nil, req.Body, 2*mostAction)
	return req.PostFormValue(TokenField)
}

// needs says which role a call to the HTTP API of an nsqd or nsqlookupd needs; Nobody if it changes nothing and tells nothing that is private.
func needs(req *http.Request) Role {
	path := req.URL.Path
	switch {
	case strings.HasSuffix(path, "/peek"), path == "/audit", strings.HasPrefix(path, "/debug/"):
		return Operator
	case reads(req.Method):
		return Nobody
	case path == "/pub", path == "/mpub", strings.HasSuffix(path, "pause"), path == "/channel/requeue", path == "/client/disconnect":
		return Operator
	}
	return Superior
}

// private are those of ours that need a token wherever there is a file of users: a stock client does not know them.
func private(path string) bool {
	return strings.HasSuffix(path, "/peek") || path == "/audit" || path == "/channel/requeue" || path == "/channel/move" || path == "/client/disconnect"
}

// GuardAPI lets only those in whose token has the role for it. With all, that goes for all that changes something; else only for what a stock nsqd
// does not have. This node itself asks in process, which is not guarded.
func GuardAPI(h http.Handler, users *Users, all bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		role := needs(req)
		if role == Nobody || !all && !private(req.URL.Path) {
			h.ServeHTTP(w, req)
			return
		}
		account, known := users.bearer(req)
		switch {
		case !known:
			w.Header().Set("Www-Authenticate", `Bearer realm="nsqmesh"`)
			writeError(w, errUnauthorized)
		case account.Role < role:
			writeError(w, errForbidden)
		default:
			h.ServeHTTP(w, req)
		}
	})
}
