package node

import (
	"context"
	"time"

	"github.com/nsqmesh/nsqmesh/node/policy"
	"github.com/nsqmesh/nsqmesh/node/queue"
)

// A topic is looked at idleLooks times within the time after which it goes, but no more and no less often than the others say.
const (
	idleLooks  = 10
	idleOften  = 100 * time.Millisecond
	idleSeldom = time.Minute
)

// seen is a topic as it was when it was first found idle.
type seen struct {
	topic    *queue.Topic
	messages uint64
	since    time.Time
}

// RunIdle deletes topics of this node that their policy says are idle for too long, until ctx ends. It looks from time to
// time, and does not wake where no topic has such a policy.
func (n *Node) RunIdle(ctx context.Context) error {
	known := map[string]seen{}
	for {
		var again <-chan time.Time
		if pause := n.retireIdle(known, time.Now()); pause > 0 {
			again = time.After(pause)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-again:
		case <-n.ruled:
		}
	}
}

// retireIdle returns when to look again, 0 for never.
func (n *Node) retireIdle(known map[string]seen, now time.Time) (pause time.Duration) {
	rules := n.Policies()
	if pause = idlePause(rules); pause == 0 {
		clear(known)
		return 0
	}
	for _, t := range n.broker.Topics() {
		limit := rules.For(t.Name()).IdleDelete
		if limit <= 0 {
			delete(known, t.Name())
			continue
		}
		messages, idle := t.Idle()
		was, had := known[t.Name()]
		switch {
		case !idle:
			delete(known, t.Name())
		case !had || was.topic != t || was.messages != messages:
			known[t.Name()] = seen{t, messages, now}
		case now.Sub(was.since) >= limit:
			delete(known, t.Name())
			n.retire(t, messages, limit)
		}
	}
	return pause
}

// idlePause is short enough for the rule that is least patient. 0 is no such rule.
func idlePause(rules policy.Rules) (pause time.Duration) {
	for _, r := range rules {
		d, err := time.ParseDuration(r.Policy["idle-delete"])
		if err != nil || d <= 0 {
			continue
		}
		d = min(max(d/idleLooks, idleOften), idleSeldom)
		if pause == 0 || d < pause {
			pause = d
		}
	}
	return pause
}

// retire deletes a topic on this node alone: others may use theirs.
func (n *Node) retire(t *queue.Topic, messages uint64, limit time.Duration) {
	n.acting.Lock()
	defer n.acting.Unlock()
	done, err := n.broker.DeleteIdle(t, messages)
	switch {
	case err != nil:
		n.o.Log.Error("delete an idle topic", "topic", t.Name(), "err", err)
	case done:
		n.declareTopic(t.Name())
		n.o.Log.Info("deleted a topic that was idle", "topic", t.Name(), "idle-delete", limit)
	}
}
