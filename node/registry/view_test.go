package registry

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
)

func TestAnswers(t *testing.T) {
	r := New(Options{ID: id(1)}, nil)
	r.SetNode(Node{
		Hostname: `h"1`, BroadcastAddress: "n1", TCPPort: 4150, HTTPPort: 4151, Version: "1.2.3", Zone: "z", Region: "r",
	})
	r.SetTopic("t", with("c", "d"))
	r.SetTopic("u", with())
	r.TombstoneProducer("u", "n1:4151")
	peer := `{"remote_address":"n1:4150","hostname":"h\"1","broadcast_address":"n1","tcp_port":4150,"http_port":4151,` +
		`"version":"1.2.3","topology_zone":"z","topology_region":"r"`
	v := r.View()
	for name, c := range map[string]struct{ got, want string }{
		"topics":                         {string(v.TopicsJSON()), `{"topics":["t","u"]}`},
		"channels":                       {string(v.Topic("t").ChannelsJSON()), `{"channels":["c","d"]}`},
		"no channels":                    {string(v.Topic("u").ChannelsJSON()), `{"channels":[]}`},
		"lookup":                         {string(v.Topic("t").LookupJSON()), `{"channels":["c","d"],"producers":[` + peer + `}]}`},
		"lookup of a tombstoned topic":   {string(v.Topic("u").LookupJSON()), `{"channels":[],"producers":[]}`},
		"nodes":                          {string(v.NodesJSON()), `{"producers":[` + peer + `,"tombstones":[false,true],"topics":["t","u"]}]}`},
		"publishing to an unknown topic": {string(v.PublishJSON("x")), `{"channels":[],"producers":[` + peer + `}]}`},
		"publishing where it is hidden":  {string(v.PublishJSON("u")), `{"channels":[],"producers":[]}`},
	} {
		if c.got != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", name, c.got, c.want)
		}
	}
	if again := r.View().Topic("t").LookupJSON(); &again[0] != &v.Topic("t").LookupJSON()[0] {
		t.Error("an answer is encoded twice")
	}
}

