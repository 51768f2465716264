// Package httpapi is the HTTP face of a node: the API of an nsqd and that of an nsqlookupd, both on one small router.
//
// It owns routes, parameters, status codes and the exact shape of answers; what they are about it asks of small interfaces
// that it declares itself and package node satisfies. It holds no state of its own beyond those, so nothing needs guarding.
// It never listens and never authenticates: the HTTP API of NSQ is open to whoever reaches the port.
package httpapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/julienschmidt/httprouter"
)

// handler answers one request. A nil value is an empty body, a string or []byte is sent as text, json.RawMessage is JSON
// that is encoded already, anything else is encoded as JSON. An *apiError is what the client sees; any other error is
// logged and becomes 500 INTERNAL_ERROR, so that no internals leak.
type handler func(*http.Request, httprouter.Params) (any, error)

// apiError is an error with the status and text that NSQ's clients know.
type apiError struct {
	status int
	text   string
}

func (e *apiError) Error() string { return e.text }

var (
	errInvalidRequest    = &apiError{http.StatusBadRequest, "INVALID_REQUEST"}
	errNotFound          = &apiError{http.StatusNotFound, "NOT_FOUND"}
	errMethodNotAllowed  = &apiError{http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED"}
	errInternal          = &apiError{http.StatusInternalServerError, "INTERNAL_ERROR"}
	errMissingArgTopic   = &apiError{http.StatusBadRequest, "MISSING_ARG_TOPIC"}
	errInvalidArgTopic   = &apiError{http.StatusBadRequest, "INVALID_ARG_TOPIC"}
	errMissingArgChannel = &apiError{http.StatusBadRequest, "MISSING_ARG_CHANNEL"}
	errInvalidArgChannel = &apiError{http.StatusBadRequest, "INVALID_ARG_CHANNEL"}
	errTopicNotFound     = &apiError{http.StatusNotFound, "TOPIC_NOT_FOUND"}
	errChannelNotFound   = &apiError{http.StatusNotFound, "CHANNEL_NOT_FOUND"}
)

// Header values are shared slices under canonical keys: http.Header.Set would allocate one for every answer.
const markerHeader = "X-Nsq-Content-Type"

var (
	markerValue = []string{"nsq; version=1.0"}
	jsonType    = []string{"application/json; charset=utf-8"}
	textType    = []string{"text/plain; charset=utf-8"}
)

// router is httprouter with NSQ's conventions for everything that is not a route's own business: unknown paths, wrong
// methods, panics, redirects to the canonical path (301 for GET, 307 otherwise) and the access log.
type router struct {
	*httprouter.Router
	log *slog.Logger
}

func newRouter(log *slog.Logger) *router {
	r := &router{Router: httprouter.New(), log: log}
	r.NotFound = r.logged(v1(log, fails(errNotFound)))
	r.MethodNotAllowed = r.logged(v1(log, fails(errMethodNotAllowed)))
	r.PanicHandler = r.panicked
	return r
}

// api adds a route with V1 answers and an access log line: nearly every route.
func (r *router) api(method, path string, h handler) { r.route(method, path, r.logged(v1(r.log, h))) }

// quiet adds a route with V1 answers that is too busy for the access log.
func (r *router) quiet(method, path string, h handler) { r.route(method, path, v1(r.log, h)) }

// plain adds a route whose answers and errors are bare text, for people and load balancers.
func (r *router) plain(method, path string, h handler) {
	r.route(method, path, r.logged(plain(r.log, h)))
}

func (r *router) route(method, path string, a answerer) {
	r.Handle(method, path, func(w http.ResponseWriter, req *http.Request, ps httprouter.Params) { a(w, req, ps) })
}

// answerer writes the whole answer to a request and returns its status.
type answerer func(http.ResponseWriter, *http.Request, httprouter.Params) int

// ServeHTTP makes an answerer fit where httprouter wants an http.Handler.
func (a answerer) ServeHTTP(w http.ResponseWriter, req *http.Request) { a(w, req, nil) }

// QuietAgent is the user agent of those who look every second or so: what they read is logged for debugging alone.
const QuietAgent = "nsqmesh-admin"

func (r *router) logged(a answerer) answerer {
	return func(w http.ResponseWriter, req *http.Request, ps httprouter.Params) int {
		start := time.Now()
		status := a(w, req, ps)
		level := slog.LevelInfo
		if req.Method == http.MethodGet && req.UserAgent() == QuietAgent {
			level = slog.LevelDebug
		}
		r.log.Log(req.Context(), level, "http request", "status", status, "method", req.Method, "uri", req.URL.RequestURI(),
			"remote", req.RemoteAddr, "took", time.Since(start))
		return status
	}
}

// panicked keeps one bad request from ending the node.
func (r *router) panicked(w http.ResponseWriter, req *http.Request, cause any) {
	if err, ok := cause.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(cause) // net/http's own way to drop a connection
	}
	r.log.Error("http handler panicked", "method", req.Method, "uri", req.URL.RequestURI(), "cause", cause,
		"stack", string(debug.Stack()))
	writeError(w, errInternal)
}

