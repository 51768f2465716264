package node

import (
	"context"

	"github.com/nsqmesh/nsqmesh/node/queue"
)

// Ready tells whether the node takes publishes: not while it drains or stops.
func (n *Node) Ready() bool { return n.broker.Refusal() == nil }

// Settle prepares a stop: no publish and no delivery begins any more, and consumers may finish what they have until all is
// finished or ctx ends. Nothing has to be delivered twice then that was nearly done.
func (n *Node) Settle(ctx context.Context) {
	n.refuse(queue.ErrExiting)
	n.broker.Withhold(true)
	for ctx.Err() == nil && n.broker.InHand() > 0 {
		sleep(ctx, drainLook)
	}
}
