package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/nsqmesh/nsqmesh/node/names"
	"github.com/nsqmesh/nsqmesh/node/queue"
)

// Draining empties a node so that it can go: producers are sent elsewhere, consumers get what is here, and what they leave
// is handed over to other nodes. See docs/draining.md for what that means for each kind of message.

// DrainState is how far it has come.
type DrainState string

const (
	Serving DrainState = "serving" // not draining
	Waiting DrainState = "waiting" // for consumers
	Moving  DrainState = "moving"  // what is left, to other nodes
	Drained DrainState = "drained" // nothing is here any more
	Failed  DrainState = "failed"  // something is left, and consumers get it as before
)

const (
	drainLook    = 50 * time.Millisecond  // between looks at what is left
	drainPause   = 500 * time.Millisecond // after no other node took a batch
	drainGoodbye = time.Second            // for whoever watches to see that it is done
)

// DrainOptions say how to drain.
type DrainOptions struct {
	Wait    time.Duration // for consumers, before what is left is moved
	Timeout time.Duration // for all of it
	Stay    bool          // do not leave when all is gone
}

// DrainStatus is what there is to see of it.
type DrainStatus struct {
	State    DrainState
	Started  time.Time // zero when serving
	Stay     bool
	Waiting  int64 // messages that are still here
	InFlight int64
	Deferred int64
	Moved    int64            // messages that other nodes took over
	To       map[string]int64 // of these, by name of the node
	Dropped  int64            // of ephemeral topics and channels, which end with the node
	Err      error            // why it failed, or the last trouble so far
}

var (
	ErrNotDraining = errors.New("node is not draining")
	ErrLeaving     = errors.New("node is leaving")
)

// Drainer drains the node when it is told to.
type Drainer struct {
	node  *Node
	give  Transfer
	log   *slog.Logger
	start chan struct{}
	leave chan struct{}

	mu      sync.Mutex // guards what follows
	options DrainOptions
	status  DrainStatus
	cancel  context.CancelFunc // of the draining under way, or nil
	done    chan struct{}      // closed when that has ended
}

// NewDrainer returns one that hands messages over by t, or only waits for consumers if that is nil.
func NewDrainer(n *Node, t Transfer) *Drainer {
	return &Drainer{
		node: n, give: t, log: n.o.Log, start: make(chan struct{}, 1), leave: make(chan struct{}),
		status: DrainStatus{State: Serving},
	}
}

// Left is closed when the node is empty and is to end.
func (d *Drainer) Left() <-chan struct{} { return d.leave }

// Draining tells whether producers should go elsewhere. So should whoever asks whether the node is ready.
func (d *Drainer) Draining() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.status.State != Serving
}

// Status returns how far it has come.
func (d *Drainer) Status() DrainStatus {
	load := d.node.load()
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.status
	s.Waiting, s.InFlight, s.Deferred = load.waiting, load.inFlight, load.deferred
	s.To = maps.Clone(s.To)
	return s
}

// Drain begins. A node that is draining goes on with these options; one that failed or stayed begins anew.
func (d *Drainer) Drain(o DrainOptions) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.options = o
	d.status.Stay = o.Stay
	if d.cancel != nil {
		return nil
	}
	select {
	case <-d.leave:
		return ErrLeaving
	default:
	}
	d.status = DrainStatus{State: Waiting, Started: time.Now(), Stay: o.Stay, To: map[string]int64{}}
	select {
	case d.start <- struct{}{}:
	default:
	}
	return nil
}

// Cancel makes an ordinary node of a draining one. What was moved stays where it is.
func (d *Drainer) Cancel() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	select {
	case <-d.leave:
		return ErrLeaving
	case <-d.start:
	default:
	}
	if d.status.State == Serving {
		return ErrNotDraining
	}
	if cancel, done := d.cancel, d.done; cancel != nil {
		cancel()
		d.mu.Unlock()
		<-done
		d.mu.Lock()
	}
	select {
	case <-d.leave: // it had just come to its end
		return ErrLeaving
	default:
	}
	d.status = DrainStatus{State: Serving}
	d.node.refuse(nil)
	d.log.Info("draining cancelled")
	return nil
}

// Run drains whenever that is asked for, until ctx ends.
func (d *Drainer) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-d.start:
			d.drainOnce(ctx)
		}
	}
}

