package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/nsqmesh/nsqmesh/cmd/cli"
	"github.com/nsqmesh/nsqmesh/node/statsd"
)

// runServe runs a node until it is told to stop.
func runServe(args []string, std cli.Stdio) int {
	opts, err := parseServe(args, std.Environ, std.Err)
	if err != nil {
		return endServe(std, err)
	}
	ending, end := onSignals(std.Err)
	defer end()
	if err := serve(ending, opts, std.Err); err != nil {
		return endServe(std, err)
	}
	return cli.ExitOK
}

// serve is the life of a node in one straight line: build, start, wait, stop in reverse.
func serve(e ending, opts *Options, stderr io.Writer) error {
	log, level := newLogger(opts, stderr)
	log.Info("nsqmesh starts", "version", cli.ProductVersion(), "compatible", "nsqd v"+cli.StockVersion)
	life := newLifecycle(log)
	s := &server{opts: opts, log: log, level: level, life: life, started: time.Now(), hurry: e.hurry}
	if err := s.start(); err != nil {
		return errors.Join(fmt.Errorf("failed to instantiate nsqd - %w", err), life.stop())
	}
	ended := life.wait(e.stop, s.parts.drainer.Left())
	log.Info("nsqmesh stops")
	err := errors.Join(ended, life.stop())
	if err == nil {
		log.Info("nsqmesh stopped")
	}
	return err
}

// server is a node while it is being built: what later parts need of earlier ones.
type server struct {
	opts    *Options
	log     *slog.Logger
	level   *slog.LevelVar
	life    *lifecycle
	started time.Time
	hurry   context.Context // ends when a stop is to wait for nobody
	host    string

	tls   tlsConfigs
	socks *listeners
	ready *readiness
	parts parts
}

// start makes every part, the ones that others stand on first. What it has made when it fails, life.stop undoes.
func (s *server) start() error {
	for _, step := range []func() error{
		s.prepare,
		s.openQueues,
		s.listen,
		s.openRegistry,
		s.openMesh,
		s.openRaft,
		s.startNode,
		s.openUsers,
		s.startDrainer,
		s.newAdmin,
		s.startNsqd,
		s.startLookupd,
		s.startStatsd,
		s.startAdmin,
		s.announce,
		s.open,
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (s *server) prepare() (err error) {
	if s.host, err = os.Hostname(); err != nil {
		return fmt.Errorf("read host name: %w", err)
	}
	if s.opts.DataPath == "" {
		s.opts.DataPath = "."
	}
	s.tls, err = loadTLS(s.opts)
	return err
}

func (s *server) listen() (err error) {
	if s.socks, err = listen(s.opts, s.tls.clients); err != nil {
		return err
	}
	s.life.onStop("listeners", func() error {
		s.socks.close()
		return nil
	})
	if s.opts.BroadcastTCPPort == 0 {
		s.opts.BroadcastTCPPort = max(portOf(s.socks.tcp), 0)
	}
	if s.opts.BroadcastHTTPPort == 0 {
		s.opts.BroadcastHTTPPort = max(portOf(s.socks.http), 0)
	}
	s.opts.StatsdPrefix = statsd.Prefix(s.opts.StatsdPrefix, s.opts.BroadcastAddress, s.opts.BroadcastHTTPPort)
	return nil
}

// announce says where the node listens, to people and to scripts.
func (s *server) announce() error {
	a := s.socks.addresses()
	if m := s.parts.mesh; m != nil {
		a.Gossip, a.Cluster = m.Addr(), m.LinkAddr()
	}
	if err := a.write(s.opts.DataPath); err != nil {
		return err
	}
	s.life.onStop(addressFile, func() error { return removeAddresses(s.opts.DataPath) })
	s.log.Info("ready", "name", s.name(), "node-id", s.parts.registry.NodeID(), "tcp", a.TCP, "http", a.HTTP, "https", a.HTTPS,
		"lookup-tcp", a.LookupTCP, "lookup-http", a.LookupHTTP, "admin", a.AdminHTTP, "gossip", a.Gossip, "cluster", a.Cluster)
	return nil
}

// name is what people call the node.
func (s *server) name() string {
	if s.opts.NodeName != "" {
		return s.opts.NodeName
	}
	return s.parts.id
}
