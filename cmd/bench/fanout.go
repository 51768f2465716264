package bench

import (
	"context"
	"fmt"

	"github.com/nsqmesh/nsqmesh/cmd/cli"
)

const fanoutBenchManual = `nsqmesh bench fanout publishes to a topic with many channels, each of which gets every message.

usage: nsqmesh bench fanout [options]

    nsqmesh bench fanout --channels=8 --count=400000
        a copy for each of eight channels

    for n in 1 2 4 8 16; do nsqmesh bench fanout --topic=fan$n --channels=$n --count=200000 --output=json; done
        what one more channel costs

A message is counted once, however many channels get it. Nothing consumes them: what is published waits in the server's
memory or on its disk, so mind --count.
`

type fanoutBench struct {
	pubBench
	channels int
}

func newFanoutBench() *fanoutBench {
	f := &fanoutBench{pubBench: *newPubBench(), channels: 8}
	f.topic, f.count = "bench-fanout", 400_000
	return f
}

func (*fanoutBench) manual() string { return fanoutBenchManual }

func (s *fanoutBench) flags(f *cli.Flags) {
	s.pubBench.flags(f)
	f.Lookup("channel").Usage = "`channel` to use, with a number behind it for each"
	f.Add(&s.channels, "channels", "`number` of channels")
}

func (s *fanoutBench) run(ctx context.Context, b *benchRun) error {
	if s.channels < 1 {
		return cli.WrongUsage("--channels should be positive")
	}
	if err := s.check(); err != nil {
		return err
	}
	for i := range s.channels {
		if err := s.ensureChannel(ctx, fmt.Sprint(s.channel, i+1)); err != nil {
			return err
		}
	}
	b.result.setting("channels", s.channels)
	return s.load(ctx, b)
}
