package pages

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/nsqmesh/nsqmesh/admin"
)

// visit is one request for a page: what is asked for, and the frame that is filled for it.
type visit struct {
	*frame
	req   *http.Request
	begin time.Time
}

// drawer fills the body of a page.
type drawer func(*visit) error

// errGone answers a page of a thing that nobody has heard of.
var errGone = errors.New("there is no such thing")

func (v *visit) ctx() context.Context { return v.req.Context() }

// asked is a parameter of the address or of the form.
func (v *visit) asked(name string) string { return v.req.FormValue(name) }

// covered notes which nodes are missing from the page. A node that is missing twice is told once.
func (v *visit) covered(c admin.Coverage) {
	v.Asked = max(v.Asked, c.Asked)
	for _, m := range c.Missing {
		told := missing{m.Node, m.Reason}
		if !slices.ContainsFunc(v.Missing, func(had missing) bool { return had.Node == m.Node }) {
			v.Missing = append(v.Missing, told)
		}
	}
}

// may reports whether the reader may do such a thing, so that only what is possible is offered.
func (v *visit) may(k admin.Kind) bool { return admin.UserOf(v.ctx()).May(k) }

func (v *visit) list(byDefault string) *list { return readList(v.req.URL, byDefault) }

// visit starts a page for a request.
func (p *Pages) visit(req *http.Request) *visit {
	f := &frame{
		Base: p.BasePath, Back: req.URL.RequestURI(), Cluster: p.Cluster, Node: p.Node, Version: p.Version,
		Theme: theme(req), Nav: navigation, Token: admin.FormToken(req.Context()),
	}
	if req.Method != http.MethodGet {
		f.Back = p.BasePath + "/"
	}
	f.NextTheme = map[string]string{"": "dark", "dark": "light", "light": "auto"}[f.Theme]
	if u := admin.UserOf(req.Context()); u.Name != "" {
		f.User = &user{u.Name, u.Role.String()}
	}
	f.Open, f.ReadOnly = p.Admin.Open(), p.Admin.ReadOnly()
	return &visit{frame: f, req: req, begin: time.Now()}
}

// page serves what draw fills, by its template, to a browser once or to a stream again and again.
func (p *Pages) page(name, here string, draw drawer) http.HandlerFunc {
	once := func(req *http.Request) (*visit, []byte, error) {
		v := p.visit(req)
		v.Here = here
		if err := draw(v); err != nil {
			return v, nil, err
		}
		v.Took = fmt.Sprintf("%d ms", time.Since(v.begin).Milliseconds())
		page, err := p.render(name, v.frame)
		return v, page, err
	}
	return func(w http.ResponseWriter, req *http.Request) {
		guard(w.Header())
		if wantsLive(req) {
			p.stream(w, req, func() ([]byte, error) {
				_, page, err := once(req)
				return page, err
			})
			return
		}
		v, page, err := once(req)
		if err != nil {
			p.fail(w, v, err)
			return
		}
		p.send(w, http.StatusOK, page)
	}
}

func (p *Pages) send(w http.ResponseWriter, status int, page []byte) {
	guard(w.Header())
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(page)
}

// problem is a page that says why there is no page.
type problem struct{ Title, Text, Back, BackWord string }

func (p *Pages) fail(w http.ResponseWriter, v *visit, err error) {
	status, body := http.StatusBadGateway, problem{"This page cannot be shown", err.Error(), p.BasePath + "/", "To the overview"}
	switch {
	case errors.Is(err, errGone):
		status, body.Title = http.StatusNotFound, "There is no such page"
		body.Text = strings.TrimSuffix(err.Error(), ": "+errGone.Error())
	case errors.Is(err, admin.ErrForbidden):
		status, body.Title, body.Text = http.StatusForbidden, "Not allowed", "Your role does not allow to see this."
	case errors.Is(err, context.Canceled):
		return // nobody is there to read it
	default:
		p.Log.Warn("a page cannot be shown", "path", v.req.URL.Path, "error", err)
	}
	p.say(w, v, status, "error", body.Title, body)
}

// say sends a page that is no answer to a question about the mesh.
func (p *Pages) say(w http.ResponseWriter, v *visit, status int, name, title string, body any) {
	v.Title, v.Body = title, body
	page, err := p.render(name, v.frame)
	if err != nil {
		p.Log.Error("a page cannot be drawn", "page", name, "error", err)
		http.Error(w, "the page cannot be drawn", http.StatusInternalServerError)
		return
	}
	p.send(w, status, page)
}

const themeCookie = "nsqmesh-theme"

// theme is what the reader chose; empty is as the system has it.
func theme(req *http.Request) string {
	if c, err := req.Cookie(themeCookie); err == nil && (c.Value == "dark" || c.Value == "light") {
		return c.Value
	}
	return ""
}

func (p *Pages) setTheme(w http.ResponseWriter, req *http.Request) {
	cookie := &http.Cookie{
		Name: themeCookie, Value: req.FormValue("theme"), Path: p.BasePath + "/", MaxAge: 365 * 24 * 3600,
		HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
	if cookie.Value != "dark" && cookie.Value != "light" {
		cookie.MaxAge = -1
	}
	http.SetCookie(w, cookie)
	http.Redirect(w, req, p.local(req.FormValue("back")), http.StatusSeeOther)
}

// local is an address of ours, whatever a form says.
func (p *Pages) local(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host != "" || u.Scheme != "" || !strings.HasPrefix(u.Path, p.BasePath+"/") || strings.HasPrefix(address, "//") || strings.Contains(address, `\`) {
		return p.BasePath + "/"
	}
	return address
}
