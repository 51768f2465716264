package httpapi

import (
	"errors"
	"net/http"
	"time"

	"github.com/julienschmidt/httprouter"

	"github.com/nsqmesh/nsqmesh/node"
)

// Draining empties the node.
type Draining interface {
	Usual() node.DrainOptions
	Drain(node.DrainOptions) error
	Cancel() error
	Draining() bool
	Status() node.DrainStatus
}

var (
	errDraining    = &apiError{http.StatusServiceUnavailable, "DRAINING"}
	errLeaving     = &apiError{http.StatusServiceUnavailable, "LEAVING"}
	errNotDraining = &apiError{http.StatusConflict, "NOT_DRAINING"}
	errInvalidWait = &apiError{http.StatusBadRequest, "INVALID_WAIT"}
	errInvalidTime = &apiError{http.StatusBadRequest, "INVALID_TIMEOUT"}
)

func (a *nsqdAPI) addDrain(r *router) {
	r.quiet("GET", "/drain", a.drainStatus)
	r.api("POST", "/drain", a.drain)
	r.api("POST", "/drain/cancel", a.cancelDrain)
}

// drain begins and returns at once; GET /drain tells how it goes on.
func (a *nsqdAPI) drain(req *http.Request, ps httprouter.Params) (any, error) {
	q, err := query(req)
	if err != nil {
		return nil, err
	}
	o := a.Draining.Usual()
	if text, ok := q.lookup("wait"); ok {
		if o.Wait, err = time.ParseDuration(text); err != nil || o.Wait < 0 {
			return nil, errInvalidWait
		}
	}
	if text, ok := q.lookup("timeout"); ok {
		if o.Timeout, err = time.ParseDuration(text); err != nil || o.Timeout <= 0 {
			return nil, errInvalidTime
		}
	}
	o.Stay = q.Has("stay") && q.flag("stay")
	if err := a.Draining.Drain(o); err != nil {
		return nil, inDraining(err)
	}
	return a.drainStatus(req, ps)
}

func (a *nsqdAPI) cancelDrain(req *http.Request, ps httprouter.Params) (any, error) {
	if err := a.Draining.Cancel(); err != nil {
		return nil, inDraining(err)
	}
	return a.drainStatus(req, ps)
}

func inDraining(err error) error {
	switch {
	case errors.Is(err, node.ErrLeaving):
		return errLeaving
	case errors.Is(err, node.ErrNotDraining):
		return errNotDraining
	}
	return err
}

func (a *nsqdAPI) drainStatus(*http.Request, httprouter.Params) (any, error) {
	s := a.Draining.Status()
	answer := struct {
		State    node.DrainState  `json:"state"`
		ForMs    int64            `json:"for_ms"`
		Stay     bool             `json:"stay"`
		Waiting  int64            `json:"waiting"`
		InFlight int64            `json:"in_flight"`
		Deferred int64            `json:"deferred"`
		Moved    int64            `json:"moved"`
		To       map[string]int64 `json:"moved_to"`
		Dropped  int64            `json:"dropped"`
		Error    string           `json:"error,omitempty"`
	}{s.State, 0, s.Stay, s.Waiting, s.InFlight, s.Deferred, s.Moved, s.To, s.Dropped, ""}
	if answer.To == nil {
		answer.To = map[string]int64{}
	}
	if !s.Started.IsZero() {
		answer.ForMs = time.Since(s.Started).Milliseconds()
	}
	if s.Err != nil {
		answer.Error = s.Err.Error()
	}
	return answer, nil
}
