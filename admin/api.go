package admin

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
)

// route is one operation of the API. Those in the list are those in the document, which a test compares.
type route struct {
	method, path string
	role         Role // the least that may ask
	answer       func(*http.Request) (any, error)
	stream       http.HandlerFunc // instead of answer
}

const apiBase = "/api/v1"

func (a *Admin) routes() []route {
	return []route{
		{"GET", apiBase + "/overview", Viewer, show(a.Overview), nil},
		{"GET", apiBase + "/topics", Viewer, a.listTopics, nil},
		{"GET", apiBase + "/topics/{topic}", Viewer, a.showTopic, nil},
		{"GET", apiBase + "/topics/{topic}/channels/{channel}", Viewer, a.showChannel, nil},
		{"GET", apiBase + "/channels", Viewer, a.listChannels, nil},
		{"GET", apiBase + "/nodes", Viewer, a.listNodes, nil},
		{"GET", apiBase + "/nodes/{node}", Viewer, a.showNode, nil},
		{"GET", apiBase + "/consumers", Viewer, a.listClients, nil},
		{"GET", apiBase + "/mesh", Viewer, show(a.Mesh), nil},
		{"GET", apiBase + "/lookup", Viewer, show(a.Lookup), nil},
		{"GET", apiBase + "/counter", Viewer, show(a.Counter), nil},
		{"GET", apiBase + "/history", Viewer, a.showHistory, nil},
		{"GET", apiBase + "/audit", Viewer, show(a.Audit), nil},
		{"GET", apiBase + "/topics/{topic}/messages", Operator, a.showMessages, nil},
		{"GET", apiBase + "/topics/{topic}/channels/{channel}/messages", Operator, a.showMessages, nil},
		{"GET", apiBase + "/events", Viewer, nil, a.events},
		{"POST", apiBase + "/actions", Viewer, a.act, nil},
	}
}

func show[T any](get func(context.Context) (*T, error)) func(*http.Request) (any, error) {
	return func(req *http.Request) (any, error) { return get(req.Context()) }
}

func (a *Admin) showTopic(req *http.Request) (any, error) {
	d, err := a.Topic(req.Context(), req.PathValue("topic"))
	if err == nil && !d.Known {
		return nil, errNoTopic
	}
	return d, err
}

func (a *Admin) showChannel(req *http.Request) (any, error) {
	d, err := a.Channel(req.Context(), req.PathValue("topic"), req.PathValue("channel"))
	if err == nil && !d.Known {
		return nil, errNoChannel
	}
	return d, err
}

func (a *Admin) showNode(req *http.Request) (any, error) {
	d, err := a.Node(req.Context(), req.PathValue("node"))
	if err == nil && !d.Known {
		return nil, errNoNode
	}
	return d, err
}

// showMessages looks at messages: ?state=, ?node= (repeatable), ?max=.
func (a *Admin) showMessages(req *http.Request) (any, error) {
	q := req.URL.Query()
	state := State(q.Get("state"))
	if state == "" {
		state = Waiting
	}
	if state != Waiting && state != InFlight && state != Deferred {
		return nil, errInvalidState
	}
	most, err := positive(q.Get("max"), 10, 100)
	if err != nil {
		return nil, errInvalidMax
	}
	return a.Peek(req.Context(), req.PathValue("topic"), req.PathValue("channel"), state, q["node"], most)
}

// mostAction bounds the body of an action: a message to publish and a little more.
const mostAction = 8 << 20

// act carries out an Action. Which role that needs depends on it.
func (a *Admin) act(req *http.Request) (any, error) {
	var act Action
	if err := json.NewDecoder(http.MaxBytesReader(nil, req.Body, mostAction)).Decode(&act); err != nil {
		return nil, &apiError{http.StatusBadRequest, "INVALID_JSON"}
	}
	return a.Do(req.Context(), act)
}

// apiError is an answer other than 200.
type apiError struct {
	status int
	text   string
}

func (e *apiError) Error() string { return e.text }

var (
	errUnknownPath  = &apiError{http.StatusNotFound, "NOT_FOUND"}
	errNoTopic      = &apiError{http.StatusNotFound, "TOPIC_NOT_FOUND"}
	errNoChannel    = &apiError{http.StatusNotFound, "CHANNEL_NOT_FOUND"}
	errNoNode       = &apiError{http.StatusNotFound, "NODE_NOT_FOUND"}
	errInvalidState = &apiError{http.StatusBadRequest, "INVALID_STATE"}
	errInvalidMax   = &apiError{http.StatusBadRequest, "INVALID_MAX"}
	errUnauthorized = &apiError{http.StatusUnauthorized, "UNAUTHORIZED"}
	errForbidden    = &apiError{http.StatusForbidden, "FORBIDDEN"}
	errInternal     = &apiError{http.StatusInternalServerError, "INTERNAL_ERROR"}
)

func (a *Admin) answers(r route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if UserOf(req.Context()).Role < r.role {
			writeError(w, errForbidden)
			return
		}
		if r.stream != nil {
			r.stream(w, req)
			return
		}
		value, err := r.answer(req)
		if err != nil {
			a.fail(w, req, err)
			return
		}
		writeJSON(w, http.StatusOK, value)
	})
}

// fail answers with an error; one that is no answer of ours is a fault, and logged.
func (a *Admin) fail(w http.ResponseWriter, req *http.Request, err error) {
	e, ok := errors.AsType[*apiError](err)
	if !ok {
		a.o.Log.Error("admin request failed", "method", req.Method, "path", req.URL.Path, "err", err)
		e = errInternal
	}
	writeError(w, e)
}

func writeError(w http.ResponseWriter, e *apiError) {
	writeJSON(w, e.status, struct {
		Message string `json:"message"`
	}{e.text})
}

func writeJSON(w http.ResponseWriter, status int, value any) {
	body, err := json.Marshal(value)
	if err != nil {
		status, body = http.StatusInternalServerError, []byte(`{"message":"INTERNAL_ERROR"}`)
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client is gone: nobody is left to tell
}
