package cluster

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/nsqmesh/nsqmesh/cmd/cli"
)

// APIFlags say how tools speak HTTP with nodes.
type APIFlags struct {
	connectTimeout, RequestTimeout time.Duration
	rootCA, cert, key              string
	skipVerify                     bool
}

// NewAPIFlags have the usual patience.
func NewAPIFlags() APIFlags {
	return APIFlags{connectTimeout: 2 * time.Second, RequestTimeout: 5 * time.Second}
}

// Add gives a command the flags.
func (a *APIFlags) Add(f *cli.Flags) {
	f.Add(&a.connectTimeout, "http-client-connect-timeout", "`duration` for connecting over HTTP")
	f.Add(&a.RequestTimeout, "http-client-request-timeout", "`duration` for a whole HTTP request")
	f.Add(&a.rootCA, "http-client-tls-root-ca-file", "PEM `file` of the authority that HTTPS servers must have a certificate of")
	f.Add(&a.cert, "http-client-tls-cert", "PEM `file` of the certificate to show them")
	f.Add(&a.key, "http-client-tls-key", "PEM `file` of its key")
	f.Add(&a.skipVerify, "http-client-tls-insecure-skip-verify", "take any certificate")
}

// Client checks the flags.
func (a *APIFlags) Client() (*Client, error) {
	switch {
	case a.connectTimeout <= 0:
		return nil, cli.WrongUsage("--http-client-connect-timeout should be positive")
	case a.RequestTimeout <= 0:
		return nil, cli.WrongUsage("--http-client-request-timeout should be positive")
	}
	pool, err := Authorities(a.rootCA)
	if err != nil {
		return nil, fmt.Errorf("read --http-client-tls-root-ca-file: %w", err)
	}
	config := &tls.Config{RootCAs: pool, InsecureSkipVerify: a.skipVerify}
	if a.cert != "" {
		pair, err := tls.LoadX509KeyPair(a.cert, a.key)
		if err != nil {
			return nil, fmt.Errorf("read --http-client-tls-cert and -key: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return &Client{http.Client{
		Timeout: a.RequestTimeout,
		Transport: &http.Transport{
			DialContext:     (&net.Dialer{Timeout: a.connectTimeout}).DialContext,
			TLSClientConfig: config, IdleConnTimeout: time.Minute,
		},
	}}, nil
}

// Client asks nodes, stock ones included, over HTTP.
type Client struct{ Http http.Client }

// refusal is an answer other than 200.
type refusal struct {
	status  int
	message string
	port    int // where HTTPS is, if that is what the node wants
}

func (r *refusal) Error() string { return fmt.Sprintf("%d %s", r.status, r.message) }

// Keep keeps this many connections to one server, for as many requests at a time.
func (c *Client) Keep(connections int) {
	c.Http.Transport.(*http.Transport).MaxIdleConnsPerHost = connections
}

// Get asks one node and decodes its answer. A node that wants HTTPS is asked again.
func (c *Client) Get(ctx context.Context, address, path string, query url.Values, into any) error {
	return c.exchange(ctx, http.MethodGet, address, path, query, nil, into)
}

// Post has one node act, and decodes its answer unless into is nil.
func (c *Client) Post(ctx context.Context, address, path string, query url.Values, into any) error {
	return c.exchange(ctx, http.MethodPost, address, path, query, nil, into)
}

// PostBody is Post with a body.
func (c *Client) PostBody(ctx context.Context, address, path string, query url.Values, content []byte, into any) error {
	return c.exchange(ctx, http.MethodPost, address, path, query, content, into)
}

func (c *Client) exchange(ctx context.Context, method, address, path string, query url.Values, content []byte, into any) error {
	base, err := baseURL(address)
	if err != nil {
		return err
	}
	err = c.ask(ctx, method, base, path, query, content, into)
	if r := new(refusal); errors.As(err, &r) && r.status == http.StatusForbidden && r.port > 0 {
		secure := *base
		secure.Scheme, secure.Host = "https", net.JoinHostPort(base.Hostname(), strconv.Itoa(r.port))
		err = c.ask(ctx, method, &secure, path, query, content, into)
	}
	if err != nil && !strings.Contains(err.Error(), "://") { // Go's own errors name the URL
		return fmt.Errorf("%s %s%s: %w", method, base, path, err)
	}
	return err
}

// baseURL takes host:port and URLs.
func baseURL(address string) (*url.URL, error) {
	if !strings.Contains(address, "://") {
		address = "http://" + address
	}
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return nil, cli.WrongUsage("address %s: %v", address, err)
	case u.Port() == "":
		return nil, cli.WrongUsage("address %s: missing port", address)
	}
	u.Path, u.RawQuery = strings.TrimRight(u.Path, "/"), ""
	return u, nil
}

func (c *Client) ask(ctx context.Context, method string, base *url.URL, path string, query url.Values, content []byte, into any) error {
	target := *base
	target.Path, target.RawQuery = base.Path+path, query.Encode()
	req, err := http.NewRequestWithContext(ctx, method, target.String(), bytes.NewReader(content))
	if err != nil {
		return err
	}
	req.Header.Set("Accept", "application/vnd.nsq; version=1.0")
	resp, err := c.Http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return refusalOf(resp.StatusCode, body)
	}
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("decode answer: %w", err)
	}
	return nil
}

func refusalOf(status int, body []byte) error {
	var said struct {
		Message string   `json:"message"`
		Port    int      `json:"https_port"`
		Reasons []string `json:"reasons"` // of /health/ready
	}
	if json.Unmarshal(body, &said) != nil || said.Message == "" && len(said.Reasons) == 0 {
		said.Message = http.StatusText(status)
	}
	if len(said.Reasons) > 0 {
		said.Message = strings.Join(said.Reasons, "; ")
	}
	return &refusal{status, said.Message, said.Port}
}

// Refused tells whether a node answered that it will not do it, and what it said.
func Refused(err error) (message string, refused bool) {
	if r := new(refusal); errors.As(err, &r) {
		return r.message, true
	}
	return "", false
}

// isRefusal tells whether a node answered, and with that status.
func isRefusal(err error, status int) bool {
	r := new(refusal)
	return errors.As(err, &r) && r.status == status
}

// Authorities returns nil, the pool of the system, when there is no file.
func Authorities(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, errors.New("failed to append certificate to pool")
	}
	return pool, nil
}
