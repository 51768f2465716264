package pages

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/nsqmesh/nsqmesh/admin"
	"github.com/nsqmesh/nsqmesh/admin/chart"
)

type nodes struct {
	Count string
	Table table
}

func (p *Pages) nodes(v *visit) error {
	all, err := p.Admin.Nodes(v.ctx())
	if err != nil {
		return err
	}
	v.covered(all.Coverage)
	l := v.list("name")
	rows := arrange(l, p.members(all.Nodes, nil), func(m *member) []string {
		return []string{m.Name, m.Address, m.Zone, m.Version}
	}, (*member).byColumn)
	of := make([]admin.Of, len(rows))
	for i, m := range rows {
		of[i] = admin.Of{Node: m.Name}
	}
	for i, s := range p.histories(v, of) {
		rows[i].Course, rows[i].Pace = s.Depth, s.In
	}
	t := table{list: l, Caption: "Nodes", Members: rows, Filter: l.filter("Filter nodes"), Empty: "No node has a name, address or zone like that."}
	v.Title, v.JSON, v.Body = "Nodes", "/api/v1/nodes", nodes{counted(l, len(all.Nodes), "node"), t}
	return nil
}

func (p *Pages) members(all []admin.NodeRow, past []admin.Series) []member {
	rows := make([]member, len(all))
	for i, n := range all {
		rows[i] = p.member(n)
		if past != nil {
			rows[i].Course, rows[i].Pace = past[i].Depth, past[i].In
		}
	}
	return rows
}

func (p *Pages) member(n admin.NodeRow) member {
	m := member{
		counts: countsOf(n.Counts), Key: "n." + n.Name, Name: n.Name, Link: p.nodeLink(n.Name), Zone: strings.Trim(n.Region+" "+n.Zone, " "),
		Version: n.Version, Tags: nodeTags(n), Memory: chart.None, Disk: chart.None, Up: chart.None,
	}
	m.Topics, m.Channels = int64(n.Topics), int64(n.Channels)
	if n.TCPAddress != n.Name {
		m.Address = n.TCPAddress
	}
	if n.Vitals != nil {
		m.memory, m.free = float64(n.Vitals.SystemBytes), float64(n.Vitals.DiskFree)
		m.Memory = chart.Bytes.Text(m.memory)
		if n.Vitals.DiskFree >= 0 {
			m.Disk = chart.Bytes.Text(m.free)
		}
	}
	if up := uptime(n); up > 0 {
		m.Up, m.up = lasting(up), up.Seconds()
	}
	return m
}

// uptime is told by the node itself where it can; otherwise by when it says that it began.
func uptime(n admin.NodeRow) time.Duration {
	switch {
	case n.Vitals != nil:
		return millis(n.Vitals.UptimeMs)
	case n.StartTime > 0 && n.Answers:
		return time.Since(time.Unix(n.StartTime, 0))
	}
	return 0
}

func nodeTags(n admin.NodeRow) (tags []tag) {
	switch {
	case n.Status == "left":
		tags = append(tags, tag{"left", "", "it said goodbye " + lasting(millis(n.StatusFor)) + " ago"})
	case n.Status == "dead":
		tags = append(tags, tag{"dead", "bad", n.Why})
	case !n.Answers:
		tags = append(tags, tag{"no answer", "bad", n.Why})
	case n.Status == "suspect":
		tags = append(tags, tag{"suspect", "warn", "other nodes have not heard of it for a moment"})
	case n.Health != "" && n.Health != "OK":
		tags = append(tags, tag{"unwell", "bad", n.Health})
	default:
		tags = append(tags, tag{"up", "good", ""})
	}
	if n.Draining {
		tags = append(tags, tag{"draining", "warn", "publishers are led elsewhere"})
	}
	if n.Stock {
		tags = append(tags, tag{"stock nsqd", "", "registered with a node of the mesh, and no member of it"})
	}
	if n.OutOfDate {
		tags = append(tags, tag{"older version", "warn", "another node has a later one than " + n.Version})
	}
	if len(n.Tombstoned) > 0 {
		tags = append(tags, tag{"tombstoned", "warn", "lookups leave it out for " + enumerate(n.Tombstoned)})
	}
	return tags
}

// byColumn is what nodes are sorted by.
func (m *member) byColumn(column string) any {
	switch column {
	case "status":
		return m.Tags[0].Word
	case "in":
		return known(m.In)
	case "out":
		return known(m.Out)
	case "depth":
		return float64(m.Depth)
	case "flight":
		return float64(m.InFlight)
	case "topics":
		return float64(m.Topics)
	case "consumers":
		return float64(m.Consumers)
	case "memory":
		return m.memory
	case "disk":
		return m.free
	case "zone":
		return m.Zone
	case "version":
		return m.Version
	case "up":
		return m.up
	}
	return m.Name
}

type node struct {
	Base, Name, Absent        string
	Tags                      []tag
	Bar                       []button
	Tiles                     []tile
	Graphs                    graphs
	Topics, Channels, Clients table
	Facts                     []fact
}

