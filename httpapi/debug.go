package httpapi

import (
	"net/http"
	"net/http/pprof"
	"runtime"
	"runtime/debug"
	"strconv"

	"github.com/julienschmidt/httprouter"
)

// maxSymbolBody bounds what the debug endpoints read.
const maxSymbolBody = 1 << 20

// addPprof adds Go's profiles. The two daemons of stock NSQ have their index at different paths.
func addPprof(r *router, index string) {
	r.HandlerFunc("GET", index, pprof.Index)
	r.HandlerFunc("GET", "/debug/pprof/cmdline", pprof.Cmdline)
	r.HandlerFunc("GET", "/debug/pprof/profile", pprof.Profile)
	r.HandlerFunc("GET", "/debug/pprof/symbol", pprof.Symbol)
	r.Handler("POST", "/debug/pprof/symbol", http.MaxBytesHandler(http.HandlerFunc(pprof.Symbol), maxSymbolBody))
	for _, profile := range []string{"heap", "goroutine", "block", "threadcreate"} {
		r.Handler("GET", "/debug/pprof/"+profile, pprof.Handler(profile))
	}
}

// setBlockRate turns the profile of blocking on or off. The rate may also come in a form, for the tools that send it so.
func setBlockRate(req *http.Request, _ httprouter.Params) (any, error) {
	req.Body = http.MaxBytesReader(nil, req.Body, maxSymbolBody)
	rate, err := strconv.Atoi(req.FormValue("rate"))
	if err != nil {
		return nil, &apiError{http.StatusBadRequest, "invalid block rate : " + err.Error()}
	}
	runtime.SetBlockProfileRate(rate)
	return nil, nil
}

func freeMemory(*http.Request, httprouter.Params) (any, error) {
	debug.FreeOSMemory()
	return nil, nil
}
