package pages

import (
	"fmt"
	"strings"

	"github.com/nsqmesh/nsqmesh/admin"
)

type lookup struct {
	Base, Topic, Unknown, Lookupds string
	Answered                       bool
	Consume                        []producer
	Channels                       []link
	Inactive                       []inactive
}

type producer struct {
	Name, Link, TCP, HTTP, Zone, Version string
	Tags                                 []tag
}

type inactive struct {
	Name, Link, Channels string
	Acts                 []act
}

func (i inactive) actions() []act { return i.Acts }

func (p *Pages) lookup(v *visit) error {
	all, err := p.Admin.Lookup(v.ctx())
	if err != nil {
		return err
	}
	v.covered(all.Coverage)
	body := lookup{Base: p.BasePath, Topic: strings.TrimSpace(v.asked("topic")), Lookupds: enumerate(all.Lookupds)}
	for _, t := range all.Inactive {
		row := inactive{Name: t.Topic, Link: p.topicLink(t.Topic), Channels: enumerate(t.Channels)}
		if v.may(admin.DeleteTopic) {
			row.Acts = []act{{"Delete", p.actionLink(string(admin.DeleteTopic), "topic", t.Topic), t.Topic}}
		}
		body.Inactive = append(body.Inactive, row)
	}
	if body.Topic != "" {
		if err := p.lookUp(v, &body); err != nil {
			return err
		}
	}
	v.Title, v.JSON, v.Body = "Lookup", "/api/v1/lookup", body
	return nil
}

// lookUp tells what a consumer of the topic is told.
func (p *Pages) lookUp(v *visit, body *lookup) error {
	t, err := p.Admin.Topic(v.ctx(), body.Topic)
	if err != nil {
		return err
	}
	if !t.Known {
		body.Unknown = fmt.Sprintf("Nobody has heard of a topic %s: a consumer is told that there is none, and asks again later.", body.Topic)
		return nil
	}
	all, err := p.Admin.Nodes(v.ctx())
	if err != nil {
		return err
	}
	body.Answered = true
	for _, o := range t.OnNodes {
		for _, n := range all.Nodes {
			if n.Name == o.Node {
				body.Consume = append(body.Consume, p.producer(n, o.Tombstoned))
			}
		}
	}
	for _, c := range t.ChannelRows {
		body.Channels = append(body.Channels, link{c.Name, p.channelLink(c.Topic, c.Name)})
	}
	return nil
}

func (p *Pages) producer(n admin.NodeRow, tombstoned bool) producer {
	row := producer{Name: n.Name, Link: p.nodeLink(n.Name), TCP: n.TCPAddress, HTTP: n.Address, Zone: strings.Trim(n.Region+" "+n.Zone, " "), Version: n.Version}
	if tombstoned {
		row.Tags = []tag{{"tombstoned: not told", "warn", ""}}
	}
	return row
}
