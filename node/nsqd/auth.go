package nsqd

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Authorizer tells what a client that sent AUTH may do.
type Authorizer interface {
	Query(ctx context.Context, q AuthQuery) (*Authorization, error)
}

// AuthQuery is what an authorization server is told about a client.
type AuthQuery struct {
	RemoteIP   string // empty on a Unix socket
	TLS        bool
	CommonName string // of the client's certificate, if it showed one
	Secret     string // the body of AUTH
}

func (q AuthQuery) values() url.Values {
	return url.Values{
		"remote_ip":   {q.RemoteIP},
		"tls":         {strconv.FormatBool(q.TLS)},
		"common_name": {q.CommonName},
		"secret":      {q.Secret},
	}
}

// AuthOptions are what AuthServers need to know.
type AuthOptions struct {
	Addresses      []string // host:port, or a URL that is used as it is
	Post           bool     // send the query as JSON in a POST; otherwise in the URL of a GET
	ConnectTimeout time.Duration
	RequestTimeout time.Duration // for one server, connecting included
	TLS            *tls.Config   // nil is the system's
	Log            *slog.Logger
}

// maxAuthAnswer is more than any sensible list of authorizations, and less than what would hurt.
const maxAuthAnswer = 8 << 20

var errNoAuthServer = errors.New("no authorization server configured")

// AuthServers asks one of several equal authorization servers over HTTP. Its methods may be called from several goroutines.
type AuthServers struct {
	urls   []string
	post   bool
	client *http.Client
	log    *slog.Logger
}

// NewAuthServers returns a client of the servers; it has asked none of them yet.
func NewAuthServers(o AuthOptions) *AuthServers {
	s := &AuthServers{post: o.Post, log: o.Log}
	for _, address := range o.Addresses {
		if !strings.Contains(address, "://") {
			address = "http://" + address + "/auth"
		}
		s.urls = append(s.urls, address)
	}
	s.client = &http.Client{
		Timeout: o.RequestTimeout,
		Transport: &http.Transport{
			DialContext:         (&net.Dialer{Timeout: o.ConnectTimeout}).DialContext,
			TLSHandshakeTimeout: o.ConnectTimeout,
			TLSClientConfig:     o.TLS,
			IdleConnTimeout:     15 * time.Second, // clients that reconnect together share connections
		},
	}
	return s
}

// Query asks the servers one after another, from a random one on, until one gives a valid answer. An answer that grants
// nothing is valid.
func (s *AuthServers) Query(ctx context.Context, q AuthQuery) (*Authorization, error) {
	if len(s.urls) == 0 {
		return nil, errNoAuthServer
	}
	var failures []error
	start := rand.IntN(len(s.urls))
	for i := range s.urls {
		server := s.urls[(start+i)%len(s.urls)]
		a, err := s.ask(ctx, server, q.values())
		if err == nil {
			if len(failures) > 0 {
				s.log.Warn("authorization servers failed before another answered", "err", errors.Join(failures...))
			}
			return a, nil
		}
		failures = append(failures, fmt.Errorf("query authorization server %s: %w", server, err))
	}
	return nil, errors.Join(failures...)
}

// ask asks one server, a second time over HTTPS if it insists on that.
func (s *AuthServers) ask(ctx context.Context, server string, params url.Values) (*Authorization, error) {
	status, body, err := s.send(ctx, server, params)
	if err != nil {
		return nil, err
	}
	if status == http.StatusForbidden {
		if secure, ok := onHTTPS(server, body); ok {
			if status, body, err = s.send(ctx, secure, params); err != nil {
				return nil, err
			}
		}
	}
	if status != http.StatusOK {
		return nil, fmt.Errorf("got status %d", status)
	}
	return parseAuthorization(body, time.Now())
}

func (s *AuthServers) send(ctx context.Context, server string, params url.Values) (status int, body []byte, err error) {
	req, err := s.request(ctx, server, params)
	if err != nil {
		return 0, nil, withoutURL(err)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return 0, nil, withoutURL(err)
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(io.LimitReader(resp.Body, maxAuthAnswer+1))
	if err != nil {
		return 0, nil, fmt.Errorf("read answer: %w", err)
	}
	if len(body) > maxAuthAnswer {
		return 0, nil, fmt.Errorf("answer exceeds %d bytes", maxAuthAnswer)
	}
	return resp.StatusCode, body, nil
}

func (s *AuthServers) request(ctx context.Context, server string, params url.Values) (*http.Request, error) {
	method, target, payload := http.MethodGet, server+"?"+params.Encode(), []byte(nil)
	if s.post {
		method, target = http.MethodPost, server
		payload, _ = json.Marshal(params) // a map of strings cannot fail
	}
	req, err := http.NewRequestWithContext(ctx, method, target, bytes.NewReader(payload))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/vnd.nsq; version=1.0")
	if s.post {
		req.Header.Set("Content-Type", "application/json")
	}
	return req, nil
}

// withoutURL drops the URL from an error, because it holds the client's secret and errors are logged.
func withoutURL(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return fmt.Errorf("%s: %w", strings.ToLower(e.Op), e.Err)
	}
	return err
}

// onHTTPS returns the HTTPS form of a plain URL if the body of a refusal names a port for it.
func onHTTPS(server string, refusal []byte) (string, bool) {
	var answer struct {
		Port int `json:"https_port"`
	}
	u, err := url.Parse(server)
	if err != nil || u.Scheme != "http" {
		return "", false
	}
	if err := json.Unmarshal(refusal, &answer); err != nil || answer.Port <= 0 {
		return "", false
	}
	u.Scheme = "https"
	u.Host = net.JoinHostPort(u.Hostname(), strconv.Itoa(answer.Port))
	return u.String(), true
}
