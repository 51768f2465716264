package follow

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nsqio/go-nsq"
)

const (
	minRest = time.Second // for a node that failed
	maxRest = 30 * time.Second
)

// errTimeout says that a node did not answer; the message may be there or not.
var errTimeout = errors.New("no answer in time")

// sendFunc hands a publish to one node's producer.
type sendFunc func(to *nsq.Producer, done chan *nsq.ProducerTransaction) error

// node is one that takes messages.
type node struct {
	address  string
	distance int
	config   *nsq.Config
	timeout  time.Duration
	log      *slog.Logger

	mu       sync.Mutex
	producer *nsq.Producer // nil: not needed yet, or given up
	closed   bool
	rests    time.Duration // after the last failure; 0 if there was none since a success
	until    time.Time
}

// distance is from the client to a node: the same zone, the same region, elsewhere.
func (p *Producer) distance(to *producer) int {
	switch {
	case p.zone != "" && p.zone == to.Zone && p.region == to.Region:
		return 0
	case p.region != "" && p.region == to.Region:
		return 1
	}
	return 2
}

// order lists the nodes as they are to be tried: those at rest last, the nearest first, equals in turn.
func (p *Producer) order() []*node {
	p.mu.Lock()
	list := make([]*node, 0, len(p.nodes))
	if n := len(p.nodes); n > 0 {
		p.turn = (p.turn + 1) % n
		list = append(append(list, p.nodes[p.turn:]...), p.nodes[:p.turn]...)
	}
	p.mu.Unlock()
	now := time.Now()
	slices.SortStableFunc(list, func(a, b *node) int {
		return cmp.Or(cmp.Compare(a.resting(now), b.resting(now)), cmp.Compare(a.distance, b.distance))
	})
	return list
}

// resting is how long the node is to be spared yet.
func (n *node) resting(now time.Time) time.Duration {
	n.mu.Lock()
	defer n.mu.Unlock()
	return max(0, n.until.Sub(now))
}

// publish waits for the node's answer.
func (n *node) publish(send sendFunc) error {
	to, err := n.open()
	if err != nil {
		return err
	}
	done := make(chan *nsq.ProducerTransaction, 1)
	sent := make(chan error, 1)
	go func() { // for it may be stuck in a handshake with a host that is silent
		if err := send(to, done); err != nil {
			sent <- err
		}
	}()
	timer := time.NewTimer(n.timeout)
	defer timer.Stop()
	select {
	case err = <-sent:
	case t := <-done:
		err = t.Error
	case <-timer.C:
		err = errTimeout
	}
	n.judge(to, err)
	if err != nil {
		return fmt.Errorf("node %s: %w", n.address, err)
	}
	return nil
}

func (n *node) open() (*nsq.Producer, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return nil, nsq.ErrNotConnected
	}
	if n.producer == nil {
		made, err := nsq.NewProducer(n.address, n.config)
		if err != nil {
			return nil, fmt.Errorf("make producer: %w", err)
		}
		made.SetLogger(quietLog{n.log}, nsq.LogLevelWarning)
		n.producer = made
	}
	return n.producer, nil
}

// judge gives a node that failed some rest, and gives up a connection that does not answer.
func (n *node) judge(to *nsq.Producer, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err == nil || !retried(err) {
		n.rests, n.until = 0, time.Time{}
		return
	}
	if n.rests == 0 {
		n.log.Warn("node does not take messages", "node", n.address, "error", err)
	}
	if now := time.Now(); !now.Before(n.until) { // of several that fail at once the first one counts
		n.rests = min(max(2*n.rests, minRest), maxRest)
		n.until = now.Add(n.rests)
	}
	if errors.Is(err, errTimeout) && n.producer == to {
		n.producer = nil
		go to.Stop()
	}
}

// close is for a node that is not needed any more.
func (n *node) close() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.closed = true
	if n.producer != nil {
		go n.producer.Stop()
		n.producer = nil
	}
}

// retried reports whether another node may do better.
func retried(err error) bool {
	var answer nsq.ErrProtocol
	if !errors.As(err, &answer) {
		return true
	}
	code, _, _ := strings.Cut(answer.Reason, " ")
	return code == "E_PUB_FAILED" || code == "E_MPUB_FAILED" || code == "E_DPUB_FAILED"
}

// quietLog takes what go-nsq says about connections; what matters of it is an error that a publish returns.
type quietLog struct{ log *slog.Logger }

func (l quietLog) Output(_ int, line string) error {
	l.log.Debug(strings.TrimSpace(line))
	return nil
}
