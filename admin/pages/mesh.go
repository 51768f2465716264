package pages

import (
	"fmt"
	"net"
	"slices"
	"strconv"

	"github.com/nsqmesh/nsqmesh/admin"
	"github.com/nsqmesh/nsqmesh/admin/chart"
)

type mesh struct {
	Count, Class, Verdict, Asked string
	Members                      []meshMember
	Zones, Raft                  []fact
}

type meshMember struct {
	Key, Name, Link                             string
	Self                                        bool
	Tags                                        []tag
	For, Agrees, AgreesClass, RoundTrip, Linked string
	Zone, Region, Gossip, Clients, Version      string
	Entries                                     int64
}

func (p *Pages) mesh(v *visit) error {
	m, err := p.Admin.Mesh(v.ctx())
	if err != nil {
		return err
	}
	body := mesh{Count: plural(int64(len(m.Members)), "member"), Asked: p.Node}
	body.Class, body.Verdict = verdict(m)
	for _, one := range m.Members {
		body.Members = append(body.Members, p.meshMember(one, m.Isolated))
	}
	body.Zones = spread(m)
	v.Title, v.JSON, v.Body = "Mesh", "/api/v1/mesh", body
	return nil
}

// verdict says in one sentence whether all is well.
func verdict(m *admin.MeshView) (class, text string) {
	var away []string
	alive := 0
	for _, one := range m.Members {
		switch one.Status {
		case "alive":
			alive++
		case "left":
		default:
			away = append(away, one.Name+" is "+one.Status)
		}
	}
	switch {
	case len(m.Members) == 0:
		return "", "Gossip is off: this node is alone and knows no other."
	case m.Isolated:
		return "bad", "This node hears no other member and goes by what it last knew."
	case len(away) > 0:
		return "bad", fmt.Sprintf("%d of %d members are alive: %s.", alive, len(m.Members), enumerate(away))
	case !m.Agree:
		return "warn", "All members are alive, and they do not know the same topics yet. This heals within seconds; if it stays, see what the members say."
	case alive == 1:
		return "good", "This node is the only member."
	}
	return "good", fmt.Sprintf("All %d members are alive and know the same topics.", alive)
}

func (p *Pages) meshMember(m admin.MeshMember, isolated bool) meshMember {
	shown := meshMember{
		Key: "m." + m.ID, Name: m.Name, Self: m.Self, For: lasting(millis(m.StatusForMs)), Zone: m.Zone, Region: m.Region,
		Gossip: m.Address, Version: m.Version, Entries: int64(m.RegistryEntries), Linked: "no", RoundTrip: chart.None, AgreesClass: "soft", Agrees: "not asked",
	}
	if m.Name == "" {
		shown.Name = m.ID
	}
	if m.BroadcastAddress != "" {
		shown.Clients = net.JoinHostPort(m.BroadcastAddress, strconv.Itoa(m.TCPPort))
		shown.Link = p.nodeLink(shown.Name)
	}
	switch {
	case m.Self:
		shown.Linked = chart.None
	case m.Linked:
		shown.Linked = "yes"
	}
	if m.RoundTripMs > 0 {
		shown.RoundTrip = chart.Duration.Text(m.RoundTripMs * 1e6)
	}
	shown.Tags = append(shown.Tags, statusTag(m.Status))
	if m.Draining {
		shown.Tags = append(shown.Tags, tag{"draining", "warn", ""})
	}
	switch {
	case m.Agrees != nil && *m.Agrees:
		shown.Agrees, shown.AgreesClass = "yes", "good"
	case m.Agrees != nil:
		shown.Agrees, shown.AgreesClass = "not yet", "warn"
	case m.Error != "":
		shown.Agrees, shown.AgreesClass = m.Error, "bad"
	}
	return shown
}

func statusTag(status string) tag {
	switch status {
	case "alive":
		return tag{"alive", "good", ""}
	case "suspect":
		return tag{"suspect", "warn", "nothing was heard of it for a moment"}
	case "left":
		return tag{"left", "", "it said goodbye"}
	}
	return tag{status, "bad", ""}
}

// spread tells how members are spread over zones and versions.
func spread(m *admin.MeshView) []fact {
	zones, versions := map[string][]string{}, map[string][]string{}
	for _, one := range m.Members {
		if !one.Present() {
			continue
		}
		if place := one.Region + " " + one.Zone; place != " " {
			zones[place] = append(zones[place], one.Name)
		}
		versions[one.Version] = append(versions[one.Version], one.Name)
	}
	return append(groups(zones, "Zone "), groups(versions, "Version ")...)
}

func groups(by map[string][]string, word string) (facts []fact) {
	for name, members := range by {
		slices.Sort(members)
		facts = append(facts, fact{word + name, plural(int64(len(members)), "member") + ": " + enumerate(members)})
	}
	slices.SortFunc(facts, func(a, b fact) int { return compare(a.Name, b.Name) })
	return facts
}
