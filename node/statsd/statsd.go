// Package statsd pushes the counters of a node's topics and channels to a statsd server over UDP, in the names that a
// stock nsqd uses, so that graphs go on.
//
// A Pusher owns what it pushed last, which counters are compared with; only Run touches that, so no lock guards it.
// It never waits for an answer and keeps no socket between pushes.
package statsd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/nsqmesh/nsqmesh/node/queue"
)

// Source is where the figures come from.
type Source interface {
	Stats(topic, channel string) []queue.TopicStats
}

// Options are what a Pusher needs to know. All are a stock nsqd's flags but Prefix, which is resolved.
type Options struct {
	Address          string // UDP host:port; a name is looked up at each push
	Prefix           string // as Prefix returns it
	Interval         time.Duration
	MemStats         bool
	PacketSize       int // largest datagram; a longer line goes alone
	ExcludeEphemeral bool
	Log              *slog.Logger
}

// Prefix resolves the prefix of all names: "%s" becomes the node's address and HTTP port with "_" for what statsd would
// take for a separator, and a dot ends it. An empty prefix stays empty.
func Prefix(format, broadcastAddress string, httpPort int) string {
	node := strings.NewReplacer(".", "_", ":", "_").Replace(broadcastAddress + ":" + strconv.Itoa(httpPort))
	prefix := strings.ReplaceAll(format, "%s", node)
	if prefix != "" && !strings.HasSuffix(prefix, ".") {
		prefix += "."
	}
	return prefix
}

// Pusher pushes to one statsd server.
type Pusher struct {
	o      Options
	source Source
	dial   func(context.Context) (net.Conn, error) // a test's way in
	before counters
}

// New returns a Pusher that has pushed nothing yet.
func New(o Options, source Source) (*Pusher, error) {
	if o.Interval <= 0 {
		return nil, fmt.Errorf("statsd interval %s is not above zero", o.Interval)
	}
	p := &Pusher{o: o, source: source}
	p.dial = func(ctx context.Context) (net.Conn, error) {
		d := net.Dialer{Timeout: time.Second}
		return d.DialContext(ctx, "udp", o.Address)
	}
	return p, nil
}

// Run pushes at the end of every interval until ctx ends.
func (p *Pusher) Run(ctx context.Context) error {
	tick := time.NewTicker(p.o.Interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if err := p.push(ctx); err != nil && ctx.Err() == nil {
			p.o.Log.Warn("statsd push failed", "address", p.o.Address, "err", err)
		}
	}
}

// push sends one report. The counters of a report that cannot be sent are in the next one; those of lost datagrams are lost.
func (p *Pusher) push(ctx context.Context) error {
	conn, err := p.dial(ctx)
	if err != nil {
		return fmt.Errorf("dial statsd: %w", err)
	}
	defer conn.Close()
	return p.send(ctx, conn, p.report())
}

// send spreads the datagrams, because a burst of them overflows buffers on the way. A failed write does not stop it: with
// UDP that is the echo of an earlier datagram, and the server may be back for the next.
func (p *Pusher) send(ctx context.Context, conn net.Conn, packets [][]byte) error {
	pause := window(p.o.Interval) / time.Duration(max(len(packets), 1))
	var failed error
	for i, packet := range packets {
		if i > 0 {
			if err := sleep(ctx, pause); err != nil {
				return err
			}
		}
		if _, err := conn.Write(packet); err != nil {
			failed = fmt.Errorf("send to statsd: %w", err)
		}
	}
	return failed
}

// window is the time over which one report is spread. It leaves a second, or half of a short interval, to be done
// well before the next.
func window(interval time.Duration) time.Duration {
	return interval - min(time.Second, interval/2)
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return errors.New("stopped")
	case <-timer.C:
		return nil
	}
}
