package httpapi

import (
	"fmt"
	"log/slog"
	"net/http"
	"time"
)

const (
	// A client that needs longer for its header is stuck or hostile. Stock nsqd waits for ever.
	readHeaderTimeout = 30 * time.Second
	// Far above any request of an NSQ client, far below the megabyte that net/http would keep for each connection.
	maxHeaderBytes = 64 << 10
)

// NewServer returns a server for one listener, plain or TLS. It speaks HTTP/1.1 only, as stock does. Idle connections
// are kept: a publisher's next POST must not meet a connection that is just being closed, for it could not be repeated.
func NewServer(h http.Handler, log *slog.Logger) *http.Server {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: readHeaderTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		Protocols:         protocols,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
}

// TLSRequired answers everything with the refusal that tells a client where HTTPS is; it takes the place of the API on
// the plain listener of a node that requires TLS. The port is 0 when there is no HTTPS listener.
func TLSRequired(httpsPort int) http.Handler {
	// Spaces and order are stock's own here, so no encoder writes it.
	body := fmt.Appendf(nil, `{"message": "TLS_REQUIRED", "https_port": %d}`, httpsPort)
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header()[markerHeader] = markerValue
		write(w, http.StatusForbidden, jsonType, body)
	})
}
