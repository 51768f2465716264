package tools

import (
	"cmp"
	"fmt"
	"io"
	"slices"

	"github.com/nsqmesh/nsqmesh/cmd/cli"
)

// statLines prints a line for each interval in the columns of nsq_stat.
type statLines struct {
	out   io.Writer
	key   channelKey
	lines int
}

// Twenty-five polls with one head among them, the first of which prints no line.
const linesToHead = 25

func (s *statLines) show(rates map[channelKey]rate, _ []error) error {
	if (s.lines+1)%linesToHead == 0 || s.lines == 0 {
		fmt.Fprintf(s.out, "%s+%s+%s\n", "------rate------", "----------------depth----------------", "--------------metadata---------------")
		fmt.Fprintf(s.out, "%7s %7s | %7s %7s %7s %5s %5s | %7s %7s %12s %7s\n",
			"ingress", "egress", "total", "mem", "disk", "inflt", "def", "req", "t-o", "msgs", "clients")
	}
	s.lines++
	r := rates[s.key]
	_, err := fmt.Fprintf(s.out, "%7d %7d | %7d %7d %7d %5d %5d | %7d %7d %12d %7d\n",
		int64(r.In), int64(r.Out), r.Depth, r.Depth-r.Backend, r.Backend, r.InFlight, r.Deferred,
		r.Requeued, r.TimedOut, r.Messages, r.Clients)
	return err
}

// statTable shows all topics and channels, on a terminal always in the same place.
type statTable struct {
	out   io.Writer
	live  bool
	top   int
	paint cli.Paint
	drawn int // lines on the screen
}

// busyDepth is a depth that the eye should find.
const busyDepth = 10_000

func (s *statTable) show(rates map[channelKey]rate, failed []error) error {
	keys, left := s.choose(rates)
	t := &cli.Table{Head: []string{"TOPIC", "CHANNEL", " IN/S", " OUT/S", " DEPTH", " DISK", " INFLT", " DEF", " REQ", " T-O", " CLIENTS", "STATE"}}
	topic := ""
	for _, key := range keys {
		r := rates[key]
		name := cli.Plain(key.topic)
		if key.topic == topic {
			name = cli.Plain("")
		}
		topic = key.topic
		depth := cli.Number(r.Depth)
		if r.Depth >= busyDepth {
			depth.Paint = s.paint.Warn
		}
		t.Add(name, cli.Plain(key.channel), cli.Number(int64(r.In+0.5)), cli.Number(int64(r.Out+0.5)), depth, cli.Number(r.Backend), cli.Number(r.InFlight),
			cli.Number(r.Deferred), cli.Number(r.Requeued), cli.Number(r.TimedOut), cli.Number(r.Clients), r.state(s.paint))
	}
	s.begin()
	s.drawn = t.Print(s.out, s.paint)
	if left > 0 {
		s.note("... and %s that are quieter (--top=0 shows all)", cli.Plural(int64(left), "row"))
	}
	for _, err := range failed {
		s.note("%s", s.paint.Bad(err.Error()))
	}
	return s.end()
}

// begin takes the cursor to where the last table began. Lines are cut at the edge of a terminal for as long as we draw: one
// that went on in the next would not be counted.
func (s *statTable) begin() {
	switch {
	case s.live && s.drawn > 0:
		fmt.Fprintf(s.out, "\x1b[?7l\x1b[%dA\x1b[J", s.drawn)
	case s.live:
		fmt.Fprint(s.out, "\x1b[?7l")
	case s.drawn > 0:
		fmt.Fprintln(s.out)
	}
}

func (s *statTable) end() (err error) {
	if s.live {
		_, err = fmt.Fprint(s.out, "\x1b[?7h")
	}
	return err
}

func (s *statTable) note(format string, args ...any) {
	fmt.Fprintf(s.out, format+"\n", args...)
	s.drawn++
}

// choose picks the rows that fit, the busiest, and shows them in the order of their names.
func (s *statTable) choose(rates map[channelKey]rate) (keys []channelKey, left int) {
	keys = sortedChannelKeys(rates)
	if !s.live || s.top == 0 || len(keys) <= s.top {
		return keys, 0
	}
	slices.SortStableFunc(keys, func(a, b channelKey) int {
		x, y := rates[a], rates[b]
		return cmp.Or(cmp.Compare(y.In+y.Out, x.In+x.Out), cmp.Compare(y.Depth, x.Depth))
	})
	left = len(keys) - s.top
	keys = keys[:s.top]
	slices.SortFunc(keys, channelKey.compare)
	return keys, left
}
