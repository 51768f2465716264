package httpapi

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/julienschmidt/httprouter"
)

// exchange is one request over a real connection and what must come back. Header values of "-" must be missing.
type exchange struct {
	method, uri string
	body        string
	status      int
	want        string // the whole body
	header      map[string]string
}

var (
	v1JSON = map[string]string{"X-Nsq-Content-Type": "nsq; version=1.0", "Content-Type": "application/json; charset=utf-8"}
	v1Text = map[string]string{"X-Nsq-Content-Type": "nsq; version=1.0", "Content-Type": "text/plain; charset=utf-8"}
	v1None = map[string]string{"X-Nsq-Content-Type": "nsq; version=1.0", "Content-Type": "-", "Content-Length": "0"}
	bare   = map[string]string{"X-Nsq-Content-Type": "-", "Content-Type": "text/plain; charset=utf-8"}
)

func (e exchange) run(t *testing.T, h http.Handler) {
	t.Helper()
	server := httptest.NewServer(h)
	defer server.Close()
	e.ask(t, server.URL)
}

// ask runs the exchange with a server that is up, and does not follow redirects.
func (e exchange) ask(t *testing.T, server string) {
	t.Helper()
	req, err := http.NewRequest(e.method, server+e.uri, strings.NewReader(e.body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != e.status || string(got) != e.want {
		t.Errorf("%s %s: got %d %s, want %d %s", e.method, e.uri, resp.StatusCode, got, e.status, e.want)
	}
	for key, want := range e.header {
		got, ok := resp.Header[key]
		if want == "-" && ok || want != "-" && (!ok || got[0] != want) {
			t.Errorf("%s %s: header %s is %q, want %q", e.method, e.uri, key, got, want)
		}
	}
}

func testRouter(log *slog.Logger) *router {
	r := newRouter(log)
	answer := func(value any, err error) handler {
		return func(*http.Request, httprouter.Params) (any, error) { return value, err }
	}
	r.api("GET", "/string", answer("text <b>", nil))
	r.api("GET", "/bytes", answer([]byte("bytes"), nil))
	r.api("GET", "/json", answer(map[string]string{"a": "<&>"}, nil))
	r.api("GET", "/encoded", answer(json.RawMessage(`{"b": 1}`), nil))
	r.api("POST", "/nothing", answer(nil, nil))
	r.api("GET", "/empty", answer("", nil))
	r.api("GET", "/known", answer(nil, &apiError{http.StatusTeapot, `SAYS "NO"`}))
	r.api("GET", "/wrapped", answer(nil, errors.Join(errors.New("x"), errNotFound)))
	r.api("GET", "/unknown", answer(nil, errors.New("secret detail")))
	r.api("GET", "/unencodable", answer(make(chan int), nil))
	r.api("GET", "/panic", func(*http.Request, httprouter.Params) (any, error) { panic("at the disco") })
	r.plain("GET", "/plain", answer("fine", nil))
	r.plain("GET", "/plain/error", answer(nil, &apiError{http.StatusInternalServerError, "NOK - full"}))
	r.plain("PUT", "/plain/nothing", answer(nil, nil))
	r.quiet("POST", "/quiet", answer("OK", nil))
	r.api("GET", "/both/:arg", func(_ *http.Request, ps httprouter.Params) (any, error) { return ps.ByName("arg"), nil })
	r.api("PUT", "/both/:arg", answer(nil, nil))
	return r
}

func TestRouter(t *testing.T) {
	tests := map[string]exchange{
		"a string is text":                  {"GET", "/string", "", 200, "text <b>", v1Text},
		"bytes are text":                    {"GET", "/bytes", "", 200, "bytes", v1Text},
		"anything else is JSON":             {"GET", "/json", "", 200, `{"a":"\u003c\u0026\u003e"}`, v1JSON},
		"encoded JSON goes out as it is":    {"GET", "/encoded", "", 200, `{"b": 1}`, v1JSON},
		"nothing has no type":               {"POST", "/nothing", "", 200, "", v1None},
		"an empty string is nothing":        {"GET", "/empty", "", 200, "", v1None},
		"a known error":                     {"GET", "/known", "", 418, `{"message":"SAYS \"NO\""}`, v1JSON},
		"a known error inside another":      {"GET", "/wrapped", "", 404, `{"message":"NOT_FOUND"}`, v1JSON},
		"an unknown error is hidden":        {"GET", "/unknown", "", 500, `{"message":"INTERNAL_ERROR"}`, v1JSON},
		"a value that cannot be encoded":    {"GET", "/unencodable", "", 500, `{"message":"INTERNAL_ERROR"}`, v1JSON},
		"a panic":                           {"GET", "/panic", "", 500, `{"message":"INTERNAL_ERROR"}`, v1JSON},
		"plain text":                        {"GET", "/plain", "", 200, "fine", bare},
		"a plain error":                     {"GET", "/plain/error", "", 500, "NOK - full", bare},
		"plain nothing":                     {"PUT", "/plain/nothing", "", 200, "", map[string]string{"Content-Type": "-", "X-Nsq-Content-Type": "-"}},
		"a quiet route answers like others": {"POST", "/quiet", "", 200, "OK", v1Text},
		"a path parameter":                  {"GET", "/both/x", "", 200, "x", v1Text},
		"an unknown path":                   {"GET", "/nowhere", "", 404, `{"message":"NOT_FOUND"}`, v1JSON},
		"an unknown method":                 {"BREW", "/string", "", 405, `{"message":"METHOD_NOT_ALLOWED"}`, v1JSON},
		"a wrong method": {"POST", "/string", "", 405, `{"message":"METHOD_NOT_ALLOWED"}`,
			map[string]string{"Allow": "GET, OPTIONS", "X-Nsq-Content-Type": "nsq; version=1.0"}},
		"a wrong method where two are right": {"DELETE", "/both/x", "", 405, `{"message":"METHOD_NOT_ALLOWED"}`,
			map[string]string{"Allow": "GET, OPTIONS, PUT"}},
		"HEAD is not offered": {"HEAD", "/string", "", 405, "", map[string]string{"Allow": "GET, OPTIONS"}},
		"OPTIONS": {"OPTIONS", "/both/x", "", 200, "",
			map[string]string{"Allow": "GET, OPTIONS, PUT", "X-Nsq-Content-Type": "-", "Content-Type": "-"}},
		"OPTIONS of an unknown path": {"OPTIONS", "/nowhere", "", 404, `{"message":"NOT_FOUND"}`, v1JSON},
		"a trailing slash": {"GET", "/string/?a=b&c=%20", "", 301, "<a href=\"/string?a=b&amp;c=%20\">Moved Permanently</a>.\n\n",
			map[string]string{"Location": "/string?a=b&c=%20", "X-Nsq-Content-Type": "-"}},
		"a double slash":          {"POST", "//nothing?a=b", "", 307, "", map[string]string{"Location": "/nothing?a=b"}},
		"another case":            {"POST", "/Nothing?a=b", "", 307, "", map[string]string{"Location": "/nothing?a=b"}},
		"a path parameter needed": {"GET", "/both/", "", 404, `{"message":"NOT_FOUND"}`, v1JSON},
		"and its slash":           {"GET", "/both", "", 404, `{"message":"NOT_FOUND"}`, v1JSON},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { test.run(t, testRouter(slog.New(slog.DiscardHandler))) })
	}
}

func TestAccessLog(t *testing.T) {
	tests := map[string]struct{ method, uri, want string }{
		"a success":             {"GET", "/string?a=%20", `INFO "http request" status=200 method=GET uri="/string?a=%20" remote=192.0.2.1:1234`},
		"an error":              {"GET", "/known", `INFO "http request" status=418`},
		"a plain error":         {"GET", "/plain/error", `INFO "http request" status=500`},
		"an unknown path":       {"GET", "/nowhere", `INFO "http request" status=404`},
		"a wrong method":        {"PUT", "/string", `INFO "http request" status=405`},
		"the cause of a 500":    {"GET", "/unknown", `ERROR "http request failed" method=GET uri=/unknown err="secret detail"`},
		"a panic":               {"GET", "/panic", `ERROR "http handler panicked" method=GET uri=/panic cause="at the disco"`},
		"nothing when quiet":    {"POST", "/quiet", ""},
		"nothing of a redirect": {"GET", "/string/", ""},
		"nothing of OPTIONS":    {"OPTIONS", "/string", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			log := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
				if a.Key == slog.TimeKey {
					return slog.Attr{}
				}
				return a
			}}))
			testRouter(log).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(test.method, test.uri, nil))
			got := strings.NewReplacer("level=", "", "msg=", "").Replace(out.String())
			if !strings.HasPrefix(got, test.want) || test.want == "" && got != "" {
				t.Errorf("got %s", got)
			}
		})
	}
}

