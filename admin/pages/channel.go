package pages

import (
	"fmt"
	"net/url"

	"github.com/nsqmesh/nsqmesh/admin"
)

type channel struct {
	Base, Topic, TopicLink, Name, Absent string
	Tags                                 []tag
	Bar                                  []button
	Tiles                                []tile
	Graphs                               graphs
	Nodes, Clients                       table
	Consumers                            string
}

func (p *Pages) channel(v *visit) error {
	topic, name := v.req.PathValue("topic"), v.req.PathValue("channel")
	c, err := p.Admin.Channel(v.ctx(), topic, name)
	if err != nil {
		return err
	}
	if !c.Known {
		return fmt.Errorf("nobody has heard of a channel %s of the topic %s: %w", name, topic, errGone)
	}
	v.covered(c.Coverage)
	of := admin.Of{Topic: topic, Channel: name}
	past := p.histories(v, []admin.Of{of})[0]
	body := channel{
		Base: p.BasePath, Topic: topic, TopicLink: p.topicLink(topic), Name: name, Tags: p.channelRow(c.ChannelRow).Tags,
		Tiles: append(traffic(c.Counts, past), amount("requeued", "Requeued", c.Requeues, ""), amount("timeouts", "Timed out", c.Timeouts, ""),
			amount("messages", "Messages", c.Messages, ""), amount("consumers", "Consumers", c.Counts.Clients, "")),
		Graphs: p.graphs(v, of), Nodes: p.nodesOf(v, c), Clients: p.consumersOf(v, c.ClientRows),
	}
	if len(c.Nodes) == 0 {
		body.Absent = "No node that answers has this channel. Its name is known, so a node that gets the topic makes it."
	}
	if v.may(admin.PauseChannel) {
		body.Bar = p.channelBar(v, c)
	}
	v.Title, v.Body = topic+" / "+name, body
	v.JSON = "/api/v1/topics/" + url.PathEscape(topic) + "/channels/" + url.PathEscape(name)
	return nil
}

func (p *Pages) nodesOf(v *visit, c *admin.ChannelDetail) table {
	rows := make([]row, len(c.OnNodes))
	zones := false
	for i, o := range c.OnNodes {
		rows[i] = p.onNode(o)
		zones = zones || rows[i].Zones != ""
	}
	p.remember(v, rows, func(r row) admin.Of { return admin.Of{Topic: c.Topic, Channel: c.Name, Node: r.Name} })
	total := totalOf(c.Counts, c.Latency, 0)
	total.Zones = delivered(c.Zones)
	return table{list: &list{fixed: true}, Caption: "Nodes that have the channel", First: "Node", Rows: rows, Total: total,
		Quantiles: quantiles(rows, total), Zones: zones, Empty: "None."}
}

func (p *Pages) consumersOf(v *visit, clients []admin.ClientRow) table {
	return table{list: &list{fixed: true}, Caption: "Consumers of the channel", Clients: p.clients(v, clients),
		Acts: v.may(admin.Disconnect), Empty: "Nobody consumes from this channel."}
}
