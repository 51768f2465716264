package node

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"net"
	"slices"
	"strconv"

	"github.com/nsqmesh/nsqmesh/node/names"
	"github.com/nsqmesh/nsqmesh/node/queue"
)

// Transfer carries a parcel to another node and returns when that node's Take has taken it, or why not. After an error it may
// have been taken nevertheless.
type Transfer interface {
	Give(ctx context.Context, owner string, parcel []byte) error
}

var errNoHeir = errors.New("no other node is there to take messages over")

// move hands over whatever other nodes take. Topics go one after another, so that a channel's messages keep their order; with
// flying, also what consumers have in flight.
func (d *Drainer) move(ctx context.Context, flying bool) error {
	var failed error
	for _, t := range d.node.broker.Topics() {
		if names.Ephemeral(t.Name()) {
			continue
		}
		_, err := t.HandOver(d.giver(ctx, t.Name(), ""))
		for _, c := range t.Channels() {
			if err == nil && !names.Ephemeral(c.Name()) {
				_, err = c.HandOver(d.giver(ctx, t.Name(), c.Name()), flying)
			}
		}
		if err != nil && !errors.Is(err, queue.ErrExiting) { // it was deleted meanwhile
			failed = fmt.Errorf("hand over topic %s: %w", t.Name(), err)
		}
	}
	return failed
}

// giver gives batches of a channel, or of the topic itself, to the first node that takes them.
func (d *Drainer) giver(ctx context.Context, topic, channel string) func([]queue.Message) error {
	var heirs []heir
	return func(batch []queue.Message) error {
		if heirs == nil && d.give != nil {
			heirs = d.node.heirs(topic, channel)
		}
		failed := errNoHeir
		for len(heirs) > 0 {
			to := heirs[0]
			err := d.give.Give(ctx, to.owner, encodeParcel(parcel{topic, channel, batch}))
			if err == nil {
				d.gave(to, len(batch))
				return nil
			}
			failed = fmt.Errorf("%s: %w", to.name, err)
			if ctx.Err() != nil {
				return failed
			}
			heirs = heirs[1:]
		}
		return failed
	}
}

func (d *Drainer) gave(to heir, n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.status.Moved += int64(n)
	d.status.To[to.name] += int64(n)
}

// heir is a node that may take messages over.
type heir struct {
	owner, name string
	has         bool   // the topic
	turn        uint64 // spreads topics and channels over the nodes
}

// heirs are the nodes that are up and not draining, those first that have the topic, for consumers are there already.
func (n *Node) heirs(topic, channel string) (all []heir) {
	has := map[string]bool{}
	if t := n.registry.View().Topic(topic); t != nil {
		for _, p := range t.Producers() {
			has[p.RemoteAddress] = true
		}
	}
	for _, doc := range n.registry.Documents() {
		if !doc.Alive || doc.Node.Draining || doc.Owner == n.registry.ID() {
			continue
		}
		address := net.JoinHostPort(doc.Node.BroadcastAddress, strconv.Itoa(doc.Node.TCPPort))
		h := fnv.New64a()
		_, _ = h.Write([]byte(doc.Owner + topic + ":" + channel))
		all = append(all, heir{doc.Owner, doc.Node.Name, has[address], h.Sum64()})
	}
	slices.SortFunc(all, func(a, b heir) int {
		if a.has != b.has {
			return cmp.Compare(b2i(b.has), b2i(a.has))
		}
		return cmp.Compare(a.turn, b.turn)
	})
	return all
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Take takes over what another node hands over: messages of a channel go to that channel alone, those of a topic to all of its
// channels, as if they were published. The error goes back to that node, which keeps them.
func (n *Node) Take(encoded []byte) error {
	p, err := decodeParcel(encoded)
	if err != nil {
		return err
	}
	if err := n.broker.Refusal(); err != nil {
		return err
	}
	for i := range p.batch {
		if most := n.o.MaxMsgSize; most > 0 && int64(len(p.batch[i].Body)) > most {
			return fmt.Errorf("message too big %d > %d", len(p.batch[i].Body), most)
		}
	}
	accept, err := n.acceptor(p.topic, p.channel)
	if err != nil {
		return err
	}
	return accept(p.batch)
}

func (n *Node) acceptor(topic, channel string) (func([]queue.Message) error, error) {
	if n.broker.FindTopic(topic) == nil && n.registry.RecentlyDeleted(topic) {
		return nil, ErrDeleted
	}
	t, err := n.broker.Topic(topic)
	if err != nil {
		return nil, err
	}
	accept := t.Accept
	if channel != "" {
		c, err := t.Channel(channel)
		if err != nil {
			return nil, err
		}
		accept = c.Accept
	}
	n.inherit(topic) // before anything is delivered that should wait
	return accept, nil
}
