package nsqd

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

const grantAll = `{"ttl":60,"identity":"ops","identity_url":"http://x/ops","authorizations":[` +
	`{"topic":".*","permissions":["publish","subscribe"],"channels":[".*"]}]}`

// authServer answers every request with status and body, and remembers the last request and how many there were.
type authServer struct {
	*httptest.Server
	status int
	body   string

	asked   int
	request *http.Request
	payload string
}

func (s *authServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	payload, _ := io.ReadAll(r.Body)
	s.asked, s.request, s.payload = s.asked+1, r, string(payload)
	w.WriteHeader(s.status)
	_, _ = io.WriteString(w, s.body)
}

func newAuthServer(t *testing.T, status int, body string) *authServer {
	s := &authServer{status: status, body: body}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *authServer) addr() string { return strings.TrimPrefix(s.URL, "http://") }

func askWith(t *testing.T, o AuthOptions) *AuthServers {
	o.ConnectTimeout, o.RequestTimeout, o.Log = time.Second, 5*time.Second, slog.New(slog.DiscardHandler)
	s := NewAuthServers(o)
	t.Cleanup(s.client.CloseIdleConnections)
	return s
}

var query = AuthQuery{RemoteIP: "192.0.2.7", TLS: true, CommonName: "c n", Secret: "a&b=c/d"}

func TestAuthQueryByGet(t *testing.T) {
	server := newAuthServer(t, 200, grantAll)
	a, err := askWith(t, AuthOptions{Addresses: []string{server.addr()}}).Query(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	if a.Identity != "ops" || a.IdentityURL != "http://x/ops" || a.Count() != 1 {
		t.Errorf("got %+v", a)
	}
	want := "GET /auth?common_name=c+n&remote_ip=192.0.2.7&secret=a%26b%3Dc%2Fd&tls=true"
	if got := server.request.Method + " " + server.request.RequestURI; got != want {
		t.Errorf("asked %s, want %s", got, want)
	}
	if got := server.request.Header.Get("Accept"); got != "application/vnd.nsq; version=1.0" {
		t.Errorf("Accept: %s", got)
	}
}

func TestAuthQueryByPost(t *testing.T) {
	server := newAuthServer(t, 200, grantAll)
	servers := askWith(t, AuthOptions{Addresses: []string{server.URL + "/v1/check"}, Post: true})
	if _, err := servers.Query(t.Context(), AuthQuery{RemoteIP: "192.0.2.7", Secret: "hush"}); err != nil {
		t.Fatal(err)
	}
	if got := server.request.Method + " " + server.request.RequestURI; got != "POST /v1/check" {
		t.Errorf("asked %s", got)
	}
	if got := server.request.Header.Get("Content-Type"); got != "application/json" {
		t.Errorf("Content-Type: %s", got)
	}
	want := `{"common_name":[""],"remote_ip":["192.0.2.7"],"secret":["hush"],"tls":["false"]}`
	if server.payload != want {
		t.Errorf("sent %s, want %s", server.payload, want)
	}
}

func TestAuthURLWithQueryGetsASecondQuestionMark(t *testing.T) {
	server := newAuthServer(t, 200, grantAll)
	servers := askWith(t, AuthOptions{Addresses: []string{server.URL + "/x?site=1"}})
	if _, err := servers.Query(t.Context(), AuthQuery{}); err != nil {
		t.Fatal(err)
	}
	if want := "/x?site=1?common_name=&remote_ip=&secret=&tls=false"; server.request.RequestURI != want {
		t.Errorf("asked %s, want %s", server.request.RequestURI, want)
	}
}

func TestAuthServersStandInForEachOther(t *testing.T) {
	dead, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dead.Close()
	broken, good := newAuthServer(t, 500, "{}"), newAuthServer(t, 200, grantAll)
	servers := askWith(t, AuthOptions{Addresses: []string{dead.Addr().String(), broken.addr(), good.addr()}})
	const queries = 40
	for range queries {
		if _, err := servers.Query(t.Context(), query); err != nil {
			t.Fatal(err)
		}
	}
	if good.asked != queries || broken.asked == 0 || broken.asked == queries {
		t.Errorf("good server asked %d, broken one %d of %d times: the start is not random", good.asked, broken.asked, queries)
	}
}

func TestAuthFailureKeepsTheSecret(t *testing.T) {
	broken := newAuthServer(t, 500, "{}")
	servers := askWith(t, AuthOptions{Addresses: []string{broken.addr(), "127.0.0.1:1", "http://bad host"}})
	_, err := servers.Query(t.Context(), AuthQuery{Secret: "hush-hush"})
	if err == nil {
		t.Fatal("no error")
	}
	if strings.Contains(err.Error(), "hush") {
		t.Errorf("secret in %q", err)
	}
	for _, part := range []string{"got status 500", "127.0.0.1:1", "bad host"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not mention %q", err, part)
		}
	}
}

func TestAuthEndsWithItsContext(t *testing.T) {
	server := newAuthServer(t, 200, grantAll)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := askWith(t, AuthOptions{Addresses: []string{server.addr()}}).Query(ctx, query); err == nil {
		t.Error("no error")
	}
	if _, err := askWith(t, AuthOptions{}).Query(t.Context(), query); err == nil {
		t.Error("no error without servers")
	}
}

