package main

import (
	"context"
	"net"

	"github.com/nsqmesh/nsqmesh/httpapi"
	"github.com/nsqmesh/nsqmesh/node"
)

// startDrainer lets the node be drained, and take over what others hand over when they are.
func (s *server) startDrainer() error {
	var transfer node.Transfer
	if mesh := s.parts.mesh; mesh != nil {
		h := &heirs{take: s.parts.node.Take, most: s.opts.MaxMsgSize + handOverRoom, open: map[net.Conn]struct{}{}}
		l := mesh.StreamListener(handOverPurpose)
		s.life.serve("hand-overs", func() error { return h.serve(l) })
		s.life.onStop("hand-overs", func() error {
			err := l.Close()
			h.close()
			return err
		})
		c := &couriers{streams: map[string]net.Conn{}, dial: func(ctx context.Context, owner string) (net.Conn, error) {
			return mesh.DialStream(ctx, owner, handOverPurpose)
		}}
		s.life.onStop("couriers", func() error {
			c.close()
			return nil
		})
		transfer = c
	}
	s.parts.drainer = node.NewDrainer(s.parts.node, transfer)
	s.life.run("drainer", s.parts.drainer.Run)
	s.life.run("drain signal", s.drainOnSignal)
	return nil
}

// drainOnSignal drains whenever somebody says SIGUSR1, where there is such a signal.
func (s *server) drainOnSignal(ctx context.Context) error {
	if drainSignal == nil {
		return nil
	}
	return onSignal(ctx, drainSignal, func() {
		if err := s.parts.drainer.Drain(s.drainOptions()); err != nil {
			s.log.Warn("cannot drain", "err", err)
		}
	})
}

func (s *server) drainOptions() node.DrainOptions {
	return node.DrainOptions{Wait: s.opts.DrainWait, Timeout: s.opts.DrainTimeout}
}

// draining is how the nsqd API sees it.
func (s *server) draining() httpapi.Draining { return drains{s.parts.drainer, s.drainOptions()} }

type drains struct {
	*node.Drainer
	usual node.DrainOptions
}

func (d drains) Usual() node.DrainOptions { return d.usual }