func (d *Drainer) drainOnce(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	d.mu.Lock()
	if d.status.State != Waiting { // cancelled before it began
		d.mu.Unlock()
		cancel()
		return
	}
	d.cancel, d.done = cancel, done
	d.mu.Unlock()
	defer close(done)
	defer cancel()

	d.log.Info("draining: no more publishes here")
	d.node.refuse(queue.ErrDraining)
	err := d.empty(ctx)
	d.node.broker.Withhold(false)
	if d.finish(ctx, err) {
		sleep(ctx, drainGoodbye)
	}
	d.rest(ctx)
}

// finish notes how it ended and returns whether the node is to leave.
func (d *Drainer) finish(ctx context.Context, err error) bool {
	l := d.node.load()
	d.mu.Lock()
	defer d.mu.Unlock()
	s := &d.status
	switch {
	case ctx.Err() != nil:
		return false
	case err != nil:
		s.State, s.Err = Failed, err
		d.log.Error("draining failed, consumers get what is left", "err", err, "moved", s.Moved)
		return false
	}
	s.State, s.Err = Drained, nil
	if !s.Stay {
		s.Dropped = l.all()
	}
	d.log.Info("drained", "moved", s.Moved, "to", s.To, "dropped", s.Dropped, "stay", s.Stay,
		"took", time.Since(s.Started).Round(time.Millisecond))
	return !s.Stay
}

// rest ends the draining, and the node as well if it is empty and nobody changed his mind at the last moment.
func (d *Drainer) rest(ctx context.Context) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.cancel = nil
	if d.status.State == Drained && !d.status.Stay && ctx.Err() == nil {
		close(d.leave)
	}
}

// empty returns nil when nothing is left.
func (d *Drainer) empty(ctx context.Context) error {
	for ctx.Err() == nil && d.left(d.opts().Wait) > 0 {
		if l := d.node.load(); l.all() == 0 || l.stuck() {
			break
		}
		sleep(ctx, drainLook)
	}
	d.enter(Moving)
	d.node.broker.Withhold(true)
	var trouble error
	for ctx.Err() == nil {
		late := d.left(d.opts().Timeout) <= 0
		if err := d.move(ctx, late); err != nil {
			trouble = err
			d.note(err)
		}
		switch l := d.node.load(); {
		case l.durable == 0:
			return nil
		case late:
			return fmt.Errorf("%d messages are left: %w", l.durable, errors.Join(trouble, ErrDrainTimeout))
		}
		if trouble != nil {
			sleep(ctx, min(drainPause, max(d.left(d.opts().Timeout), drainLook)))
		} else {
			sleep(ctx, drainLook) // what is in flight comes back or is finished
		}
		trouble = nil
	}
	return ctx.Err()
}

// ErrDrainTimeout means that consumers or other nodes were too slow.
var ErrDrainTimeout = errors.New("time is up")

func (d *Drainer) opts() DrainOptions {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.options
}

// left is how much of a time since the start is left.
func (d *Drainer) left(of time.Duration) time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	return of - time.Since(d.status.Started)
}

func (d *Drainer) enter(s DrainState) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.status.State = s
	d.log.Info("draining: what is left goes to other nodes")
}

func (d *Drainer) note(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.status.Err == nil {
		d.log.Warn("draining: some messages stay for now", "err", err)
	}
	d.status.Err = err
}

func sleep(ctx context.Context, t time.Duration) {
	timer := time.NewTimer(t)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// refuse sends producers elsewhere, or has them back.
func (n *Node) refuse(reason error) {
	n.registry.SetDraining(reason != nil)
	n.broker.Refuse(reason)
}

// load is what a node holds.
type load struct {
	waiting, inFlight, deferred int64
	durable                     int64 // of all these, what does not end with the node
	moves                       bool  // consumers can make it less
}

func (l load) all() int64 { return l.waiting + l.inFlight + l.deferred }

// stuck tells whether nobody will take what is left.
func (l load) stuck() bool { return !l.moves && l.inFlight == 0 }

// load adds up all topics.
func (n *Node) load() (sum load) {
	for _, t := range n.broker.Stats("", "") {
		ephemeral := names.Ephemeral(t.Name)
		sum.add(load{waiting: t.Depth}, ephemeral)
		for _, c := range t.Channels {
			sum.add(load{
				waiting: c.Depth, inFlight: int64(c.InFlight), deferred: int64(c.Deferred),
				moves: c.ConsumerCount > 0 && !c.Paused && c.Depth+int64(c.InFlight) > 0,
			}, ephemeral || names.Ephemeral(c.Name))
		}
	}
	return sum
}

func (l *load) add(m load, ephemeral bool) {
	l.waiting += m.waiting
	l.inFlight += m.inFlight
	l.deferred += m.deferred
	l.moves = l.moves || m.moves
	if !ephemeral {
		l.durable += m.all()
	}
}
