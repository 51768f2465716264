package admin

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/nsqmesh/nsqmesh/httpapi"
)

// maxAnswer bounds what one node may answer.
const maxAnswer = 256 << 20

// caller asks one HTTP API of one node.
type caller struct {
	client *http.Client
	base   string // "http://host:port"
	token  func() string
}

// refusal is an answer other than 200.
type refusal struct {
	status  int
	message string
	port    int // where HTTPS is, if that is what the node wants
}

func (r *refusal) Error() string {
	if r.message == "" {
		return fmt.Sprintf("answered %d %s", r.status, http.StatusText(r.status))
	}
	return fmt.Sprintf("answered %d %s", r.status, r.message)
}

// refused tells whether a node answered, and with that status.
func refused(err error, status int) bool {
	r, ok := errors.AsType[*refusal](err)
	return ok && r.status == status
}

// newClient keeps connections to many nodes, few to each.
func newClient(connect time.Duration, config *tls.Config) *http.Client {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Client{Transport: &http.Transport{
		DialContext:     (&net.Dialer{Timeout: connect}).DialContext,
		TLSClientConfig: config, IdleConnTimeout: time.Minute, MaxIdleConnsPerHost: 4, Protocols: protocols,
	}}
}

// inProcess makes a handler of this node a server that is asked without a socket.
type inProcess struct{ h http.Handler }

// RoundTrip keeps the answer in memory.
func (p inProcess) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	if req.Body == nil {
		req.Body = http.NoBody
	}
	req.RequestURI = req.URL.RequestURI()
	req.RemoteAddr = "admin"
	w := &memoryAnswer{header: http.Header{}}
	p.h.ServeHTTP(w, req)
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return &http.Response{
		StatusCode: w.status, Status: http.StatusText(w.status), Header: w.header, Request: req, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Body: io.NopCloser(&w.body), ContentLength: int64(w.body.Len()),
	}, nil
}

type memoryAnswer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *memoryAnswer) Header() http.Header { return w.header }

func (w *memoryAnswer) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

func (w *memoryAnswer) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(b)
}

// get asks and decodes the answer.
func (c caller) get(ctx context.Context, target string, into any) error {
	return c.call(ctx, http.MethodGet, target, nil, into)
}

// post asks for a change.
func (c caller) post(ctx context.Context, target string, body []byte, into any) error {
	return c.call(ctx, http.MethodPost, target, body, into)
}

// call asks once, and once more over HTTPS where the node wants that.
func (c caller) call(ctx context.Context, method, target string, body []byte, into any) error {
	err := c.once(ctx, c.base, method, target, body, into)
	r, ok := errors.AsType[*refusal](err)
	if !ok || r.status != http.StatusForbidden || r.port <= 0 || !strings.HasPrefix(c.base, "http://") {
		return err
	}
	u, parseErr := url.Parse(c.base)
	if parseErr != nil {
		return err
	}
	return c.once(ctx, "https://"+net.JoinHostPort(u.Hostname(), strconv.Itoa(r.port)), method, target, body, into)
}

func (c caller) once(ctx context.Context, base, method, target string, body []byte, into any) error {
	req, err := http.NewRequestWithContext(ctx, method, base+target, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("ask %s: %w", base, err)
	}
	req.Header.Set("Accept", "application/vnd.nsq; version=1.0")
	req.Header.Set("User-Agent", httpapi.QuietAgent)
	if c.token != nil {
		if token := c.token(); token != "" {
			req.Header.Set("Authorization", "Bearer "+token)
		}
	}
	resp, err := c.client.Do(req)
	if err != nil {
		return plainly(err)
	}
	defer resp.Body.Close()
	return readAnswer(resp, into)
}

func readAnswer(resp *http.Response, into any) error {
	limited := io.LimitReader(resp.Body, maxAnswer)
	if resp.StatusCode != http.StatusOK {
		var said struct {
			Message string `json:"message"`
			Port    int    `json:"https_port"`
		}
		b, _ := io.ReadAll(io.LimitReader(limited, 64<<10))
		if json.Unmarshal(b, &said) != nil {
			said.Message = ""
		}
		return &refusal{resp.StatusCode, said.Message, said.Port}
	}
	if into == nil {
		_, _ = io.Copy(io.Discard, limited)
		return nil
	}
	var body bytes.Buffer // read at once: decoding a stream would scan it twice
	body.Grow(int(max(min(resp.ContentLength, maxAnswer), 0)) + bytes.MinRead)
	if _, err := body.ReadFrom(limited); err != nil {
		return fmt.Errorf("read its answer: %w", plainly(err))
	}
	if err := json.Unmarshal(body.Bytes(), into); err != nil {
		return fmt.Errorf("read its answer: %w", err)
	}
	return nil
}

// plainly leaves out what people see anyway: which URL it was.
func plainly(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return errSilent
	case errors.Is(err, context.Canceled):
		return err
	}
	if e, ok := errors.AsType[net.Error](err); ok && e.Timeout() {
		return errSilent
	}
	return err
}

var errSilent = errors.New("did not answer in time")
