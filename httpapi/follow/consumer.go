package follow

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/nsqio/go-nsq"
)

const (
	partGrace  = 3 * time.Second // a node that is not listed any more keeps its connection for so long
	reconnects = time.Second     // between two looks at whether a connection is still there
)

// ErrFollowing says that Follow was called before.
var ErrFollowing = errors.New("already following")

// Consumer is an nsq.Consumer that is connected to the nodes which have its topic.
type Consumer struct {
	*nsq.Consumer

	topic string
	log   *slog.Logger
	ctx   context.Context // ends with Stop
	stop  context.CancelFunc
	work  sync.WaitGroup

	mu    sync.Mutex
	begun bool
	links map[string]*link // by address

	rdyMu    sync.Mutex // never taken together with mu: RDYs are written under it
	inFlight int
}

// link is the connection to one node, made and ended by the goroutine that keeps it alone.
type link struct {
	ends time.Time     // when it is not needed any more; zero: not in sight
	wake chan struct{} // that has changed
}

// NewConsumer returns a consumer that does nothing yet: add handlers, then Follow a mesh.
func NewConsumer(topic, channel string, config *nsq.Config) (*Consumer, error) {
	inner, err := nsq.NewConsumer(topic, channel, config)
	if err != nil {
		return nil, err
	}
	c := &Consumer{Consumer: inner, topic: topic, links: make(map[string]*link), inFlight: config.MaxInFlight}
	c.ctx, c.stop = context.WithCancel(context.Background())
	return c, nil
}

// Follow connects to all nodes that have the topic, now and from now on.
func (c *Consumer) Follow(m Mesh) error {
	w, err := m.watcher(c.topic, c.told)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.ctx.Err() != nil:
		return nsq.ErrStopped
	case c.begun:
		return ErrFollowing
	}
	c.begun, c.log = true, w.log
	c.work.Go(func() { w.run(c.ctx) })
	return nil
}

// Stop ends the consumer as an nsq.Consumer does: receive from StopChan to wait for it. A connection that is just being
// made is waited for.
func (c *Consumer) Stop() {
	c.mu.Lock()
	c.stop()
	c.mu.Unlock()
	go func() {
		c.work.Wait()
		c.Consumer.Stop()
	}()
}

// told makes links to the nodes listed for the topic, and lets those end that are not.
func (c *Consumer) told(r *report) {
	t := r.find(c.topic)
	if t == nil {
		return
	}
	listed := make(map[string]bool)
	for i := range t.Producers {
		listed[t.Producers[i].address()] = true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for address := range listed {
		if c.links[address] == nil {
			l := &link{wake: make(chan struct{}, 1)}
			c.links[address] = l
			c.work.Go(func() { c.keep(address, l) })
		}
	}
	for address, l := range c.links {
		switch {
		case listed[address]:
			l.end(time.Time{})
		case t.Deleted:
			l.end(time.Now())
		case l.ends.IsZero():
			l.end(time.Now().Add(partGrace))
		}
	}
}

// end is called with the lock held.
func (l *link) end(at time.Time) {
	if l.ends.Equal(at) {
		return
	}
	l.ends = at
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// keep holds the connection to one node until the link ends.
func (c *Consumer) keep(address string, l *link) {
	failed := false
	for c.ctx.Err() == nil {
		if c.over(l) {
			_ = c.DisconnectFromNSQD(address)
			if c.drop(address, l) {
				c.log.Info("disconnected", "topic", c.topic, "node", address)
				return
			}
		}
		err := c.ConnectToNSQD(address)
		switch {
		case err == nil:
			failed = false
			c.share()
			c.log.Info("connected", "topic", c.topic, "node", address)
		case !errors.Is(err, nsq.ErrAlreadyConnected) && !failed:
			failed = true
			c.log.Warn("cannot connect", "topic", c.topic, "node", address, "error", err)
		}
		c.await(l)
	}
}

// ChangeMaxInFlight is that of nsq.Consumer.
func (c *Consumer) ChangeMaxInFlight(n int) {
	c.rdyMu.Lock()
	defer c.rdyMu.Unlock()
	c.inFlight = n
	c.Consumer.ChangeMaxInFlight(n)
}

// share gives a new connection its part of the messages in flight. go-nsq lowers the others and raises the new one in any
// order; if the new one's turn comes before there is room, it would get nothing for five seconds.
func (c *Consumer) share() {
	c.rdyMu.Lock()
	defer c.rdyMu.Unlock()
	if c.inFlight > 0 {
		c.Consumer.ChangeMaxInFlight(c.inFlight - 1)
		c.Consumer.ChangeMaxInFlight(c.inFlight)
	}
}

// await returns when there may be something to do for a link: something has changed, time is up, or the connection may
// have got lost, of which go-nsq tells nobody.
func (c *Consumer) await(l *link) {
	c.mu.Lock()
	d := reconnects
	if !l.ends.IsZero() {
		d = min(d, time.Until(l.ends))
	}
	c.mu.Unlock()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-l.wake:
	case <-c.ctx.Done():
	}
}

func (c *Consumer) over(l *link) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !l.ends.IsZero() && !time.Now().Before(l.ends)
}

// drop forgets a link unless it is needed again meanwhile.
func (c *Consumer) drop(address string, l *link) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if l.ends.IsZero() {
		return false
	}
	delete(c.links, address)
	return true
}
