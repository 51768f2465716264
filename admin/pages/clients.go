package pages

import (
	"fmt"
	"strings"

	"github.com/nsqmesh/nsqmesh/admin"
)

func (p *Pages) client(c admin.ClientRow) client {
	row := client{
		Key: "k." + c.Node + "." + c.RemoteAddress, Name: c.Hostname, Address: c.RemoteAddress, Agent: c.UserAgent,
		Topic: c.Topic, Channel: c.Channel, Node: c.Node, NodeLink: p.nodeLink(c.Node),
		InFlight: c.InFlight, Ready: c.Ready, Messages: c.Messages, Finished: c.Finished, Requeued: c.Requeued,
		Connected: lasting(c.Connected), seconds: c.Connected.Seconds(), Tags: clientTags(c),
	}
	if c.Topic != "" {
		row.ChannelLink = p.topicLink(c.Topic)
	}
	if c.Channel != "" {
		row.ChannelLink = p.channelLink(c.Topic, c.Channel)
	}
	if row.Name == "" {
		row.Name = c.ClientID
	}
	if row.Name == "" {
		row.Name = c.RemoteAddress
	}
	if short, _, _ := strings.Cut(c.Hostname, "."); c.ClientID != c.Hostname && c.ClientID != short {
		row.ID = c.ClientID
	}
	return row
}

// clientTags are what a connection has agreed on, and how near it is to its node.
func clientTags(c admin.ClientRow) (tags []tag) {
	say := func(so bool, word, title string) {
		if so {
			tags = append(tags, tag{Word: word, Title: title})
		}
	}
	say(c.SampleRate > 0, fmt.Sprintf("sampled %d%%", c.SampleRate), "gets only this part of the messages")
	say(c.TLS, "TLS", strings.TrimSpace(c.TLSVersion+" "+c.CipherSuite+" "+c.ALPN))
	say(c.Deflate, "deflate", "")
	say(c.Snappy, "snappy", "")
	say(c.Authed, strings.TrimSpace("authed "+c.AuthIdentity), c.AuthIdentityURL)
	switch near := c.Zone != "" && c.Zone == c.NodeZone && c.Region == c.NodeRegion; {
	case near:
		tags = append(tags, tag{"same zone", "good", c.Zone})
	case c.Region != "" && c.Region == c.NodeRegion:
		tags = append(tags, tag{"same region", "", c.Region})
	case c.Zone != "" || c.Region != "":
		tags = append(tags, tag{strings.Trim(c.Region+" "+c.Zone, " "), "", "zone and region of the consumer"})
	}
	return tags
}

// byColumn is what consumers are sorted by.
func (c *client) byColumn(column string) any {
	switch column {
	case "channel":
		return c.Topic + "/" + c.Channel
	case "node":
		return c.Node
	case "flight":
		return float64(c.InFlight)
	case "ready":
		return float64(c.Ready)
	case "messages":
		return float64(c.Messages)
	case "finished":
		return float64(c.Finished)
	case "requeued":
		return float64(c.Requeued)
	case "connected":
		return c.seconds
	}
	return strings.ToLower(c.Name) + c.Address
}

func (p *Pages) clients(v *visit, all []admin.ClientRow) []client {
	rows := make([]client, len(all))
	for i, c := range all {
		rows[i] = p.client(c)
		if v.may(admin.Disconnect) {
			link := p.actionLink("disconnect", "node", c.Node, "client", c.RemoteAddress, "topic", c.Topic, "channel", c.Channel)
			rows[i].Acts = []act{{"Disconnect", link, rows[i].Name}}
		}
	}
	return rows
}

type consumers struct {
	Count string
	Table table
}

func (p *Pages) consumers(v *visit) error {
	all, err := p.Admin.Clients(v.ctx())
	if err != nil {
		return err
	}
	v.covered(all.Coverage)
	l := v.list("channel")
	rows := arrange(l, p.clients(v, all.Clients), func(c *client) []string {
		return []string{c.Name, c.ID, c.Address, c.Agent, c.Topic, c.Channel, c.Node}
	}, (*client).byColumn)
	t := table{list: l, Caption: "Consumers", Clients: rows, Where: true, Acts: v.may(admin.Disconnect), Filter: l.filter("Filter consumers"),
		Empty: "Nobody consumes at the moment."}
	if l.query != "" {
		t.Empty = "No consumer, topic, channel or node has a name like that."
	}
	v.Title, v.JSON, v.Body = "Consumers", "/api/v1/consumers", consumers{counted(l, len(all.Clients), "consumer"), t}
	return nil
}
