package httpapi

import (
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
)

func TestDebug(t *testing.T) {
	silent := map[string]string{"Content-Type": "-", "X-Nsq-Content-Type": "-", "Content-Length": "0"}
	tests := map[string]exchange{
		"a block rate":               {"PUT", "/debug/setblockrate?rate=0", "", 200, "", silent},
		"a block rate that is none":  {"PUT", "/debug/setblockrate?rate=x", "", 400, `invalid block rate : strconv.Atoi: parsing "x": invalid syntax`, bare},
		"no block rate":              {"PUT", "/debug/setblockrate", "", 400, `invalid block rate : strconv.Atoi: parsing "": invalid syntax`, bare},
		"free memory":                {"POST", "/debug/freememory", "", 200, "", silent},
		"free memory needs POST":     {"GET", "/debug/freememory", "", 405, failure("METHOD_NOT_ALLOWED"), v1JSON},
		"the index needs its slash":  {"GET", "/debug/pprof", "", 301, "<a href=\"/debug/pprof/\">Moved Permanently</a>.\n\n", map[string]string{"Location": "/debug/pprof/"}},
		"a profile that is not open": {"GET", "/debug/pprof/mutex", "", 404, failure("NOT_FOUND"), v1JSON},
		"nor this":                   {"GET", "/debug/pprof/trace", "", 404, failure("NOT_FOUND"), v1JSON},
		"look up symbols":            {"POST", "/debug/pprof/symbol", "", 200, "num_symbols: 1\n", nil},
	}
	n := newTestNode(t)
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { test.run(t, n.api) })
	}
	for _, path := range []string{"", "cmdline", "symbol", "heap?debug=1", "goroutine?debug=1", "block", "threadcreate"} {
		w := httptest.NewRecorder()
		n.api.ServeHTTP(w, httptest.NewRequest("GET", "/debug/pprof/"+path, nil))
		if w.Code != 200 || w.Body.Len() == 0 {
			t.Errorf("/debug/pprof/%s: got %d, %d bytes", path, w.Code, w.Body.Len())
		}
	}
}

func TestBlockRateFromAForm(t *testing.T) {
	defer runtime.SetBlockProfileRate(0)
	req := httptest.NewRequest("PUT", "/debug/setblockrate", strings.NewReader("rate=-1"))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	newTestNode(t).api.ServeHTTP(w, req)
	if w.Code != 200 {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}
