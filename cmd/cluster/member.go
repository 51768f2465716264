package cluster

import (
	"fmt"
	"strings"
)

// Member is a member of the mesh that a tool acts on.
type Member struct {
	ID, Name, Status string
	HTTP             string // address of its nsqd's API
}

// Find returns the member of that name or id, or with that address for clients.
func (r *Report) Find(word string) (Member, error) {
	var names []string
	for i := range r.Members {
		m := &r.Members[i]
		api := joinPort(m.BroadcastAddress, m.HTTPPort)
		if word == m.Name || word == m.ID || word == api || word == joinPort(m.BroadcastAddress, m.TCPPort) {
			return Member{m.ID, m.label(), m.Status, api}, nil
		}
		names = append(names, m.label())
	}
	if len(names) == 0 {
		return Member{}, fmt.Errorf("no node %s: the node that was asked has no mesh", word)
	}
	return Member{}, fmt.Errorf("no node %s in the mesh (there are %s)", word, strings.Join(names, ", "))
}
