package main

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"path/filepath"
	"slices"

	"github.com/nsqmesh/nsqmesh/cmd/cli"
	"github.com/nsqmesh/nsqmesh/httpapi"
	"github.com/nsqmesh/nsqmesh/node/nsqd"
	"github.com/nsqmesh/nsqmesh/node/queue"
)

// serveHTTP serves an API on a listener, if that is on, and drains it for a moment when the node stops.
func (s *server) serveHTTP(name string, l net.Listener, api http.Handler) {
	if l == nil {
		return
	}
	server := httpapi.NewServer(api, s.log)
	s.life.serve(name, func() error { return endless(server.Serve(l)) })
	s.life.onStop(name, func() error { return drain(server) })
}

func (s *server) serveHTTPS(name string, l net.Listener, api http.Handler, config *tls.Config) {
	if l == nil {
		return
	}
	server := httpapi.NewServer(api, s.log)
	server.TLSConfig = config.Clone()
	s.life.serve(name, func() error { return endless(server.ServeTLS(l, "", "")) })
	s.life.onStop(name, func() error { return drain(server) })
}

// endless takes the end that we asked for as no error.
func endless(err error) error {
	if errors.Is(err, http.ErrServerClosed) || errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// drain lets requests end; those that take too long, such as endless streams, are cut.
func drain(server *http.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), httpGrace)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		return endless(server.Close())
	}
	return nil
}

func (s *server) file(name string) string { return filepath.Join(s.opts.DataPath, name) }

func (s *server) info() httpapi.Info {
	o := s.opts
	return httpapi.Info{
		Version: cli.StockVersion, BroadcastAddress: o.BroadcastAddress, Hostname: s.host,
		HTTPPort: portOf(s.socks.http), TCPPort: portOf(s.socks.tcp), StartTime: s.started,
		Zone: o.TopologyZone, Region: o.TopologyRegion,
		MaxHeartbeatInterval: o.MaxHeartbeatInterval, MaxOutputBufferSize: o.MaxOutputBufferSize,
		MaxOutputBufferTimeout: o.MaxOutputBufferTimeout, MaxDeflateLevel: o.MaxDeflateLevel,
	}
}

func (s *server) nsqdOptions() nsqd.Options {
	o, n := s.opts, nsqd.Defaults()
	n.Version = cli.StockVersion
	n.MaxMsgSize, n.MaxBodySize = o.MaxMsgSize, o.MaxBodySize
	n.MsgTimeout, n.MaxMsgTimeout, n.MaxReqTimeout = o.MsgTimeout, o.MaxMsgTimeout, o.MaxReqTimeout
	n.MaxHeartbeatInterval, n.MaxRdyCount, n.MaxChannelConsumers = o.MaxHeartbeatInterval, o.MaxRdyCount, o.MaxChannelConsumers
	n.OutputBufferTimeout, n.MinOutputBufferTimeout = o.OutputBufferTimeout, o.MinOutputBufferTimeout
	n.MaxOutputBufferTimeout, n.MaxOutputBufferSize = o.MaxOutputBufferTimeout, o.MaxOutputBufferSize
	n.Deflate, n.MaxDeflateLevel, n.Snappy = o.Deflate, o.MaxDeflateLevel, o.Snappy
	n.TLS, n.TLSRequired = s.tls.clients, o.TLSRequired != TLSNotRequired
	n.TopologyRegion, n.TopologyZone = o.TopologyRegion, o.TopologyZone
	n.TopologyAware = slices.Contains(o.Experiments, "topology-aware-consumption")
	n.Log = s.log
	if len(o.AuthHTTPAddresses) > 0 {
		n.Auth = nsqd.NewAuthServers(nsqd.AuthOptions{
			Addresses: o.AuthHTTPAddresses, Post: o.AuthHTTPRequestMethod == "post",
			ConnectTimeout: o.HTTPClientConnectTimeout, RequestTimeout: o.HTTPClientRequestTimeout,
			TLS: s.tls.outgoing, Log: s.log,
		})
	}
	return n
}

// brokerNames is the broker as stock nsqlookupds are told of it.
type brokerNames struct{ *queue.Broker }

func (b brokerNames) Topics() []string {
	var all []string
	for _, t := range b.Broker.Topics() {
		all = append(all, t.Name())
	}
	return all
}

func (b brokerNames) Channels(topic string) ([]string, bool) {
	t := b.FindTopic(topic)
	if t == nil {
		return nil, false
	}
	var all []string
	for _, c := range t.Channels() {
		all = append(all, c.Name())
	}
	return all, true
}
