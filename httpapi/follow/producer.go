package follow

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nsqio/go-nsq"
)

const (
	// defaultTimeout is for one node to take a message.
	defaultTimeout = 5 * time.Second
	// partDelay is what a node that is not listed any more gets to answer what it was sent.
	partDelay = 10 * time.Second
)

// ErrNoNodes says that nothing was published because no node is known.
var ErrNoNodes = errors.New("no node is known")

// Producer publishes through the nodes of a mesh.
type Producer struct {
	// Timeout is for one node to take a message, 5 s at first, and for the first nodes to become known. Change it before Follow.
	Timeout time.Duration

	config nsq.Config
	log    *slog.Logger
	ctx    context.Context // ends with Stop
	stop   context.CancelFunc
	work   sync.WaitGroup
	known  chan struct{} // closed once nodes have been told of
	first  sync.Once

	mu           sync.Mutex
	begun        bool
	zone, region string
	nodes        []*node
	turn         int
}

// NewProducer returns a producer that knows no node yet: Follow a mesh.
func NewProducer(config *nsq.Config) (*Producer, error) {
	if err := config.Validate(); err != nil {
		return nil, fmt.Errorf("make producer: %w", err)
	}
	p := &Producer{Timeout: defaultTimeout, config: *config, known: make(chan struct{})}
	p.ctx, p.stop = context.WithCancel(context.Background())
	return p, nil
}

// Follow learns the nodes that take messages, now and from now on.
func (p *Producer) Follow(m Mesh) error {
	w, err := m.watcher("", p.told)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.ctx.Err() != nil:
		return nsq.ErrStopped
	case p.begun:
		return ErrFollowing
	}
	p.begun, p.log, p.zone, p.region = true, w.log, m.Zone, m.Region
	p.work.Go(func() { w.run(p.ctx) })
	return nil
}

// Stop ends all connections. Publishes under way fail.
func (p *Producer) Stop() {
	p.mu.Lock()
	p.stop()
	nodes := p.nodes
	p.nodes = nil
	p.mu.Unlock()
	p.work.Wait()
	for _, n := range nodes {
		n.close()
	}
}

// Publish sends one message.
func (p *Producer) Publish(topic string, body []byte) error {
	return p.publish(func(to *nsq.Producer, done chan *nsq.ProducerTransaction) error {
		return to.PublishAsync(topic, body, done)
	})
}

// MultiPublish sends several messages, all to one node.
func (p *Producer) MultiPublish(topic string, bodies [][]byte) error {
	return p.publish(func(to *nsq.Producer, done chan *nsq.ProducerTransaction) error {
		return to.MultiPublishAsync(topic, bodies, done)
	})
}

// DeferredPublish sends one message that is delivered after a delay at the earliest.
func (p *Producer) DeferredPublish(topic string, delay time.Duration, body []byte) error {
	return p.publish(func(to *nsq.Producer, done chan *nsq.ProducerTransaction) error {
		return to.DeferredPublishAsync(topic, delay, body, done)
	})
}

// publish goes from node to node until one takes it.
func (p *Producer) publish(send sendFunc) error {
	if err := p.ready(); err != nil {
		return err
	}
	var err error
	nodes := p.order()
	for _, n := range nodes {
		if err = n.publish(send); err == nil || !retried(err) {
			return err
		}
		if p.ctx.Err() != nil {
			return nsq.ErrStopped
		}
	}
	if err == nil {
		return ErrNoNodes
	}
	return fmt.Errorf("publish to any of %d nodes: %w", len(nodes), err)
}

// ready waits until it is known who takes messages.
func (p *Producer) ready() error {
	select {
	case <-p.known:
		return nil
	default:
	}
	timer := time.NewTimer(p.Timeout)
	defer timer.Stop()
	select {
	case <-p.known:
		return nil
	case <-p.ctx.Done():
		return nsq.ErrStopped
	case <-timer.C:
		return ErrNoNodes
	}
}

// told brings the list of nodes up to date.
func (p *Producer) told(r *report) {
	if r.Publishers == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ctx.Err() != nil {
		return
	}
	old := make(map[string]*node)
	for _, n := range p.nodes {
		old[n.address] = n
	}
	p.nodes = nil
	for i := range r.Publishers {
		one := &r.Publishers[i]
		n := old[one.address()]
		if n == nil {
			n = &node{address: one.address(), distance: p.distance(one), config: &p.config, timeout: p.Timeout, log: p.log}
		}
		delete(old, n.address)
		p.nodes = append(p.nodes, n)
	}
	for _, n := range old {
		time.AfterFunc(partDelay, n.close)
	}
	p.first.Do(func() { close(p.known) })
}
