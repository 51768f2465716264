package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/nsqmesh/nsqmesh/cmd/cli"
)

// ending is how a node is told to stop: first to do so, then to wait for nobody. Whatever is in memory is written to disk in
// both cases.
type ending struct{ stop, hurry context.Context }

// onSignals ends by SIGINT or SIGTERM: the first one stops, the second one hurries, and the third one, for a node that
// hangs, ends the process and costs what is in memory.
func onSignals(stderr io.Writer) (e ending, end func()) {
	stop, stopNow := context.WithCancel(context.Background())
	hurry, hurryUp := context.WithCancel(context.Background())
	asked, done := make(chan os.Signal, 3), make(chan struct{})
	signal.Notify(asked, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		for _, act := range []func(){stopNow, hurryUp, func() {
			fmt.Fprintln(stderr, "nsqmesh: third signal, ending at once: messages in memory are lost")
			os.Exit(cli.ExitFault)
		}} {
			select {
			case <-asked:
				act()
			case <-done:
				return
			}
		}
	}()
	return ending{stop, hurry}, func() {
		signal.Stop(asked)
		close(done)
		stopNow()
		hurryUp()
	}
}

// letFinish gives consumers the grace to finish what they have in flight.
func (s *server) letFinish() error {
	ctx, cancel := context.WithTimeout(s.hurry, s.opts.StopGrace)
	defer cancel()
	s.parts.node.Settle(ctx)
	return nil
}

// onSignal acts whenever the process gets a signal that does not end it, until ctx ends.
func onSignal(ctx context.Context, one os.Signal, act func()) error {
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, one)
	defer signal.Stop(asked)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-asked:
			act()
		}
	}
}