func fails(err error) handler {
	return func(*http.Request, httprouter.Params) (any, error) { return nil, err }
}

// v1 gives a handler's outcome the V1 form.
func v1(log *slog.Logger, h handler) answerer {
	return func(w http.ResponseWriter, req *http.Request, ps httprouter.Params) int {
		value, err := h(req, ps)
		if err != nil {
			return writeError(w, visible(log, req, err))
		}
		body, kind, err := encode(value)
		if err != nil {
			return writeError(w, visible(log, req, err))
		}
		w.Header()[markerHeader] = markerValue
		write(w, http.StatusOK, kind, body)
		return http.StatusOK
	}
}

// plain gives a handler's outcome the bare form: only strings come out of plain routes.
func plain(log *slog.Logger, h handler) answerer {
	return func(w http.ResponseWriter, req *http.Request, ps httprouter.Params) int {
		value, err := h(req, ps)
		if err != nil {
			e := visible(log, req, err)
			write(w, e.status, textType, []byte(e.text))
			return e.status
		}
		body, kind, _ := encode(value)
		write(w, http.StatusOK, kind, body)
		return http.StatusOK
	}
}

// visible is what a client may see of an error.
func visible(log *slog.Logger, req *http.Request, err error) *apiError {
	if e, ok := errors.AsType[*apiError](err); ok {
		return e
	}
	log.Error("http request failed", "method", req.Method, "uri", req.URL.RequestURI(), "err", err)
	return errInternal
}

var okBody = []byte("OK")

// encode renders a handler's value. No kind means that there is no body to have one.
func encode(value any) (body []byte, kind []string, err error) {
	switch v := value.(type) {
	case nil:
		return nil, nil, nil
	case string:
		if v == "OK" {
			return okBody, textType, nil // the answer of every publish
		}
		return []byte(v), textType, nil
	case []byte:
		return v, textType, nil
	case json.RawMessage:
		return v, jsonType, nil
	}
	body, err = json.Marshal(value)
	if err != nil {
		return nil, nil, fmt.Errorf("encode answer: %w", err)
	}
	return body, jsonType, nil
}

func writeError(w http.ResponseWriter, e *apiError) int {
	body, _ := json.Marshal(struct { // a struct of one string cannot fail
		Message string `json:"message"`
	}{e.text})
	w.Header()[markerHeader] = markerValue
	write(w, e.status, jsonType, body)
	return e.status
}

// write ends an answer. The kind of an empty body is left out, as stock clients know it.
func write(w http.ResponseWriter, status int, kind []string, body []byte) {
	if len(body) > 0 {
		w.Header()["Content-Type"] = kind
	}
	if status != http.StatusOK {
		w.WriteHeader(status)
	}
	_, _ = w.Write(body) // the client is gone: nobody is left to tell
}
