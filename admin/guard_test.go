package admin

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"
)

// guarded is an Admin whose users are anna (admin), bob (operator, by proxy) and a token of a viewer.
type guarded struct {
	h     http.Handler
	users *Users
	token string
}

func newGuarded(t *testing.T, adapt ...func(*Options)) *guarded {
	t.Helper()
	file := filepath.Join(t.TempDir(), "users")
	hash, err := bcrypt.GenerateFromPassword([]byte("secret12345"), bcrypt.MinCost) // the usual cost takes a test's time
	if err != nil {
		t.Fatal(err)
	}
	const token = "nsq_token-of-ci"
	if err := writeUsers(file, strings.Repeat("s", 40), []Account{
		{Name: "anna", Role: Superior, hash: string(hash)}, {Name: "bob", Role: Operator, hash: "-"},
		{Name: "ci", Role: Viewer, Token: true, hash: tokenHash(token)},
	}); err != nil {
		t.Fatal(err)
	}
	users, err := OpenUsers(file)
	if err != nil {
		t.Fatal(err)
	}
	nobody := http.NotFoundHandler()
	o := Options{
		Nsqd: nobody, Lookupd: nobody, BasePath: "/nsq", Users: users, Log: slog.New(slog.DiscardHandler),
		Proxy: Proxy{Header: "X-User", From: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}},
	}
	for _, f := range adapt {
		f(&o)
	}
	pages := http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		u := UserOf(req.Context())
		_, _ = w.Write([]byte(u.Name + " " + u.Role.String() + " " + FormToken(req.Context())))
	})
	return &guarded{New(o).Handler(pages), users, token}
}

func (g *guarded) ask(method, path, body string, set ...func(*http.Request)) *httptest.ResponseRecorder {
	req := httptest.NewRequest(method, "http://admin.example"+path, strings.NewReader(body))
	if body != "" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, f := range set {
		f(req)
	}
	w := httptest.NewRecorder()
	g.h.ServeHTTP(w, req)
	return w
}

func header(key, value string) func(*http.Request) {
	return func(req *http.Request) { req.Header.Add(key, value) }
}

func from(address string) func(*http.Request) {
	return func(req *http.Request) { req.RemoteAddr = address }
}

func (g *guarded) session(t *testing.T) func(*http.Request) {
	t.Helper()
	w := g.ask("POST", "/nsq/login", "user=anna&password=secret12345&next=/nsq/topics")
	cookies := w.Result().Cookies()
	if w.Header().Get("Location") != "/nsq/topics" || len(cookies) != 1 {
		t.Fatalf("logging in led to %d %v", w.Code, w.Header())
	}
	if c := cookies[0]; !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/nsq/" || c.Secure {
		t.Errorf("the cookie is %v", c)
	}
	return func(req *http.Request) { req.AddCookie(cookies[0]) }
}

func TestWhoGetsIn(t *testing.T) {
	g := newGuarded(t)
	session := g.session(t)
	for name, c := range map[string]struct {
		path string
		set  []func(*http.Request)
		code int
		says string
	}{
		"nobody sees a page":                {"/nsq/topics?q=a", nil, 303, ""},
		"nobody sees the API":               {"/nsq/api/v1/overview", nil, 401, `{"message":"UNAUTHORIZED"}`},
		"everybody sees the log-in page":    {"/nsq/login", nil, 200, " nobody "},
		"everybody sees assets":             {"/nsq/assets/x.css", nil, 200, " nobody "},
		"no asset is a way around":          {"/nsq/assets/../topics", nil, 307, ""},
		"everybody sees ping":               {"/nsq/ping", nil, 200, "OK"},
		"a session is its user":             {"/nsq/topics", []func(*http.Request){session}, 200, "anna admin "},
		"a forged session is nobody's":      {"/nsq/topics", []func(*http.Request){header("Cookie", sessionCookie+"=YW5uYXw5OTk5OTk5OTk5fHg")}, 303, ""},
		"a token is its role":               {"/nsq/topics", []func(*http.Request){header("Authorization", "Bearer "+g.token)}, 200, "ci viewer "},
		"a wrong token is nobody's":         {"/nsq/api/v1/overview", []func(*http.Request){header("Authorization", "Bearer nsq_x")}, 401, `{"message":"UNAUTHORIZED"}`},
		"a node is let in":                  {"/nsq/topics", []func(*http.Request){header("Authorization", "Bearer "+g.users.NodeToken())}, 200, "a node admin "},
		"a proxy names the user":            {"/nsq/topics", []func(*http.Request){header("X-User", "bob"), from("10.1.2.3:4")}, 200, "bob operator "},
		"a proxy cannot make users":         {"/nsq/topics", []func(*http.Request){header("X-User", "eve"), from("10.1.2.3:4")}, 303, ""},
		"a stranger cannot name the user":   {"/nsq/topics", []func(*http.Request){header("X-User", "bob"), from("11.1.2.3:4")}, 303, ""},
		"two names are none":                {"/nsq/topics", []func(*http.Request){header("X-User", "bob"), header("X-User", "anna"), from("10.1.2.3:4")}, 303, ""},
		"a proxy as IPv4 within IPv6 is it": {"/nsq/topics", []func(*http.Request){header("X-User", "bob"), from("[::ffff:10.1.2.3]:4")}, 200, "bob operator "},
	} {
		t.Run(name, func(t *testing.T) {
			w := g.ask("GET", c.path, "", c.set...)
			if w.Code != c.code || !strings.HasPrefix(w.Body.String(), c.says) {
				t.Errorf("answered %d %s", w.Code, w.Body)
			}
			if w.Code == 303 && !strings.HasPrefix(w.Header().Get("Location"), "/nsq/login") {
				t.Errorf("led to %s", w.Header().Get("Location"))
			}
			if policy := w.Header().Get("Content-Security-Policy"); w.Code == 200 && !strings.Contains(policy, "default-src 'none'") {
				t.Errorf("the policy is %q", policy)
			}
		})
	}
}

