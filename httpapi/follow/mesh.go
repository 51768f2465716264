package follow

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// ErrLookup says that an address cannot be one of a lookup.
var ErrLookup = errors.New("bad lookup address")

// Mesh says where nodes can be asked about each other, and where the client is.
type Mesh struct {
	// Lookups are lookup HTTP addresses (port 4161) of some nodes: host:port, or a URL to which /watch is added. One that
	// answers is enough.
	Lookups []string

	// Zone and Region are those of the client; a Producer prefers nodes with the same ones.
	Zone, Region string

	HTTP *http.Client // asks the lookups; a plain one if nil. It must not have a Timeout: a watch lasts
	Log  *slog.Logger // slog.Default() if nil
}

func (m *Mesh) watcher(topic string, told func(*report)) (*watcher, error) {
	w := &watcher{topic: topic, told: told, client: m.HTTP, log: m.logger()}
	if w.client == nil {
		w.client = &http.Client{}
	}
	for _, address := range m.Lookups {
		u, err := parseLookup(address)
		if err != nil {
			return nil, err
		}
		w.lookups = append(w.lookups, &lookup{url: u})
	}
	if w.lookups == nil {
		return nil, fmt.Errorf("%w: there is none", ErrLookup)
	}
	return w, nil
}

func (m *Mesh) logger() *slog.Logger {
	if m.Log == nil {
		return slog.Default()
	}
	return m.Log
}

// parseLookup takes what go-nsq takes for an nsqlookupd.
func parseLookup(address string) (*url.URL, error) {
	given := address
	if !strings.Contains(address, "://") {
		if _, _, err := net.SplitHostPort(address); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrLookup, err)
		}
		address = "http://" + address
	}
	u, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrLookup, err)
	}
	if u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("%w: %q", ErrLookup, given)
	}
	return u.JoinPath("watch"), nil
}
