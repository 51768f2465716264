package main

import (
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// probeEvery is how long a write to the data folder is taken as proof, however often somebody asks.
const probeEvery = time.Second

// readiness is whether the node should get messages, for orchestrators and load balancers.
type readiness struct {
	started, joined, stopping atomic.Bool
	draining                  func() bool // nil: it never is
	health                    func() error
	probe                     diskProbe
}

// reasons are why the node is not ready; none when it is.
func (r *readiness) reasons() (all []string) {
	switch {
	case r.stopping.Load():
		all = append(all, "stopping")
	case !r.started.Load():
		all = append(all, "starting")
	case !r.joined.Load():
		all = append(all, "has not yet heard from the mesh")
	}
	if r.draining != nil && r.draining() {
		all = append(all, "draining")
	}
	err := r.health()
	if err == nil {
		err = r.probe.check()
	}
	if err != nil {
		all = append(all, "the disk: "+err.Error())
	}
	return all
}

// diskProbe finds out whether a file can be written.
type diskProbe struct {
	file string

	mu  sync.Mutex
	at  time.Time
	err error
}

func (p *diskProbe) check() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.at.IsZero() || time.Since(p.at) >= probeEvery {
		p.err, p.at = p.write(), time.Now()
	}
	return p.err
}

func (p *diskProbe) write() error {
	if err := os.WriteFile(p.file, []byte("x"), 0o600); err != nil {
		return err
	}
	if err := os.Remove(p.file); err != nil {
		return fmt.Errorf("remove what was written: %w", err)
	}
	return nil
}

// startReadiness makes what /health/ready asks. The node is ready once it has announced itself.
func (s *server) startReadiness() {
	s.ready = &readiness{draining: s.parts.drainer.Draining, health: s.parts.broker.Health, probe: diskProbe{file: s.file("nsqmesh.probe")}}
	s.ready.joined.Store(!s.meshed())
}

// open says that the node has started; the first thing to be said when it stops is that it does.
func (s *server) open() error {
	s.ready.started.Store(true)
	s.life.onStop("readiness", func() error {
		s.ready.stopping.Store(true)
		return nil
	})
	return nil
}
