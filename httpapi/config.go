package httpapi

import (
	"errors"
	"net/http"

	"github.com/julienschmidt/httprouter"
)

// Config are the options of the running node. Values are as in effect: strings, numbers, booleans, durations and lists, and
// numbers for options that are words of a fixed set.
type Config interface {
	// Get returns the value of an option by its key in the config file.
	Get(key string) (value any, ok bool)
	// Set changes an option until the next start and returns its new value: ErrFixedOption, ErrInvalidValue.
	Set(key string, body []byte) (value any, err error)
}

var (
	ErrFixedOption  = errors.New("option is unknown or cannot be changed")
	ErrInvalidValue = errors.New("value does not fit the option")
)

var (
	errInvalidOption = &apiError{http.StatusBadRequest, "INVALID_OPTION"}
	errInvalidValue  = &apiError{http.StatusBadRequest, "INVALID_VALUE"}
	errValueTooBig   = &apiError{http.StatusRequestEntityTooLarge, "INVALID_VALUE"} // or too small
)

// getConfig needs no rendering of its own: strings go out bare, durations are their nanoseconds and the rest is JSON, as
// everywhere in this API.
func (a *nsqdAPI) getConfig(_ *http.Request, ps httprouter.Params) (any, error) {
	value, ok := a.Config.Get(ps.ByName("opt"))
	if !ok {
		return nil, errInvalidOption
	}
	return value, nil
}

func (a *nsqdAPI) putConfig(req *http.Request, ps httprouter.Params) (any, error) {
	body, err := readBody(req, a.Limits.MaxMsgSize)
	if err != nil {
		return nil, errInternal // the client left in the middle
	}
	if body == "" || int64(len(body)) > a.Limits.MaxMsgSize {
		return nil, errValueTooBig
	}
	value, err := a.Config.Set(ps.ByName("opt"), []byte(body))
	switch {
	case errors.Is(err, ErrFixedOption):
		return nil, errInvalidOption
	case errors.Is(err, ErrInvalidValue):
		return nil, errInvalidValue
	}
	return value, err
}