func TestPublishersAreNearFirst(t *testing.T) {
	r := New(Options{ID: id(1)}, &crowd{})
	r.SetNode(Node{BroadcastAddress: "me", TCPPort: 1, Zone: "z1", Region: "r1"})
	for i, n := range []Node{
		{BroadcastAddress: "a-far", Zone: "z9", Region: "r9"},
		{BroadcastAddress: "b-region", Zone: "z2", Region: "r1"},
		{BroadcastAddress: "c-zone", Zone: "z1", Region: "r1"},
		{BroadcastAddress: "d-draining", Zone: "z1", Region: "r1", Draining: true},
		{BroadcastAddress: "e-namesake", Zone: "z1", Region: "r9"},
	} {
		other := New(Options{ID: id(10 + i)}, &crowd{})
		n.TCPPort = 1
		other.SetNode(n)
		other.SetTopic("t", with())
		pull(t, r, other)
	}
	var answer struct{ Producers []Producer }
	if err := json.Unmarshal(r.View().PublishJSON("t"), &answer); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range answer.Producers {
		got = append(got, p.BroadcastAddress)
	}
	if want := []string{"c-zone", "me", "b-region", "a-far", "e-namesake"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	expect(t, r, "t", " | a-far,b-region,c-zone,d-draining,e-namesake") // a draining one is still consumed from
}

func TestSince(t *testing.T) {
	r := newTest(1)
	start := r.View().Revision()
	changed := r.View().Changed()
	r.SetTopic("a", with())
	select {
	case <-changed:
	default:
		t.Fatal("nobody is woken")
	}
	r.SetTopic("b", with())
	r.SetTopic("a", with("c"))
	c := r.Since(start)
	slices.Sort(c.Topics)
	if c.All || !c.Nodes || !slices.Equal(c.Topics, []string{"a", "b"}) {
		t.Errorf("changes are %+v", c)
	}
	if c := r.Since(c.View.Revision()); c.All || c.Nodes || c.Topics != nil {
		t.Errorf("nothing changed, but %+v", c)
	}
	if c := r.Since(c.View.Revision() + 5); !c.All {
		t.Error("a revision of the future is taken")
	}
	r.PauseTopic("a", true)
	if c.View != r.View() {
		t.Error("what nobody sees makes a new view")
	}
	for i := range maxRevisions + 1 {
		r.SetTopic("a", with(fmt.Sprint("c", i)))
	}
	if c := r.Since(start); !c.All {
		t.Error("what was long ago is still known")
	}
	if c := r.Since(r.View().Revision() - maxRevisions); c.All || len(c.Topics) != 1 {
		t.Errorf("what is just known is %+v", c)
	}
}

// TestReadersWhileItChanges is for the race detector: views are read without a lock.
func TestReadersWhileItChanges(t *testing.T) {
	r := newTest(1)
	var writers, readers sync.WaitGroup
	done := make(chan struct{})
	for w := range 2 {
		writers.Go(func() {
			for i := range 300 {
				r.SetTopic(fmt.Sprint("t", i%20), with(fmt.Sprint("c", w)))
				r.TombstoneProducer(fmt.Sprint("t", i%7), "10.0.0.1:4151")
				if i%50 == 0 {
					r.DeleteTopic(fmt.Sprint("t", i%20))
				}
			}
		})
	}
	for range 2 {
		readers.Go(func() {
			for last := uint64(0); ; {
				select {
				case <-done:
					return
				default:
				}
				v := r.View()
				if v.Revision() < last {
					t.Error("views go back")
				}
				last = v.Revision()
				for _, name := range v.Topics() {
					if !json.Valid(v.Topic(name).LookupJSON()) || !json.Valid(v.PublishJSON(name)) {
						t.Error("not JSON")
					}
				}
				if !json.Valid(v.NodesJSON()) {
					t.Error("not JSON")
				}
				r.Since(last - min(last, 3))
			}
		})
	}
	writers.Wait()
	close(done)
	readers.Wait()
}

// TestListsAreLikeRebuilt compares the lists that are kept up to date with what a new registry makes of the same documents.
func TestListsAreLikeRebuilt(t *testing.T) {
	r := newTest(1)
	for i := range 200 {
		name := fmt.Sprint("t", i*7919%60)
		if i%3 == 0 {
			r.RemoveTopic(name)
		} else {
			r.SetTopic(name, with("c"))
		}
		if i%5 == 0 {
			r.TombstoneProducer(name, "10.0.0.1:4151")
		}
		if i%11 == 0 {
			r.DeleteTopic(name)
		}
	}
	fresh := newTest(2)
	pull(t, fresh, r)
	fresh.SetNode(Node{})
	if got, want := string(fresh.View().NodesJSON()), string(r.View().NodesJSON()); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if strings.Count(string(r.View().NodesJSON()), "true") == 0 {
		t.Error("nothing is tombstoned")
	}
}

// big is a registry that knows topics, each of them on all nodes.
func big(b *testing.B, topics, nodes int) *Registry {
	r := New(Options{ID: id(0)}, &crowd{})
	for n := range nodes {
		other := newTest(n + 1)
		all := map[string]Topic{}
		for i := range topics {
			all[fmt.Sprintf("some.topic.of.some.team.%05d", i)] = with("archive", "billing")
		}
		other.SetTopics(all)
		for _, chunk := range other.Answer(r.Missing(other.Digest())) {
			if _, err := r.Merge(chunk); err != nil {
				b.Fatal(err)
			}
		}
	}
	r.tick()
	return r
}

func BenchmarkRead(b *testing.B) {
	r := big(b, 1000, 10)
	b.Run("lookup", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			r.View().Topic("some.topic.of.some.team.00500").LookupJSON()
		}
	})
	b.Run("nodes", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			r.View().NodesJSON()
		}
	})
}

func BenchmarkChange(b *testing.B) {
	for _, topics := range []int{1000, 20000} {
		b.Run(fmt.Sprint(topics), func(b *testing.B) {
			r := big(b, topics, 3)
			paused := false
			b.ReportAllocs()
			b.ResetTimer()
			for b.Loop() {
				paused = !paused
				if paused {
					r.SetTopic("some.topic.of.some.team.00500", with("more"))
				} else {
					r.RemoveTopic("some.topic.of.some.team.00500")
				}
			}
		})
	}
}

func TestReadsDoNotAllocate(t *testing.T) {
	r := newTest(1)
	r.SetTopic("t", with("c"))
	n := testing.AllocsPerRun(100, func() {
		v := r.View()
		v.Topic("t").LookupJSON()
		v.TopicsJSON()
		v.NodesJSON()
	})
	if n != 0 {
		t.Errorf("reads allocate %v times", n)
	}
}