func TestFormsOfOthersAreRefused(t *testing.T) {
	g := newGuarded(t)
	session := g.session(t)
	token := strings.Fields(g.ask("GET", "/nsq/topics", "", session).Body.String())[2]
	proxied := []func(*http.Request){header("X-User", "bob"), from("10.1.2.3:4")}
	for name, c := range map[string]struct {
		body string
		set  []func(*http.Request)
		code int
	}{
		"a form with its token":                 {TokenField + "=" + token, []func(*http.Request){session}, 200},
		"a script with its token":               {"", []func(*http.Request){session, header("X-Csrf-Token", token)}, 200},
		"a form without a token":                {"a=b", []func(*http.Request){session}, 403},
		"a form with another's token":           {TokenField + "=" + token, proxied, 403},
		"a form from another site":              {TokenField + "=" + token, []func(*http.Request){session, header("Sec-Fetch-Site", "cross-site")}, 403},
		"a form from another origin":            {TokenField + "=" + token, []func(*http.Request){session, header("Origin", "http://evil.example")}, 403},
		"a program with a token of its own":     {"a=b", []func(*http.Request){header("Authorization", "Bearer "+g.token)}, 200},
		"a proxy's user without a form's token": {"a=b", proxied, 403},
	} {
		t.Run(name, func(t *testing.T) {
			if w := g.ask("POST", "/nsq/actions/pause", c.body, c.set...); w.Code != c.code {
				t.Errorf("answered %d %s, want %d", w.Code, w.Body, c.code)
			}
		})
	}
}

func TestLogIn(t *testing.T) {
	for name, c := range map[string]struct{ form, location string }{
		"a wrong password is said":        {"user=anna&password=no", "/nsq/login?failed=1"},
		"nobody has no password":          {"user=eve&password=no", "/nsq/login?failed=1"},
		"a proxy's user has none either":  {"user=bob&password=-", "/nsq/login?failed=1"},
		"next leads back":                 {"user=anna&password=secret12345&next=/nsq/nodes", "/nsq/nodes"},
		"next leads nowhere else":         {"user=anna&password=secret12345&next=//evil.example/nsq/", "/nsq/"},
		"nor by another spelling":         {"user=anna&password=secret12345&next=/\\evil.example", "/nsq/"},
		"next survives a wrong password":  {"user=anna&password=no&next=/nsq/nodes", "/nsq/login?failed=1&next=%2Fnsq%2Fnodes"},
		"a first page needs no next":      {"user=anna&password=secret12345", "/nsq/"},
		"an address is not a place to go": {"user=anna&password=secret12345&next=http://evil.example", "/nsq/"},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGuarded(t)
			if w := g.ask("POST", "/nsq/login", c.form); w.Code != 303 || w.Header().Get("Location") != c.location {
				t.Errorf("led to %d %s, want %s", w.Code, w.Header().Get("Location"), c.location)
			}
		})
	}
}

func TestGuessingIsSlow(t *testing.T) {
	g := newGuarded(t)
	for range loginTries {
		g.ask("POST", "/nsq/login", "user=anna&password=no")
	}
	if w := g.ask("POST", "/nsq/login", "user=anna&password=secret12345"); w.Header().Get("Location") != "/nsq/login?failed=later" {
		t.Errorf("after %d tries one more leads to %s", loginTries, w.Header().Get("Location"))
	}
	if w := g.ask("POST", "/nsq/login", "user=anna&password=secret12345", from("10.9.9.9:1")); w.Header().Get("Location") != "/nsq/" {
		t.Errorf("from elsewhere the right password leads to %s", w.Header().Get("Location"))
	}
}

func TestGate(t *testing.T) {
	now := time.Now()
	g := newGate()
	for range nameTries {
		if !g.open(now, "name a") {
			t.Fatal("closed too soon")
		}
		g.note(now, false, "name a")
	}
	if g.open(now, "name a", "from b") || !g.open(now, "from b") || !g.open(now.Add(loginPause), "name a") {
		t.Error("a gate is closed for who failed, and for a while")
	}
	for i := range 3 * loginMemory {
		g.note(now, false, "from "+time.Duration(i).String())
	}
	if len(g.failed) > loginMemory {
		t.Errorf("%d failures are remembered", len(g.failed))
	}
}

