package registry

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func guest(r *Registry, address string) *Guest {
	return r.Identify(Producer{RemoteAddress: address + ":9999", BroadcastAddress: address, TCPPort: 1, HTTPPort: 2, Version: "x"})
}

// TestGuests plays what stock nsqds may do against what an nsqlookupd lists afterwards.
func TestGuests(t *testing.T) {
	cases := map[string]struct {
		play func(r *Registry, a, b *Guest)
		want string // of topic t
	}{
		"a topic without channels":      {func(_ *Registry, a, _ *Guest) { a.Register("t", "") }, " | a"},
		"a channel registers its topic": {func(_ *Registry, a, _ *Guest) { a.Register("t", "c") }, "c | a"},
		"two hold a topic":              {func(_ *Registry, a, b *Guest) { a.Register("t", "c"); b.Register("t", "d") }, "c,d | a,b"},
		"leaving a channel leaves its name and the topic": {func(_ *Registry, a, _ *Guest) {
			a.Register("t", "c")
			a.Unregister("t", "c")
		}, "c | a"},
		"leaving a topic leaves all names": {func(_ *Registry, a, _ *Guest) {
			a.Register("t", "c")
			a.Unregister("t", "")
		}, "c | "},
		"a disconnect leaves all names": {func(_ *Registry, a, _ *Guest) {
			a.Register("t", "c#ephemeral")
			a.Disconnect()
		}, "c#ephemeral | "},
		"leaving what was never there": {func(_ *Registry, a, _ *Guest) {
			a.Unregister("t", "")
			a.Unregister("t", "c")
		}, "unknown"},
		"the last to leave takes an ephemeral channel's name": {func(_ *Registry, a, b *Guest) {
			a.Register("t", "e#ephemeral")
			b.Register("t", "e#ephemeral")
			a.Unregister("t", "e#ephemeral")
			b.Unregister("t", "e#ephemeral")
		}, " | a,b"},
		"a holder keeps an ephemeral channel's name": {func(_ *Registry, a, b *Guest) {
			a.Register("t", "e#ephemeral")
			b.Register("t", "e#ephemeral")
			a.Unregister("t", "e#ephemeral")
		}, "e#ephemeral | a,b"},
		"a tombstone hides one producer": {func(r *Registry, a, b *Guest) {
			a.Register("t", "c")
			b.Register("t", "c")
			r.TombstoneProducer("t", "a:2")
		}, "c | b"},
		"registering again keeps the tombstone": {func(r *Registry, a, _ *Guest) {
			a.Register("t", "c")
			r.TombstoneProducer("t", "a:2")
			a.Register("t", "c")
			a.Register("t", "d")
			a.Ping()
		}, "c,d | "},
		"leaving and registering gives a fresh entry": {func(r *Registry, a, _ *Guest) {
			a.Register("t", "")
			r.TombstoneProducer("t", "a:2")
			a.Unregister("t", "")
			a.Register("t", "")
		}, " | a"},
		"a tombstone for another port": {func(r *Registry, a, _ *Guest) {
			a.Register("t", "")
			r.TombstoneProducer("t", "a:1")
		}, " | a"},
		"a delete takes producers and names": {func(r *Registry, a, _ *Guest) {
			a.Register("t", "c")
			r.DeleteTopic("t")
			a.Ping()
		}, "unknown"},
		"registering after a delete brings it back": {func(r *Registry, a, _ *Guest) {
			a.Register("t", "c")
			r.DeleteTopic("t")
			a.Register("t", "d")
		}, "d | a"},
		"a channel's delete leaves the topic": {func(r *Registry, a, _ *Guest) {
			a.Register("t", "c")
			a.Register("t", "d")
			r.DeleteChannel("t", "c")
		}, "d | a"},
		"a star is no wildcard": {func(r *Registry, a, _ *Guest) {
			a.Register("t", "c")
			r.DeleteTopic("*")
			r.TombstoneProducer("*", "a:2")
		}, "c | a"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r := New(Options{ID: id(1)}, nil)
			c.play(r, guest(r, "a"), guest(r, "b"))
			expect(t, r, "t", c.want)
			far := newTest(2)
			pull(t, far, r)
			expect(t, far, "t", c.want)
		})
	}
}

