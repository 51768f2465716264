package admin

import (
	"context"
	"net"
	"slices"
	"strconv"
	"strings"
)

// member is a node of the mesh, or a stock nsqd that registered with one, as the node that answers knows it.
type member struct {
	NodeRow
	tombstones map[string]bool // topics whose lookups leave it out
	topics     []string        // that it is registered for; nil if it is down
	lookups    bool            // it answers lookups
	lookup     string          // where
}

// reachable reports whether it is worth asking.
func (m *member) reachable() bool { return m.Self || m.Status == "alive" || m.Status == "suspect" }

type producer struct {
	Hostname         string   `json:"hostname"`
	BroadcastAddress string   `json:"broadcast_address"`
	TCPPort          int      `json:"tcp_port"`
	HTTPPort         int      `json:"http_port"`
	Version          string   `json:"version"`
	Zone             string   `json:"topology_zone"`
	Region           string   `json:"topology_region"`
	Topics           []string `json:"topics"`
	Tombstones       []bool   `json:"tombstones"`
}

// members asks the own lookupd, in process, who there is.
func (a *Admin) members(ctx context.Context) ([]*member, error) {
	var view MeshView
	if err := a.own.lookupd.get(ctx, "/mesh?compare=false", &view); err != nil {
		return nil, err
	}
	var registered struct {
		Producers []producer `json:"producers"`
	}
	if err := a.own.lookupd.get(ctx, "/nodes", &registered); err != nil {
		return nil, err
	}
	all := make([]*member, 0, len(registered.Producers))
	at := map[string]*member{}
	for i := range view.Members {
		m := &view.Members[i]
		if m.Status == "left" && m.HTTPPort == 0 {
			continue
		}
		one := &member{NodeRow: rowOfMember(m), lookups: m.LookupHTTPPort > 0, lookup: joinPort(m.BroadcastAddress, m.LookupHTTPPort)}
		all = append(all, one)
		at[one.Address] = one
	}
	for i := range registered.Producers {
		p := &registered.Producers[i]
		address := joinPort(p.BroadcastAddress, p.HTTPPort)
		one := at[address]
		if one == nil {
			one = a.guest(p, address, len(view.Members) == 0)
			all = append(all, one)
			at[address] = one
		}
		one.register(p)
	}
	a.settle(all)
	return all, nil
}

func rowOfMember(m *MeshMember) NodeRow {
	return NodeRow{
		Name: m.Name, ID: m.ID, Address: joinPort(m.BroadcastAddress, m.HTTPPort), TCPAddress: joinPort(m.BroadcastAddress, m.TCPPort),
		Hostname: m.Hostname, Version: m.Version, Zone: m.Zone, Region: m.Region, Self: m.Self,
		Status: m.Status, StatusFor: m.StatusForMs, Draining: m.Draining,
	}
}

// guest is a producer that is no member. Without gossip, the node that answers is not listed as one either.
func (a *Admin) guest(p *producer, address string, alone bool) *member {
	self := alone && address == a.o.Address
	name := address
	if self && a.o.Name != "" {
		name = a.o.Name
	}
	return &member{NodeRow: NodeRow{
		Name: name, Address: address, TCPAddress: joinPort(p.BroadcastAddress, p.TCPPort), Hostname: p.Hostname,
		Version: p.Version, Zone: p.Zone, Region: p.Region, Stock: !self, Self: self, Status: "alive",
	}}
}

func (m *member) register(p *producer) {
	m.topics, m.tombstones = p.Topics, map[string]bool{}
	for i, hidden := range p.Tombstones {
		if hidden && i < len(p.Topics) {
			m.tombstones[p.Topics[i]] = true
			m.Tombstoned = append(m.Tombstoned, p.Topics[i])
		}
	}
}

// settle sorts members and gives those that share a name their addresses as names.
func (a *Admin) settle(all []*member) {
	count := map[string]int{}
	for _, m := range all {
		count[m.Name]++
	}
	latest := ""
	for _, m := range all {
		if m.Name == "" || count[m.Name] > 1 {
			m.Name = m.Address
		}
		if compareVersions(m.Version, latest) > 0 {
			latest = m.Version
		}
	}
	for _, m := range all {
		m.OutOfDate = compareVersions(m.Version, latest) < 0
	}
	slices.SortFunc(all, func(x, y *member) int {
		if c := strings.Compare(x.Name, y.Name); c != 0 {
			return c
		}
		return strings.Compare(x.ID, y.ID)
	})
}

// named finds a member by name, id or address; nil if there is none.
func named(all []*member, name string) *member {
	for _, m := range all {
		if name != "" && (m.Name == name || m.Address == name || m.ID == name) {
			return m
		}
	}
	return nil
}

// joinPort is empty where there is no port.
func joinPort(host string, port int) string {
	if host == "" || port <= 0 {
		return ""
	}
	return net.JoinHostPort(host, strconv.Itoa(port))
}

// compareVersions compares numbers between dots; what is no number is 0.
func compareVersions(a, b string) int {
	x, y := strings.Split(strings.TrimPrefix(a, "v"), "."), strings.Split(strings.TrimPrefix(b, "v"), ".")
	for i := range max(len(x), len(y)) {
		if c := versionPart(x, i) - versionPart(y, i); c != 0 {
			return c
		}
	}
	return 0
}

func versionPart(parts []string, i int) int {
	if i >= len(parts) {
		return 0
	}
	digits, _, _ := strings.Cut(parts[i], "-")
	n, err := strconv.Atoi(digits)
	if err != nil {
		return 0
	}
	return n
}
