package admin

import (
	_ "embed"
	"net/http"
)

// document describes the API. A test writes it from the routes and types (go test ./admin -run OpenAPI -update) and compares.
//
//go:embed openapi.json
var document []byte

func (a *Admin) openAPI(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_, _ = w.Write(document)
}
