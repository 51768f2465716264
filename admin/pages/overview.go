package pages

import (
	"slices"

	"github.com/nsqmesh/nsqmesh/admin"
)

type overview struct {
	Base    string
	Tiles   []tile
	Alerts  []alert
	Graphs  graphs
	Deepest []row
	Busiest []row
	Nodes   table
}

func (p *Pages) overview(v *visit) error {
	o, err := p.Admin.Overview(v.ctx())
	if err != nil {
		return err
	}
	v.covered(o.Coverage)
	nodes := worst(o.NodeRows)
	of := []admin.Of{{}}
	for _, c := range o.Deepest {
		of = append(of, admin.Of{Topic: c.Topic, Channel: c.Name})
	}
	for _, t := range o.Busiest {
		of = append(of, admin.Of{Topic: t.Name})
	}
	for _, n := range nodes {
		of = append(of, admin.Of{Node: n.Name})
	}
	past := p.histories(v, of)
	body := overview{Base: p.BasePath, Tiles: p.meshTiles(o, past[0]), Graphs: p.graphs(v, admin.Of{})}
	past = past[1:]
	for i, c := range o.Deepest {
		r := p.channelRow(c)
		r.Name, r.Course = c.Topic+" / "+c.Name, past[i].Depth
		body.Deepest = append(body.Deepest, r)
	}
	past = past[len(o.Deepest):]
	for i, t := range o.Busiest {
		r := p.topicRow(t)
		r.Pace = past[i].In
		body.Busiest = append(body.Busiest, r)
	}
	body.Nodes = table{list: &list{fixed: true}, Caption: "Nodes", Members: p.members(nodes, past[len(o.Busiest):])}
	for _, a := range o.Alerts {
		body.Alerts = append(body.Alerts, p.alert(a))
	}
	v.Title, v.JSON, v.Body = "Overview", "/api/v1/overview", body
	return nil
}

// nodesOnTop is how many nodes the overview shows; in a large mesh those that are not well come first.
const nodesOnTop = 12

func worst(nodes []admin.NodeRow) []admin.NodeRow {
	if len(nodes) <= nodesOnTop {
		return nodes
	}
	sorted := slices.Clone(nodes)
	well := func(n admin.NodeRow) int {
		if nodeTags(n)[0].Class == "good" {
			return 1
		}
		return 0
	}
	slices.SortStableFunc(sorted, func(a, b admin.NodeRow) int { return well(a) - well(b) })
	return sorted[:nodesOnTop]
}

func (p *Pages) meshTiles(o *admin.Overview, s admin.Series) []tile {
	nodes := amount("nodes", "Nodes", int64(o.Answering), ofAll(o.Answering, o.Totals.Nodes))
	channels := ""
	if o.Channels > 0 {
		channels = plural(int64(o.Channels), "channel")
	}
	return append(traffic(o.Counts, s),
		amount("consumers", "Consumers", o.Clients, ""),
		amount("topics", "Topics", int64(o.Topics), channels), nodes)
}

// alertWords are what kinds of alerts are called where there is little room.
var alertWords = map[string]string{
	"node": "node", "depth": "depth", "consumers": "consumers", "timeouts": "timeouts", "disk": "disk",
	"registry": "registry", "health": "health",
}

func (p *Pages) alert(a admin.Alert) alert {
	shown := alert{Class: "warn", Word: alertWords[a.Kind], Text: a.Text}
	if shown.Word == "" {
		shown.Word = a.Kind
	}
	if a.Grave {
		shown.Class = "bad"
	}
	switch {
	case a.Channel != "":
		shown.Subject, shown.Link = a.Topic+" / "+a.Channel, p.channelLink(a.Topic, a.Channel)
	case a.Topic != "":
		shown.Subject, shown.Link = a.Topic, p.topicLink(a.Topic)
	case a.Node != "":
		shown.Subject, shown.Link = a.Node, p.nodeLink(a.Node)
	}
	return shown
}
