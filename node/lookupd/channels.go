package lookupd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"

	"github.com/nsqmesh/nsqmesh/node/names"
)

const maxAnswer = 16 << 20

func newClient(o PeersOptions) *http.Client {
	dialer := &net.Dialer{Timeout: o.ConnectTimeout}
	return &http.Client{
		Timeout: o.RequestTimeout,
		Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSHandshakeTimeout: o.ConnectTimeout,
			DisableKeepAlives: true, // topics are made rarely, and an idle connection may be dead by then
		},
	}
}

// Channels asks all peers, at the same time, which channels they know for a topic, and returns what those that answered
// named, without the ephemeral ones. A topic that is made here starts with these channels, so that they miss nothing.
func (p *Peers) Channels(ctx context.Context, topic string) []string {
	peers := p.list()
	answers := make([][]string, len(peers))
	var asks sync.WaitGroup
	for i, x := range peers {
		asks.Go(func() {
			var err error
			if answers[i], err = x.channels(ctx, topic); err != nil {
				p.o.Log.Warn("nsqlookupd was asked for channels in vain", "address", x.addr, "topic", topic, "err", err)
			}
		})
	}
	asks.Wait()
	found := map[string]struct{}{}
	for _, channel := range slices.Concat(answers...) {
		if names.ValidChannel(channel) && !names.Ephemeral(channel) {
			found[channel] = struct{}{}
		}
	}
	return slices.Sorted(maps.Keys(found))
}

var errNotGreeted = errors.New("it was not reached yet")

func (x *peer) channels(ctx context.Context, topic string) ([]string, error) {
	x.mu.Lock()
	d := x.info
	x.mu.Unlock()
	if d.BroadcastAddress == "" {
		return nil, errNotGreeted
	}
	at := url.URL{
		Scheme: "http", Host: net.JoinHostPort(d.BroadcastAddress, strconv.Itoa(d.HTTPPort)),
		Path: "/channels", RawQuery: "topic=" + url.QueryEscape(topic),
	}
	status, body, err := x.p.get(ctx, at.String())
	if status == http.StatusForbidden {
		var secure struct {
			Port int `json:"https_port"`
		}
		if json.Unmarshal(body, &secure) == nil && secure.Port > 0 {
			at.Scheme, at.Host = "https", net.JoinHostPort(d.BroadcastAddress, strconv.Itoa(secure.Port))
			status, body, err = x.p.get(ctx, at.String())
		}
	}
	if err != nil {
		return nil, err
	}
	if status != http.StatusOK {
		return nil, fmt.Errorf("status %d: %.200q", status, body)
	}
	var answer struct{ Channels []string }
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, fmt.Errorf("read answer: %w", err)
	}
	return answer.Channels, nil
}

func (p *Peers) get(ctx context.Context, at string) (status int, body []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Accept", "application/vnd.nsq; version=1.0")
	resp, err := p.client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	return resp.StatusCode, body, err
}
