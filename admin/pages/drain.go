package pages

import (
	"github.com/nsqmesh/nsqmesh/admin"
)

type drain struct {
	Base, Name, NodeLink, Class, Verdict string
	Tiles                                []tile
	Channels                             table
}

// drain tells whether a node can be taken away: what it still has.
func (p *Pages) drain(v *visit) error {
	n, err := p.askedNode(v)
	if err != nil {
		return err
	}
	left := n.Depth + n.InFlight + n.Deferred
	body := drain{Base: p.BasePath, Name: n.Name, NodeLink: p.nodeLink(n.Name), Class: "warn", Tiles: traffic(n.Counts, admin.Series{})}
	switch {
	case !n.Answers:
		body.Class, body.Verdict = "bad", "The node does not answer: "+n.Why
	case left == 0 && !(n.Rates.In > 0):
		body.Class, body.Verdict = "good", "Nothing waits here, nothing is in flight, and nobody publishes: the node can be stopped."
	case left == 0:
		body.Verdict = "Nothing waits here, but messages still come in: lead publishers elsewhere first."
	default:
		body.Verdict = plural(left, "message") + " would have to wait for the node to come back. Let consumers take them before you stop it."
	}
	body.Channels = p.busyOn(n)
	v.Title, v.JSON, v.Body = "Drain "+n.Name, "/api/v1/nodes/"+n.Name, body
	return nil
}

// busyOn are the channels, and topics without one, that still hold messages.
func (p *Pages) busyOn(n *admin.NodeDetail) table {
	t := table{list: &list{fixed: true}, Caption: "Channels with messages", First: "Channel", Empty: "Nothing is left."}
	for _, topic := range n.TopicRows {
		if topic.TopicDepth > 0 {
			r := p.topicRow(topic)
			r.Depth = topic.TopicDepth
			r.Note = "in the topic itself"
			t.Rows = append(t.Rows, r)
		}
	}
	for _, c := range n.ChannelRows {
		if c.Depth+c.InFlight+c.Deferred > 0 {
			r := p.channelRow(c)
			r.Name = c.Topic + " / " + c.Name
			t.Rows = append(t.Rows, r)
		}
	}
	t.Quantiles = quantiles(t.Rows, nil)
	return t
}