func TestEphemeralTopicGoesWithItsChannels(t *testing.T) {
	r := New(Options{ID: id(1)}, nil)
	a := guest(r, "a")
	a.Register("t#ephemeral", "c")
	a.Unregister("t#ephemeral", "")
	expect(t, r, "t#ephemeral", "unknown")
}

func TestDisconnectedGuestSaysNothing(t *testing.T) {
	r := New(Options{ID: id(1)}, nil)
	a := guest(r, "a")
	a.Disconnect()
	a.Register("t", "c")
	a.Ping()
	a.Disconnect()
	expect(t, r, "t", "unknown")
	if len(r.guests) != 0 || len(r.producers) != 0 {
		t.Errorf("left: %v, %v", r.guests, r.producers)
	}
}

func TestTombstoneTakesBracketsOrNot(t *testing.T) {
	for _, node := range []string{"fd00::1:2", "[fd00::1]:2"} {
		r := New(Options{ID: id(1)}, nil)
		guest(r, "fd00::1").Register("t", "")
		r.TombstoneProducer("t", node)
		expect(t, r, "t", " | ")
		if nodes := string(r.View().NodesJSON()); !strings.Contains(nodes, `"tombstones":[true],"topics":["t"]`) {
			t.Errorf("%s: %s", node, nodes)
		}
	}
}

// running runs a registry in a bubble until the test ends.
func running(t *testing.T, r *Registry) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- r.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestTombstoneEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, far := newTest(1), newTest(2)
		running(t, r)
		running(t, far)
		r.SetTopic("t", with())
		r.TombstoneProducer("t", "10.0.0.1:4151")
		pull(t, far, r)
		time.Sleep(30 * time.Second)
		r.TombstoneProducer("t", "10.0.0.1:4151") // the time starts anew; the other node does not hear of it
		expect(t, r, "t", " | ")
		expect(t, far, "t", " | ")
		time.Sleep(15*time.Second + time.Millisecond)
		expect(t, r, "t", " | ")
		expect(t, far, "t", " | 10.0.0.1")
		time.Sleep(30 * time.Second)
		expect(t, r, "t", " | 10.0.0.1")
	})
}

func TestSilentGuestIsHidden(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newTest(1)
		running(t, r)
		a := guest(r, "a")
		a.Register("t", "c")
		time.Sleep(4 * time.Minute)
		a.Ping()
		time.Sleep(4 * time.Minute)
		a.Register("t", "d") // no sign of life
		time.Sleep(time.Minute)
		expect(t, r, "t", "c,d | a")
		time.Sleep(time.Millisecond)
		expect(t, r, "t", "c,d | ")
		if got := len(r.View().Nodes()); got != 1 {
			t.Errorf("%d nodes are listed", got)
		}
		a.Ping()
		expect(t, r, "t", "c,d | a")
	})
}

func TestRegistrations(t *testing.T) {
	r := New(Options{ID: id(1)}, nil)
	a := guest(r, "a")
	a.Register("t", "c")
	a.Register("u", "")
	r.CreateTopic("nobody")
	r.TombstoneProducer("t", "a:2")
	all := r.Registrations()
	if len(all) != 4 || len(all["client::"]) != 1 || len(all["topic:u:"]) != 1 || len(all["channel:t:c"]) != 1 {
		t.Fatalf("registrations are %v", all)
	}
	reg := all["topic:t:"][0]
	if !reg.Tombstoned || time.Since(reg.TombstonedAt) > time.Minute || reg.ID != "a:9999" || time.Since(reg.LastUpdate) > time.Minute {
		t.Errorf("registration is %+v", reg)
	}
}
