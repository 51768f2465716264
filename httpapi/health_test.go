package httpapi

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestHealth(t *testing.T) {
	var reasons []string
	api := NewNsqd(NsqdOptions{
		Metadata: localMetadata{},
		NotReady: func() []string { return reasons },
		Metrics:  http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("metrics")) }),
		Log:      slog.New(slog.DiscardHandler),
	})
	tests := map[string]struct {
		reasons []string
		path    string
		status  int
		want    string
	}{
		"a node that answers lives, ready or not": {[]string{"draining"}, "/health/live", 200, `{"status":"live","reasons":[]}`},
		"nothing speaks against it":               {nil, "/health/ready", 200, `{"status":"ready","reasons":[]}`},
		"it says why it is not ready": {[]string{"starting", "the disk: full"}, "/health/ready", 503,
			`{"status":"not ready","reasons":["starting","the disk: full"]}`},
		"metrics are whatever they are": {nil, "/metrics", 200, "metrics"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			reasons = test.reasons
			w := httptest.NewRecorder()
			api.ServeHTTP(w, httptest.NewRequest("GET", test.path, nil))
			if w.Code != test.status || w.Body.String() != test.want {
				t.Errorf("got %d %s", w.Code, w.Body)
			}
		})
	}
}
