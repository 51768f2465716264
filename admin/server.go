package admin

import (
	"net/http"
	"strings"
)

// Handler serves the API and, around it, the pages, which get all other paths as they came. It guards both. A nil pages is none.
func (a *Admin) Handler(pages http.Handler) http.Handler {
	if pages == nil {
		pages = http.NotFoundHandler()
	}
	base := a.o.BasePath
	mux := http.NewServeMux()
	mux.Handle(base+"/", pages)
	mux.HandleFunc("GET "+base+"/ping", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("OK")) })
	for _, r := range a.routes() {
		mux.Handle(r.method+" "+base+r.path, a.answers(r))
	}
	mux.HandleFunc("GET "+base+apiBase+"/openapi.json", a.openAPI)
	if a.o.Users != nil {
		mux.HandleFunc("POST "+base+"/login", a.login)
		mux.HandleFunc("POST "+base+"/logout", a.logout)
	}
	mux.HandleFunc(base+"/api/", func(w http.ResponseWriter, _ *http.Request) { writeError(w, errUnknownPath) })
	return secure(a.identify(mux))
}

// Open reports whether nobody has to log in, which pages have to say.
func (a *Admin) Open() bool { return a.o.Users == nil }

// ReadOnly reports whether nobody may change anything.
func (a *Admin) ReadOnly() bool { return a.o.ReadOnly }

// secure sets the headers that every answer has. Pages may loosen the policy as far as they need.
func secure(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		head := w.Header()
		head.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'")
		head.Set("X-Content-Type-Options", "nosniff")
		head.Set("Referrer-Policy", "same-origin")
		h.ServeHTTP(w, req)
	})
}

// isAPI reports whether a path is one of programs.
func (a *Admin) isAPI(path string) bool { return strings.HasPrefix(path, a.o.BasePath+"/api/") }
