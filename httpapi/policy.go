package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/julienschmidt/httprouter"

	"github.com/nsqmesh/nsqmesh/node"
	"github.com/nsqmesh/nsqmesh/node/policy"
)

// Policies are the rules for topics, and changes of them for the whole mesh.
type Policies interface {
	Policies() policy.Rules
	SetPolicy(ctx context.Context, pattern string, p policy.Policy) error
	DeletePolicy(ctx context.Context, pattern string) error
}

const maxPolicyBody = 1 << 16

var errMissingArgPattern = &apiError{http.StatusBadRequest, "MISSING_ARG_PATTERN"}

// addPolicies adds the routes that both roles have.
func addPolicies(r *router, p Policies) {
	if p == nil {
		return
	}
	r.api("GET", "/policy", func(req *http.Request, _ httprouter.Params) (any, error) { return listPolicies(req, p) })
	r.api("POST", "/policy/set", func(req *http.Request, _ httprouter.Params) (any, error) { return nil, setPolicy(req, p) })
	r.api("POST", "/policy/delete", func(req *http.Request, _ httprouter.Params) (any, error) { return nil, deletePolicy(req, p) })
}

// listPolicies tells the rules, those for one topic if it is named, the more general first.
func listPolicies(req *http.Request, p Policies) (any, error) {
	q, err := query(req)
	if err != nil {
		return nil, err
	}
	rules := policy.Rules{}
	for _, rule := range p.Policies() {
		if topic, one := q.lookup("topic"); !one || policy.Matches(rule.Pattern, topic) {
			rules = append(rules, rule)
		}
	}
	return struct {
		Rules policy.Rules `json:"rules"`
	}{rules}, nil
}

// setPolicy takes the settings as a JSON object; numbers and true or false may stand without quotes.
func setPolicy(req *http.Request, p Policies) error {
	pattern, err := patternOf(req)
	if err != nil {
		return err
	}
	body, err := readBody(req, maxPolicyBody)
	if err != nil {
		return errInternal
	}
	var settings map[string]any
	in := json.NewDecoder(strings.NewReader(body))
	in.UseNumber()
	if err := in.Decode(&settings); err != nil {
		return &apiError{http.StatusBadRequest, "INVALID_POLICY: the body is no JSON object of settings"}
	}
	texts := policy.Policy{}
	for name, value := range settings {
		texts[name] = fmt.Sprint(value)
	}
	return policyError(p.SetPolicy(req.Context(), pattern, texts))
}

func deletePolicy(req *http.Request, p Policies) error {
	pattern, err := patternOf(req)
	if err != nil {
		return err
	}
	return policyError(p.DeletePolicy(req.Context(), pattern))
}

func patternOf(req *http.Request) (string, error) {
	q, err := query(req)
	if err != nil {
		return "", err
	}
	pattern, ok := q.lookup("pattern")
	if !ok {
		return "", errMissingArgPattern
	}
	return strings.Clone(pattern), nil
}

func policyError(err error) error {
	switch {
	case errors.Is(err, policy.ErrInvalid):
		return &apiError{http.StatusBadRequest, "INVALID_POLICY: " + err.Error()}
	case errors.Is(err, node.ErrNoPolicy):
		return &apiError{http.StatusNotFound, "POLICY_NOT_FOUND"}
	}
	return inHTTP(err)
}