func TestAbortIsNoPanic(t *testing.T) {
	r := testRouter(slog.New(slog.DiscardHandler))
	r.HandlerFunc("GET", "/abort", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	defer func() {
		if err, _ := recover().(error); !errors.Is(err, http.ErrAbortHandler) {
			t.Error("net/http does not get to see the abort")
		}
	}()
	r.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/abort", nil))
}

func TestTLSRequired(t *testing.T) {
	for _, test := range []exchange{
		{"GET", "/ping", "", 403, `{"message": "TLS_REQUIRED", "https_port": 4152}`, v1JSON},
		{"POST", "/no/where?%", "body", 403, `{"message": "TLS_REQUIRED", "https_port": 4152}`, v1JSON},
	} {
		test.run(t, TLSRequired(4152))
	}
	exchange{"GET", "/", "", 403, `{"message": "TLS_REQUIRED", "https_port": 0}`, v1JSON}.run(t, TLSRequired(0))
}

// startTLS serves with the certificate of net/http/httptest and returns the URL and a client that would rather speak HTTP/2.
func startTLS(t *testing.T, s *http.Server) (string, *http.Client) {
	lender := httptest.NewTLSServer(nil)
	lender.Close()
	s.TLSConfig = &tls.Config{Certificates: lender.TLS.Certificates}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = s.ServeTLS(l, "", "") }()
	client := lender.Client()
	client.Transport.(*http.Transport).ForceAttemptHTTP2 = true
	t.Cleanup(func() {
		client.CloseIdleConnections()
		s.Close()
	})
	return "https://" + l.Addr().String(), client
}

