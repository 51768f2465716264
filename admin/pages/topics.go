package pages

import (
	"fmt"
	"net/url"

	"github.com/nsqmesh/nsqmesh/admin"
)

type topics struct {
	Base, Count string
	Table       table
	Create      bool
}

func (p *Pages) topics(v *visit) error {
	all, err := p.Admin.Topics(v.ctx())
	if err != nil {
		return err
	}
	v.covered(all.Coverage)
	l := v.list("name")
	rows := make([]row, len(all.Topics))
	for i, t := range all.Topics {
		rows[i] = p.topicRow(t)
	}
	rows = arrange(l, rows, rowTexts, rowBy)
	p.remember(v, rows, func(r row) admin.Of { return admin.Of{Topic: r.Name} })
	t := table{
		list: l, Caption: "Topics", First: "Topic", Rows: rows, Nodes: true, Quantiles: quantiles(rows, nil),
		Filter: l.filter("Filter topics"), Empty: "No topic yet. Whoever publishes to a name makes it.",
	}
	if l.query != "" {
		t.Empty = "No topic has a name like that."
	}
	v.Title, v.JSON = "Topics", "/api/v1/topics"
	v.Body = topics{p.BasePath, counted(l, len(all.Topics), "topic"), t, v.may(admin.PauseTopic)}
	return nil
}

// counted says how many there are, and how many the filter lets through.
func counted(l *list, all int, one string) string {
	if l.query == "" || l.total == all {
		return plural(int64(all), one)
	}
	return fmt.Sprintf("%s of %s", group(int64(l.total)), plural(int64(all), one))
}

// remember adds the small graphs of the last hour to rows.
func (p *Pages) remember(v *visit, rows []row, of func(row) admin.Of) {
	asked := make([]admin.Of, len(rows))
	for i, r := range rows {
		asked[i] = of(r)
	}
	for i, s := range p.histories(v, asked) {
		rows[i].Course, rows[i].Pace = s.Depth, s.In
		if asked[i].Channel != "" {
			rows[i].Pace = s.Out
		}
	}
}

func rowTexts(r *row) []string { return []string{r.Name, r.Note} }

// rowBy is what rows are sorted by.
func rowBy(r *row, column string) any {
	switch column {
	case "depth":
		return float64(r.Depth)
	case "disk":
		return float64(r.Disk)
	case "flight":
		return float64(r.InFlight)
	case "deferred":
		return float64(r.Deferred)
	case "rate":
		return known(r.In + r.Out)
	case "requeued":
		return float64(r.Requeued)
	case "timeouts":
		return float64(r.Timeouts)
	case "messages":
		return float64(r.Messages)
	case "channels":
		return float64(r.Channels)
	case "nodes":
		return float64(r.Nodes)
	case "consumers":
		return float64(r.Consumers)
	}
	return r.Name
}

// known puts what is not known below all that is.
func known(v float64) float64 {
	if v != v {
		return -1
	}
	return v
}

type topic struct {
	Base, Name, Absent string
	Tags               []tag
	Bar                []button
	Tiles              []tile
	Graphs             graphs
	Channels, Nodes    table
	Publish            *publish
}

func (p *Pages) topic(v *visit) error {
	name := v.req.PathValue("topic")
	t, err := p.Admin.Topic(v.ctx(), name)
	if err != nil {
		return err
	}
	if !t.Known {
		return fmt.Errorf("nobody has heard of a topic %s: %w", name, errGone)
	}
	v.covered(t.Coverage)
	past := p.histories(v, []admin.Of{{Topic: name}})[0]
	body := topic{
		Base: p.BasePath, Name: name, Tags: topicTags(t.TopicRow), Graphs: p.graphs(v, admin.Of{Topic: name}),
		Tiles: append(traffic(t.Counts, past), amount("messages", "Messages", t.Messages, ""),
			amount("channels", "Channels", int64(len(t.ChannelRows)), ""), amount("consumers", "Consumers", t.Clients, "")),
		Channels: p.channelsOf(v, t), Nodes: p.producersOf(v, t),
	}
	if t.TopicDepth > 0 {
		body.Tiles[2].Note = group(t.TopicDepth) + " before channels"
	}
	if len(t.Nodes) == 0 {
		body.Absent = "No node that answers has this topic. Its name is known, so that consumers can wait for it."
	}
	if v.may(admin.PauseTopic) {
		body.Bar = p.topicBar(v, t)
		body.Publish = p.publishForm(v, name, t.Nodes)
	}
	v.Title, v.JSON, v.Body = name, "/api/v1/topics/"+url.PathEscape(name), body
	return nil
}

func (p *Pages) channelsOf(v *visit, t *admin.TopicDetail) table {
	l := v.list("name")
	rows := make([]row, len(t.ChannelRows))
	for i, c := range t.ChannelRows {
		rows[i] = p.channelRow(c)
	}
	for _, name := range t.KnownOnly {
		rows = append(rows, row{Key: "c." + t.Name + "/" + name, Name: name, Link: p.channelLink(t.Name, name), Tags: []tag{{"on no node", "", ""}}})
	}
	l.per, l.query = len(rows)+1, ""
	rows = arrange(l, rows, rowTexts, rowBy)
	p.remember(v, rows, func(r row) admin.Of { return admin.Of{Topic: t.Name, Channel: r.Name} })
	return table{list: l, Caption: "Channels of " + t.Name, First: "Channel", Rows: rows, Quantiles: quantiles(rows, nil),
		Empty: "No channel yet: messages wait in the topic until a consumer subscribes."}
}

func (p *Pages) producersOf(v *visit, t *admin.TopicDetail) table {
	rows := make([]row, len(t.OnNodes))
	for i, o := range t.OnNodes {
		rows[i] = p.onNode(o)
		if v.may(admin.Tombstone) {
			rows[i].Acts = p.tombstoneActs(t.Name, o)
		}
	}
	p.remember(v, rows, func(r row) admin.Of { return admin.Of{Topic: t.Name, Node: r.Name} })
	total := totalOf(t.Counts, t.Latency, t.Channels)
	return table{list: &list{fixed: true}, Caption: "Nodes that have " + t.Name, First: "Node", Rows: rows, Total: total,
		Quantiles: quantiles(rows, total), Acts: v.may(admin.Tombstone), Empty: "None."}
}
