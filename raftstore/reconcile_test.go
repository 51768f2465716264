package raftstore

import "testing"

func TestLeaderChangesOneThingAtATime(t *testing.T) {
	voter := func(id string) seat { return seat{server: id, voter: true, alive: true} }
	dead := func(id string) seat { return seat{server: id, voter: true, overdue: true} }
	spare := func(id string, ready bool) seat { return seat{server: id, alive: true, ready: ready} }
	for name, c := range map[string]struct {
		group  group
		what   change
		server string
	}{
		"a whole group is left alone": {group{seats: []seat{voter("a"), voter("b"), voter("c")}, voters: 3, spares: 2}, changeNothing, ""},
		"a newcomer gets no vote at first": {
			group{seats: []seat{voter("a")}, applicants: []string{"b"}, voters: 3, spares: 0}, changeAdd, "b"},
		"a newcomer beyond the spares waits": {
			group{seats: []seat{voter("a"), spare("b", true)}, applicants: []string{"c"}, voters: 1, spares: 1}, changeNothing, ""},
		"a spare that is in step takes a free seat": {
			group{seats: []seat{voter("a"), voter("b"), spare("c", true)}, voters: 3}, changePromote, "c"},
		"a spare that lags does not": {
			group{seats: []seat{voter("a"), voter("b"), spare("c", false)}, voters: 3}, changeNothing, ""},
		"a dead voter without a spare keeps its seat": {
			group{seats: []seat{voter("a"), voter("b"), dead("c")}, voters: 3}, changeNothing, ""},
		"a dead voter keeps it until the spare has one": {
			group{seats: []seat{voter("a"), voter("b"), dead("c"), spare("d", true)}, voters: 3}, changePromote, "d"},
		"and loses it then": {
			group{seats: []seat{voter("a"), voter("b"), dead("c"), voter("d")}, voters: 3}, changeRemove, "c"},
		"a voter that is away for less than the grace stays": {
			group{seats: []seat{voter("a"), voter("b"), {server: "c", voter: true}, spare("d", true)}, voters: 3}, changeNothing, ""},
		"a server whose disk was wiped goes before one that is away": {
			group{seats: []seat{voter("a"), voter("b"), voter("e"), dead("c"), {server: "d", voter: true, gone: true}, voter("f")}, voters: 5}, changeRemove, "d"},
		"nothing is removed where a majority is not alive": {
			group{seats: []seat{voter("a"), dead("b"), dead("c"), dead("d")}, voters: 3}, changeNothing, ""},
		"a second voter is not added to one that is dead": {
			group{seats: []seat{voter("a"), dead("b"), dead("c"), spare("d", true)}, voters: 3}, changeNothing, ""},
		"a dead spare makes room": {
			group{seats: []seat{voter("a"), {server: "b", overdue: true}}, applicants: []string{"c"}, voters: 1, spares: 1}, changeRemove, "b"},
	} {
		t.Run(name, func(t *testing.T) {
			if what, server := c.group.decide(); what != c.what || server != c.server {
				t.Errorf("change %d of %q, want %d of %q", what, server, c.what, c.server)
			}
		})
	}
}
