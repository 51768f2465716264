package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// meshReport is the answer of /mesh.
type meshReport struct {
	Agree    bool         `json:"agree"`
	Isolated bool         `json:"isolated"`
	Members  []meshMember `json:"members"`

	raw json.RawMessage // the answer itself, which may tell more
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

func (r *meshReport) alive() (n int) {
	for _, m := range r.Members {
		if m.Status == "alive" {
			n++
		}
	}
	return n
}

// trouble says what is wrong with the mesh. Members that left did so on purpose.
func (r *meshReport) trouble(expect int) error {
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

func (r *meshReport) print(std stdio) {
	p := newPaint(std.out, std.environ)
	t := &table{head: []string{"NAME", "STATUS", "FOR", "CLIENTS", "GOSSIP", "ZONE", " RTT", " ENTRIES", "AGREES", "VERSION", "NOTE"}}
	for _, m := range r.Members {
		t.add(plain(m.label()), m.statusCell(p), plain(brief(time.Duration(m.StatusForMs)*time.Millisecond)),
			plain(joinPort(m.BroadcastAddress, m.TCPPort)), plain(m.Address), plain(m.Zone), plain(m.roundTrip()),
			number(m.Entries), m.agreesCell(p), plain(m.Version), plain(m.note()))
	}
	t.print(std.out, p)
	verdict := p.good("all of them know the same topics")
	if err := r.trouble(0); err != nil {
		verdict = p.bad(err.Error())
	}
	fmt.Fprintf(std.out, "\n%s, %d alive: %s\n", plural(int64(len(r.Members)), "member"), r.alive(), verdict)
}

func (m *meshMember) label() string {
	if m.Name != "" {
		return m.Name
	}
	return m.ID
}

func (m *meshMember) statusCell(p paint) cellText {
	switch m.Status {
	case "alive":
		return cellText{m.Status, p.good}
	case "left":
		return plain(m.Status)
	case "suspect":
		return cellText{m.Status, p.warn}
	}
	return cellText{m.Status, p.bad}
}

func (m *meshMember) agreesCell(p paint) cellText {
	switch {
	case m.Agrees == nil:
		return plain("")
	case *m.Agrees:
		return cellText{"yes", p.good}
	}
	return cellText{"no", p.warn}
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