func TestSessionsEnd(t *testing.T) {
	g := newGuarded(t)
	anna, _ := g.users.find("anna", false)
	now := time.Now()
	value := g.users.session(anna, now.Add(time.Hour))
	if _, ok := g.users.resume(value, now.Add(2*time.Hour)); ok {
		t.Error("a session has no end")
	}
	if a, ok := g.users.resume(value, now); !ok || a.Name != "anna" {
		t.Error("a session is not known again")
	}
	if err := AddUser(g.users.file, "anna", Viewer, "another-password"); err != nil {
		t.Fatal(err)
	}
	g.users.changed, g.users.read = time.Time{}, time.Time{}
	if _, ok := g.users.resume(value, now); ok {
		t.Error("a session outlives the password")
	}
	if err := Remove(g.users.file, "anna"); err != nil {
		t.Fatal(err)
	}
	if err := Remove(g.users.file, "anna"); err != ErrNoUser {
		t.Errorf("removing nobody is %v", err)
	}
}

func TestReadOnlyLowersEverybody(t *testing.T) {
	g := newGuarded(t, func(o *Options) { o.ReadOnly = true })
	session := g.session(t)
	if says := g.ask("GET", "/nsq/", "", session).Body.String(); !strings.HasPrefix(says, "anna viewer") {
		t.Errorf("anna is %s", says)
	}
	g = newGuarded(t, func(o *Options) { o.Users = nil })
	if says := g.ask("GET", "/nsq/", "").Body.String(); says != " admin " {
		t.Errorf("without users everybody is %q", says)
	}
}

func TestGuardedAPI(t *testing.T) {
	g := newGuarded(t)
	operator, err := AddToken(g.users.file, "op", Operator)
	if err != nil {
		t.Fatal(err)
	}
	g.users.changed, g.users.read = time.Time{}, time.Time{}
	reached := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	for _, c := range []struct {
		method, path, token string
		all                 bool
		code                int
	}{
		{"GET", "/stats", "", true, 418},
		{"GET", "/lookup?topic=t", "", true, 418},
		{"POST", "/pub?topic=t", "", true, 401},
		{"POST", "/pub?topic=t", g.token, true, 403},
		{"POST", "/pub?topic=t", operator, true, 418},
		{"POST", "/pub?topic=t", "", false, 418},
		{"POST", "/channel/pause", operator, true, 418},
		{"POST", "/topic/unpause", operator, true, 418},
		{"POST", "/topic/delete", operator, true, 403},
		{"POST", "/topic/delete", g.users.NodeToken(), true, 418},
		{"PUT", "/config/log_level", operator, true, 403},
		{"GET", "/channel/peek", "", false, 401},
		{"GET", "/channel/peek", operator, false, 418},
		{"GET", "/audit", g.token, false, 403},
		{"POST", "/client/disconnect", "", false, 401},
		{"POST", "/channel/move", operator, false, 403},
		{"GET", "/debug/pprof/", "", true, 401},
		{"GET", "/debug/pprof/", "", false, 418},
	} {
		req := httptest.NewRequest(c.method, c.path, nil)
		if c.token != "" {
			req.Header.Set("Authorization", "Bearer "+c.token)
		}
		w := httptest.NewRecorder()
		GuardAPI(reached, g.users, c.all).ServeHTTP(w, req)
		if w.Code != c.code {
			t.Errorf("%s %s with %q, all %v: %d, want %d", c.method, c.path, c.token, c.all, w.Code, c.code)
		}
	}
}

func TestUsersFile(t *testing.T) {
	secret := "secret " + strings.Repeat("x", 32) + "\n"
	for name, c := range map[string]struct{ text, fault string }{
		"a file with all":     {"# c\n\n" + secret + "user a viewer -\ntoken a admin x\n", ""},
		"no secret":           {"user a viewer -\n", "no secret"},
		"a short secret":      {"secret x\n", "line 1"},
		"an unknown role":     {secret + "user a root -\n", "line 2: a role is"},
		"a line of few words": {secret + "user a\n", "line 2: neither"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := parseUsers([]byte(c.text))
			if (err == nil) != (c.fault == "") || err != nil && !strings.Contains(err.Error(), c.fault) {
				t.Errorf("it is read with %v", err)
			}
		})
	}
	file := filepath.Join(t.TempDir(), "users")
	for _, err := range []error{AddUser(file, "a b", Viewer, "long enough"), AddUser(file, "", Viewer, ""), AddUser(file, url.PathEscape("a|b"), Viewer, "")} {
		if err != ErrBadName {
			t.Errorf("a bad name is %v", err)
		}
	}
	if err := AddUser(file, "a", Viewer, "short"); err != ErrWeak {
		t.Errorf("a short password is %v", err)
	}
}