func TestServer(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	address, client := startTLS(t, NewServer(testRouter(log), log))
	resp, err := client.Get(address + "/string")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.ProtoMajor != 1 {
		t.Errorf("speaks %s", resp.Proto)
	}
	for size, status := range map[int]int{maxHeaderBytes / 2: 200, 2 * maxHeaderBytes: http.StatusRequestHeaderFieldsTooLarge} {
		req, _ := http.NewRequest("GET", address+"/string", nil)
		req.Header.Set("Filler", strings.Repeat("x", size))
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != status {
			t.Errorf("header of %d bytes: status %d, want %d", size, resp.StatusCode, status)
		}
	}
}

func TestParams(t *testing.T) {
	tests := map[string]struct {
		raw, want string
		found     bool
	}{
		"there":                       {"a=b&k=v", "v", true},
		"not there":                   {"a=b&kk=v&K=v", "", false},
		"no query":                    {"", "", false},
		"empty value":                 {"k=", "", true},
		"no value":                    {"k", "", true},
		"the first counts":            {"k=1&k=2", "1", true},
		"an equals sign in the value": {"k=1=2", "1=2", true},
		"empty pairs":                 {"&&k=v", "v", true},
		"escapes in the value":        {"k=a%26b+c&k=2", "a&b c", true},
		"escapes in the key":          {"%6B=v", "v", true},
		"escapes elsewhere":           {"k=v&x=%20", "v", true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			q, err := query(&http.Request{URL: &url.URL{RawQuery: test.raw}})
			if err != nil {
				t.Fatal(err)
			}
			if q.Get("k") != test.want || q.Has("k") != test.found {
				t.Errorf("got %q, %t", q.Get("k"), q.Has("k"))
			}
		})
	}
	for _, raw := range []string{"k=%", "k=v;a=b", "a=%zz&k=v", ";"} {
		if _, err := query(&http.Request{URL: &url.URL{RawQuery: raw}}); !errors.Is(err, errInvalidRequest) {
			t.Errorf("%q: error %v", raw, err)
		}
	}
}

// FuzzParams holds the search without a map against net/url.
func FuzzParams(f *testing.F) {
	for _, raw := range []string{"topic=t", "topic=t&defer=5", "topic", "&&=&topic==&", "topic=%41", "a;b", "topic=a+b", "=x"} {
		f.Add(raw, "topic")
	}
	f.Fuzz(func(t *testing.T, raw, key string) {
		want, wantErr := url.ParseQuery(raw)
		q, err := query(&http.Request{URL: &url.URL{RawQuery: raw}})
		if (err != nil) != (wantErr != nil) {
			t.Fatalf("error %v, net/url has %v", err, wantErr)
		}
		if err == nil && (q.Get(key) != want.Get(key) || q.Has(key) != want.Has(key)) {
			t.Errorf("%q in %q: got %q, %t", key, raw, q.Get(key), q.Has(key))
		}
	})
}