// askedNode is the node that the path names.
func (p *Pages) askedNode(v *visit) (*admin.NodeDetail, error) {
	name := v.req.PathValue("node")
	n, err := p.Admin.Node(v.ctx(), name)
	if err != nil {
		return nil, err
	}
	if !n.Known {
		return nil, fmt.Errorf("no node of the mesh is called %s: %w", name, errGone)
	}
	v.covered(n.Coverage)
	return n, nil
}

func (p *Pages) node(v *visit) error {
	n, err := p.askedNode(v)
	if err != nil {
		return err
	}
	past := p.histories(v, []admin.Of{{Node: n.Name}})[0]
	body := node{
		Base: p.BasePath, Name: n.Name, Tags: nodeTags(n.NodeRow), Graphs: p.graphs(v, admin.Of{Node: n.Name}), Facts: nodeFacts(n),
		Tiles: append(traffic(n.Counts, past), amount("topics", "Topics", int64(len(n.TopicRows)), ""),
			amount("channels", "Channels", int64(len(n.ChannelRows)), ""), amount("consumers", "Consumers", n.Counts.Clients, "")),
		Topics: p.topicsOn(v, n), Channels: p.channelsOn(v, n), Clients: p.connectionsOf(v, n),
	}
	if !n.Answers {
		body.Absent = "This node does not answer: " + n.Why + ". What it has is not known now."
	}
	if v.may(admin.Tombstone) {
		body.Bar = p.nodeBar(n)
	}
	v.Title, v.JSON, v.Body = n.Name, "/api/v1/nodes/"+url.PathEscape(n.Name), body
	return nil
}

// topicsOn is sorted and cut into pages by the address; channels and connections of a node follow the same page.
func (p *Pages) topicsOn(v *visit, n *admin.NodeDetail) table {
	l := v.list("name")
	rows := make([]row, len(n.TopicRows))
	for i, t := range n.TopicRows {
		rows[i] = p.topicRow(t)
		rows[i].Tags = pausedTag(t.Paused, 1)
		if v.may(admin.Tombstone) {
			rows[i].Acts = p.tombstoneActs(t.Name, admin.OnNode{Node: n.Name, Tombstoned: slices.Contains(n.Tombstoned, t.Name)})
		}
	}
	rows = arrange(l, rows, rowTexts, rowBy)
	p.remember(v, rows, func(r row) admin.Of { return admin.Of{Topic: r.Name, Node: n.Name} })
	return table{list: l, Caption: "Topics on " + n.Name, First: "Topic", Rows: rows, Quantiles: quantiles(rows, nil), Acts: v.may(admin.Tombstone), Empty: "None."}
}

func (p *Pages) channelsOn(v *visit, n *admin.NodeDetail) table {
	l := v.list("name")
	rows := make([]row, len(n.ChannelRows))
	of := map[string]admin.Of{}
	for i, c := range n.ChannelRows {
		rows[i] = p.channelRow(c)
		rows[i].Name = c.Topic + " / " + c.Name
		of[rows[i].Key] = admin.Of{Topic: c.Topic, Channel: c.Name, Node: n.Name}
	}
	rows = arrange(l, rows, rowTexts, rowBy)
	p.remember(v, rows, func(r row) admin.Of { return of[r.Key] })
	return table{list: l, Caption: "Channels on " + n.Name, First: "Channel", Rows: rows, Quantiles: quantiles(rows, nil), Empty: "None."}
}

func (p *Pages) connectionsOf(v *visit, n *admin.NodeDetail) table {
	l := v.list("channel")
	rows := arrange(l, p.clients(v, n.ClientRows), func(c *client) []string { return []string{c.Name, c.Topic} }, (*client).byColumn)
	return table{list: l, Caption: "Connections to " + n.Name, Clients: rows, Where: true, Acts: v.may(admin.Disconnect), Empty: "None."}
}

func nodeFacts(n *admin.NodeDetail) (facts []fact) {
	say := func(name, value string) {
		if value != "" {
			facts = append(facts, fact{name, value})
		}
	}
	say("HTTP address", n.Address)
	say("TCP address", n.TCPAddress)
	say("Host name", n.Hostname)
	say("Id", n.ID)
	say("Region", n.Region)
	say("Zone", n.Zone)
	say("Compatible with nsqd", n.Version)
	if d := uptime(n.NodeRow); d > 0 {
		say("Up for", lasting(d))
	}
	if x := n.Vitals; x != nil {
		say("nsqmesh", x.Product)
		say("Memory from the system", chart.Bytes.Text(float64(x.SystemBytes)))
		say("Heap", chart.Bytes.Text(float64(x.HeapBytes)))
		say("Goroutines", group(int64(x.Goroutines)))
		say("TCP connections", group(int64(x.Connections)))
		if x.DiskTotal > 0 {
			say("Disk", chart.Bytes.Text(float64(x.DiskFree))+" of "+chart.Bytes.Text(float64(x.DiskTotal))+" free")
		}
		say("Memory of the history", chart.Bytes.Text(float64(x.History)))
	}
	if m := n.Memory; m != nil {
		say("Heap objects", group(int64(m.HeapObjects)))
		say("Pauses of the collector", fmt.Sprintf("95%% within %d µs, 99%% within %d µs, longest %d µs", m.GCPauseUsec95, m.GCPauseUsec99, m.GCPauseUsec100))
		say("Runs of the collector", group(int64(m.GCTotalRuns)))
	}
	return facts
}
