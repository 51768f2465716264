package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nsqmesh/nsqmesh/cmd/cli"
)

// Report is the answer of /mesh.
type Report struct {
	Agree    bool         `json:"agree"`
	Isolated bool         `json:"isolated"`
	Members  []meshMember `json:"members"`

	Raw json.RawMessage // the answer itself, which may tell more
}

type meshMember struct {
	ID               string  `json:"id"`
	Name             string  `json:"name"`
	Address          string  `json:"address"`
	Status           string  `json:"status"`
	StatusForMs      int64   `json:"status_for_ms"`
	Self             bool    `json:"self"`
	Linked           bool    `json:"linked"`
	RoundTripMs      float64 `json:"round_trip_ms"`
	BroadcastAddress string  `json:"broadcast_address"`
	TCPPort          int     `json:"tcp_port"`
	HTTPPort         int     `json:"http_port"`
	LookupHTTPPort   int     `json:"lookup_http_port"`
	Version          string  `json:"version"`
	Zone             string  `json:"topology_zone"`
	Region           string  `json:"topology_region"`
	Draining         bool    `json:"draining"`
	Entries          int     `json:"registry_entries"`
	Agrees           *bool   `json:"agrees,omitempty"`
	Error            string  `json:"error,omitempty"`
}

func (r *Report) alive() (n int) {
	for _, m := range r.Members {
		if m.Status == "alive" {
			n++
		}
	}
	return n
}

// Trouble says what is wrong with the mesh. Members that left did so on purpose.
func (r *Report) Trouble(expect int) error {
	if r.Isolated {
		return errors.New("the node that was asked hears no other member and goes by what it last knew")
	}
	for _, m := range r.Members {
		if m.Status != "alive" && m.Status != "left" {
			return fmt.Errorf("member %s is %s", m.Name, m.Status)
		}
	}
	switch alive := r.alive(); {
	case alive < expect:
		return fmt.Errorf("%d of %d members are alive", alive, expect)
	case !r.Agree:
		return errors.New("the members do not know the same topics")
	}
	return nil
}

func (r *Report) Print(std cli.Stdio) {
	p := cli.NewPaint(std.Out, std.Environ)
	t := &cli.Table{Head: []string{"NAME", "STATUS", "FOR", "CLIENTS", "GOSSIP", "ZONE", " RTT", " ENTRIES", "AGREES", "VERSION", "NOTE"}}
	for _, m := range r.Members {
		t.Add(cli.Plain(m.label()), m.statusCell(p), cli.Plain(cli.Brief(time.Duration(m.StatusForMs)*time.Millisecond)),
			cli.Plain(joinPort(m.BroadcastAddress, m.TCPPort)), cli.Plain(m.Address), cli.Plain(m.Zone), cli.Plain(m.roundTrip()),
			cli.Number(m.Entries), m.agreesCell(p), cli.Plain(m.Version), cli.Plain(m.note()))
	}
	t.Print(std.Out, p)
	verdict := p.Good("all of them know the same topics")
	if err := r.Trouble(0); err != nil {
		verdict = p.Bad(err.Error())
	}
	fmt.Fprintf(std.Out, "\n%s, %d alive: %s\n", cli.Plural(int64(len(r.Members)), "member"), r.alive(), verdict)
}

func (m *meshMember) label() string {
	if m.Name != "" {
		return m.Name
	}
	return m.ID
}

func (m *meshMember) statusCell(p cli.Paint) cli.CellText {
	switch m.Status {
	case "alive":
		return cli.Painted(m.Status, p.Good)
	case "left":
		return cli.Plain(m.Status)
	case "suspect":
		return cli.Painted(m.Status, p.Warn)
	}
	return cli.Painted(m.Status, p.Bad)
}

func (m *meshMember) agreesCell(p cli.Paint) cli.CellText {
	switch {
	case m.Agrees == nil:
		return cli.Plain("")
	case *m.Agrees:
		return cli.Painted("yes", p.Good)
	}
	return cli.Painted("no", p.Warn)
}

func (m *meshMember) roundTrip() string {
	if m.RoundTripMs == 0 {
		return ""
	}
	return fmt.Sprintf("%.1fms", m.RoundTripMs)
}

func (m *meshMember) note() string {
	switch {
	case m.Error != "":
		return m.Error
	case m.Self:
		return "the node that was asked"
	case m.Draining:
		return "draining"
	}
	return ""
}

// Mesh is how the first node that answers sees its mesh.
func (c *Cluster) Mesh(ctx context.Context) (*Report, error) {
	var failed []error
	for _, address := range c.Lookupds {
		report := new(Report)
		err := c.Api.Get(ctx, address, "/mesh", nil, &report.Raw)
		if err == nil {
			err = json.Unmarshal(report.Raw, report)
		}
		if err == nil {
			return report, nil
		}
		failed = append(failed, err)
	}
	return nil, c.notFound(failed)
}
