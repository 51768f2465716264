package httpapi

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/nsqmesh/nsqmesh/node/names"
)

// params are the parameters of a request, which are taken from its URL only and never from a form. The first of several
// values counts. A query that escapes nothing is searched where it stands, because building a map of it would be a good
// part of the cost of a publish; both ways give the same (FuzzParams).
type params struct {
	raw    string
	values url.Values // instead of raw if that holds escapes
}

// query returns the parameters of a request, or INVALID_REQUEST.
func query(req *http.Request) (params, error) {
	raw := req.URL.RawQuery
	if !strings.ContainsAny(raw, "%+;") {
		return params{raw: raw}, nil
	}
	values, err := url.ParseQuery(raw)
	if err != nil {
		return params{}, errInvalidRequest
	}
	return params{values: values}, nil
}

// Get returns the value of a parameter; empty if there is none.
func (p params) Get(key string) string {
	value, _ := p.lookup(key)
	return value
}

// Has tells whether a parameter is there, be it with an empty value.
func (p params) Has(key string) bool {
	_, ok := p.lookup(key)
	return ok
}

func (p params) lookup(key string) (value string, ok bool) {
	if p.values != nil {
		return p.values.Get(key), p.values.Has(key)
	}
	for rest := p.raw; rest != ""; {
		var pair string
		pair, rest, _ = strings.Cut(rest, "&")
		if name, value, _ := strings.Cut(pair, "="); name == key && pair != "" {
			return value, true
		}
	}
	return "", false
}

// flag reads a switch that is on unless the client says so in one of the two ways that count.
func (p params) flag(key string) bool {
	value := p.Get(key)
	return value != "false" && value != "0"
}

// topicAndChannel reads the two names that every channel endpoint takes.
func topicAndChannel(req *http.Request) (topic, channel string, err error) {
	q, err := query(req)
	if err != nil {
		return "", "", err
	}
	topic, ok := q.lookup("topic")
	if !ok {
		return "", "", errMissingArgTopic
	}
	if !names.ValidTopic(topic) {
		return "", "", errInvalidArgTopic
	}
	channel, ok = q.lookup("channel")
	if !ok {
		return "", "", errMissingArgChannel
	}
	if !names.ValidChannel(channel) {
		return "", "", errInvalidArgChannel
	}
	return topic, channel, nil
}
