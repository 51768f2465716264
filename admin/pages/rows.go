package pages

import "html/template"

// counts are the numbers of a topic, a channel or a node.
type counts struct {
	Depth, Disk, InFlight, Deferred    int64
	Requeued, Timeouts, Messages       int64
	Channels, Topics, Nodes, Consumers int64
	In, Out                            float64   // a second; NaN when not known
	Course                             []float64 // depth in the last hour
	Pace                               []float64 // rate in the last hour
}

// row is a line of a table of topics or channels, or of the nodes that have one.
type row struct {
	counts
	Key              string // of its parts that move
	Name, Link, Note string
	Tags             []tag
	Latencies        []latency
	Zones            template.HTML
	Acts             []act
}

func (r row) actions() []act { return r.Acts }

// latency is one percentile in a row.
type latency struct{ Key, Text, Title string }

// table is rows with what the head of the table must know.
type table struct {
	*list
	Caption, First, Empty string
	Rows                  []row
	Clients               []client
	Members               []member
	Total                 *row
	Quantiles             []string
	Nodes, Zones, Where   bool // which columns there are
	Acts                  bool
	Filter                filter
}

// client is a line of a table of consumers.
type client struct {
	Key                                           string
	Name, ID, Address, Agent                      string
	Topic, Channel, ChannelLink, Node, NodeLink   string
	InFlight, Ready, Messages, Finished, Requeued int64
	Connected                                     string
	seconds                                       float64
	Tags                                          []tag
	Acts                                          []act
}

func (c client) actions() []act { return c.Acts }

// member is a line of a table of nodes.
type member struct {
	counts
	Key, Name, Link, Address, Zone, Version string
	Tags                                    []tag
	Memory, Disk, Up                        string
	memory, free, up                        float64
}

// tile is a number on top of a page.
type tile struct {
	Key, Name, Value, Note string
	Spark                  template.HTML
}

// graph is a large graph by its name.
type graph struct {
	Key  string
	HTML template.HTML
}

// alert is something that somebody should look at.
type alert struct {
	Class, Word         string
	Subject, Link, Text string
}

// button is an action that the head of a page offers.
type button struct {
	Word, Link string
	Danger     bool
}

// fact is a line of a list of properties.
type fact struct{ Name, Value string }