func TestAuthFollowsToHTTPS(t *testing.T) {
	secure := &authServer{status: 200, body: grantAll}
	secure.Server = httptest.NewTLSServer(secure)
	t.Cleanup(secure.Close)
	secure.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)
	port := secure.Listener.Addr().(*net.TCPAddr).Port
	plain := newAuthServer(t, 403, fmt.Sprintf(`{"message": "TLS_REQUIRED", "https_port": %d}`, port))
	roots := x509.NewCertPool()
	roots.AddCert(secure.Certificate())

	for _, post := range []bool{false, true} {
		servers := askWith(t, AuthOptions{Addresses: []string{plain.URL + "/p"}, Post: post, TLS: &tls.Config{RootCAs: roots}})
		if _, err := servers.Query(t.Context(), query); err != nil {
			t.Fatal(err)
		}
		if got := secure.request; got.URL.Path != "/p" || got.Method != plain.request.Method || got.RequestURI != plain.request.RequestURI {
			t.Errorf("asked %s %s over HTTPS", got.Method, got.RequestURI)
		}
		if secure.payload != plain.payload {
			t.Errorf("sent %s over HTTPS, %s before", secure.payload, plain.payload)
		}
	}
	if _, err := askWith(t, AuthOptions{Addresses: []string{plain.addr()}}).Query(t.Context(), query); err == nil {
		t.Error("trusted an unknown authority")
	}
	plain.body = `{"https_port":0}`
	if _, err := askWith(t, AuthOptions{Addresses: []string{plain.addr()}}).Query(t.Context(), query); err == nil {
		t.Error("403 without a port was accepted")
	}
}

func TestAuthAnswers(t *testing.T) {
	entry := func(topic, permissions, channels string) string {
		return fmt.Sprintf(`{"ttl":5,"authorizations":[{"topic":%q,"permissions":[%s],"channels":[%s]}]}`, topic, permissions, channels)
	}
	tests := map[string]struct {
		body  string
		valid bool
	}{
		"nothing granted is valid":              {`{"ttl":5,"authorizations":[]}`, true},
		"no list is valid":                      {`{"ttl":5}`, true},
		"a huge ttl is valid":                   {`{"ttl":9223372036854775807}`, true},
		"no permission is valid":                {entry("t", ``, `".*"`), true},
		"not JSON":                              {`hello`, false},
		"empty body":                            {``, false},
		"no ttl":                                {`{"authorizations":[]}`, false},
		"negative ttl":                          {`{"ttl":-1}`, false},
		"a fraction for ttl":                    {`{"ttl":1.5}`, false},
		"unknown permission":                    {entry("t", `"publish","delete"`, `".*"`), false},
		"permission in another case":            {entry("t", `"Publish"`, `".*"`), false},
		"topic pattern that does not compile":   {entry("t(", `"publish"`, `".*"`), false},
		"channel pattern that does not compile": {entry("t", `"publish"`, `".*","c["`), false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			a, err := parseAuthorization([]byte(test.body), time.Now())
			if (err == nil) != test.valid {
				t.Fatalf("error %v", err)
			}
			if test.valid && a.Expired(time.Now()) {
				t.Error("expired at once")
			}
		})
	}
}

func TestAuthorizationExpires(t *testing.T) {
	now := time.Now()
	a, err := parseAuthorization([]byte(grantAll), now)
	if err != nil {
		t.Fatal(err)
	}
	if a.Expired(now.Add(60*time.Second-1)) || !a.Expired(now.Add(60*time.Second)) {
		t.Error("does not live for exactly its ttl")
	}
}

func TestAuthorizationGrants(t *testing.T) {
	tests := map[string]struct {
		topic              string
		permissions        []string
		channels           []string
		publish, subscribe bool // to topic "pay_in", channel "c"
	}{
		"all":                              {".*", []string{"publish", "subscribe"}, []string{".*"}, true, true},
		"patterns are searched":            {"pay", []string{"publish", "subscribe"}, []string{"", "x"}, true, true},
		"another topic":                    {"^in$", []string{"publish", "subscribe"}, []string{".*"}, false, false},
		"publish only":                     {"pay", []string{"publish"}, []string{".*"}, true, false},
		"subscribe only":                   {"pay", []string{"subscribe"}, []string{".*"}, false, true},
		"definite channels forbid publish": {"pay", []string{"publish", "subscribe"}, []string{"^c$"}, false, true},
		"other channels":                   {"pay", []string{"publish", "subscribe"}, []string{"^d$"}, false, false},
		"the last channel pattern counts":  {"pay", []string{"publish", "subscribe"}, []string{"^d$", ".*"}, true, true},
		"no channels forbid everything":    {"pay", []string{"publish", "subscribe"}, nil, false, false},
		"no permissions forbid everything": {"pay", nil, []string{".*"}, false, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			body, err := json.Marshal(authAnswer{TTL: 1, Authorizations: []authEntry{
				{Topic: "never", Permissions: []string{"publish"}, Channels: []string{".*"}},
				{Topic: test.topic, Permissions: test.permissions, Channels: test.channels},
			}})
			if err != nil {
				t.Fatal(err)
			}
			a, err := parseAuthorization(body, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			if a.Count() != 2 {
				t.Errorf("Count() = %d", a.Count())
			}
			if got := a.MayPublish("pay_in"); got != test.publish {
				t.Errorf("MayPublish = %t", got)
			}
			if got := a.MaySubscribe("pay_in", "c"); got != test.subscribe {
				t.Errorf("MaySubscribe = %t", got)
			}
		})
	}
}

func FuzzParseAuthorization(f *testing.F) {
	f.Add([]byte(grantAll))
	f.Add([]byte(`{"ttl":1,"authorizations":[{"topic":"("}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		a, err := parseAuthorization(body, time.Now())
		if err != nil {
			return
		}
		if a.Expired(time.Now().Add(-time.Hour)) {
			t.Error("a valid answer is expired before it came")
		}
		a.MayPublish("t")
		a.MaySubscribe("t", "c")
	})
}
