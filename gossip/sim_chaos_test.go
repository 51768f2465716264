package gossip

import (
	"fmt"
	"testing"
	"time"
)

// TestSimChaos does to a mesh whatever can happen to one, for a while, and then leaves it alone: it must become whole
// and all states equal, soon. A change that its owner made and then lost with its process may be gone or not.
func TestSimChaos(t *testing.T) {
	const size = 7
	for seed := range *seeds {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			simulate(t, 100+seed, func(s *sim) {
				c := &chaos{sim: s, dns: &names{ips: make(map[string][]string)}}
				for i := range size {
					c.nodes = append(c.nodes, nil)
					c.join(i, fmt.Sprintf("n%02d", i), fmt.Sprintf("10.0.0.%d", i+1))
				}
				s.whole(10*time.Second, c.nodes...)
				for range 60 {
					c.step()
					time.Sleep(time.Duration(s.rng.IntN(2500)) * time.Millisecond)
				}
				c.calm()
				took := s.whole(20*time.Second, c.nodes...)
				took += s.equal(20*time.Second, c.nodes...)
				t.Logf("seed %d: well again after %v: %v", seed, took, c.done)
				if took > 5*time.Second {
					t.Errorf("seed %d: well again after %v: %v", seed, took, c.done)
				}
				time.Sleep(20 * time.Second)
				if !wholeNow(c.nodes) {
					t.Error("not for long")
				}
				for _, n := range c.nodes {
					if n.Stats().Links != size-1 {
						t.Errorf("%s has %d links", n.name, n.Stats().Links)
					}
				}
			})
		})
	}
}

type chaos struct {
	*sim
	nodes []*simNode
	dns   *names // knows where the nodes are now
	moved int
	done  []string
}

func (c *chaos) step() {
	i := c.rng.IntN(len(c.nodes))
	n := c.nodes[i]
	for range c.rng.IntN(20) {
		c.nodes[c.rng.IntN(len(c.nodes))].publish()
	}
	acts := []struct {
		name string
		do   func()
	}{
		{"crash and restart", func() { c.crash(n); c.restart(i, n.ip) }},
		{"crash and move", func() { c.crash(n); c.moved++; c.restart(i, fmt.Sprintf("10.8.0.%d", c.moved)) }},
		{"lose power and restart", func() { n.host.PowerOff(); n.stop(); n.host.PowerOn(); c.restart(i, n.ip) }},
		{"leave and come back", func() { n.stop(); time.Sleep(2 * time.Second); c.restart(i, n.ip) }},
		{"freeze", func() { n.host.Freeze() }},
		{"thaw", func() { c.thaw() }},
		{"cut one way", func() { c.net.Cut(n.host, c.nodes[c.rng.IntN(len(c.nodes))].host) }},
		{"split", func() { c.net.Split(hosts(c.nodes[:i]), hosts(c.nodes[i:])) }},
		{"heal", func() { c.net.Heal() }},
		{"lose packets", func() { c.net.SetLoss(c.rng.IntN(200)) }},
		{"slow down", func() { c.net.SetLatency(time.Duration(c.rng.IntN(50)) * time.Millisecond) }},
	}
	act := acts[c.rng.IntN(len(acts))]
	c.done = append(c.done, act.name+" "+n.name)
	act.do()
}

// restart starts a node with the state that its disk held: what it owns itself.
func (c *chaos) restart(i int, ip string) {
	old := c.nodes[i]
	c.join(i, old.name, ip)
	for range old.state.count(old.cfg.ID) {
		c.nodes[i].state.bump(old.cfg.ID)
	}
}

func (c *chaos) join(i int, name, ip string) {
	c.nodes[i] = c.start(name, ip, func(cfg *Config) { cfg.Seeds, cfg.Resolver = []string{"mesh:4155"}, c.dns })
	var ips []string
	for _, n := range c.nodes {
		if n != nil {
			ips = append(ips, n.ip)
		}
	}
	c.dns.set("mesh", ips...)
}

func (c *chaos) thaw() {
	for _, n := range c.nodes {
		n.host.Thaw()
	}
}

func (c *chaos) calm() {
	c.net.Heal()
	c.thaw()
	c.net.SetLoss(0)
	c.net.SetLatency(time.Millisecond)
}
