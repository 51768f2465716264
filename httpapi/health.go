package httpapi

import (
	"encoding/json"
	"net/http"

	"github.com/julienschmidt/httprouter"
)

// addHealth adds what orchestrators ask. Both routes are quiet, for they are asked every few seconds.
func (a *nsqdAPI) addHealth(r *router) {
	r.quiet("GET", "/health/live", func(*http.Request, httprouter.Params) (any, error) {
		return healthDocument{Status: "live", Reasons: []string{}}, nil
	})
	if a.NotReady == nil {
		return
	}
	r.route("GET", "/health/ready", func(w http.ResponseWriter, _ *http.Request, _ httprouter.Params) int {
		doc, status := healthDocument{Status: "ready", Reasons: []string{}}, http.StatusOK
		if reasons := a.NotReady(); len(reasons) > 0 {
			doc, status = healthDocument{Status: "not ready", Reasons: reasons}, http.StatusServiceUnavailable
		}
		body, _ := json.Marshal(doc) // strings cannot fail
		write(w, status, jsonType, body)
		return status
	})
}

type healthDocument struct {
	Status  string   `json:"status"`
	Reasons []string `json:"reasons"` // why not
}
