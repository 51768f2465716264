package gossip

import (
	"bytes"
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"
)

func side(name string, keys ...[]byte) greeting {
	return greeting{keys: keys, mine: hello{cluster: "c", id: "id-" + name, name: name, keyed: len(keys) > 0, nonce: newNonce()}}
}

// shake runs a handshake over a pipe and returns how it went for the dialler and for the listener.
func shake(dialler, listener greeting) (errD, errL error) {
	d, l := net.Pipe()
	done := make(chan error, 1)
	go func() {
		_, err := listener.greetAsListener(l, time.Second)
		_ = l.Close()
		done <- err
	}()
	_, errD = dialler.greetAsDialler(d, time.Second)
	_ = d.Close()
	return errD, <-done
}

func TestHandshakes(t *testing.T) {
	other := side("b")
	other.mine.cluster = "d"
	picky := side("b")
	picky.admit = func(hello) error { return errRefused{refusedPurpose} }
	tests := map[string]struct {
		dialler, listener greeting
		why               refusal // of the dialler; 0: none
	}{
		"without keys":                       {side("a"), side("b"), 0},
		"with the same key":                  {side("a", key(1)), side("b", key(1)), 0},
		"in the middle of a rotation":        {side("a", key(1), key(2)), side("b", key(2), key(1)), 0},
		"with a primary the other can check": {side("a", key(1)), side("b", key(1), key(2)), 0},
		"with a primary the other has not":   {side("a", key(2), key(1)), side("b", key(1)), refusedKey},
		"with other keys":                    {side("a", key(1)), side("b", key(2)), refusedKey},
		"with a key at one end only":         {side("a"), side("b", key(1)), refusedKey},
		"with a key at the other end only":   {side("a", key(1)), side("b"), refusedKey},
		"between clusters":                   {side("a"), other, refusedCluster},
		"for a purpose that nobody serves":   {side("a"), picky, refusedPurpose},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				errD, errL := shake(test.dialler, test.listener)
				if test.why == 0 {
					if errD != nil || errL != nil {
						t.Errorf("dialler: %v, listener: %v", errD, errL)
					}
					return
				}
				var refused errRefused
				if !errors.As(errD, &refused) || refused.why != test.why || errL == nil {
					t.Errorf("dialler: %v, listener: %v", errD, errL)
				}
			})
		})
	}
}

func TestAProofIsGoodForOneSideOfOneHandshake(t *testing.T) {
	a, b := hello{id: "a", nonce: newNonce()}.encode(), hello{id: "b", nonce: newNonce()}.encode()
	g := greeting{keys: [][]byte{key(1)}}
	shown := g.prove("dialler", a, b)
	if !g.proven("dialler", a, b, shown) {
		t.Error("a good proof is refused")
	}
	again := hello{id: "a", nonce: newNonce()}.encode()
	for what, proven := range map[string]bool{
		"sent back to its maker":    g.proven("listener", a, b, shown),
		"replayed":                  g.proven("dialler", again, b, shown),
		"with the ends swapped":     g.proven("dialler", b, a, shown),
		"made with another key":     g.proven("dialler", a, b, proof(key(2), "dialler", a, b)),
		"that is empty":             g.proven("dialler", a, b, nil),
		"made with an empty secret": g.proven("dialler", a, b, proof(nil, "dialler", a, b)),
	} {
		if proven {
			t.Errorf("a proof %s is accepted", what)
		}
	}
}

func TestASilentStrangerIsNotWaitedForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, l := net.Pipe()
		start := time.Now()
		if _, err := side("b").greetAsListener(l, time.Second); err == nil || time.Since(start) != time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

func TestKeysOfARing(t *testing.T) {
	m := New(Config{ID: "i", Name: "n", Keys: [][]byte{key(1), key(2), key(3)}})
	held := m.keyring.GetKeys() // as a packet's reader holds it
	before := bytes.Join(held, nil)
	for _, k := range [][]byte{key(2), key(3)} {
		if err := m.RemoveKey(k); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(bytes.Join(held, nil), before) {
		t.Error("a slice that a reader holds was changed")
	}
	if got := m.Keys(); len(got) != 1 || !bytes.Equal(got[0], key(1)) {
		t.Errorf("%d keys", len(got))
	}
	for what, err := range map[string]error{
		"the key in use removed":       m.RemoveKey(key(1)),
		"a key of a wrong size added":  m.AddKey([]byte("short")),
		"a key that is not there used": m.UseKey(key(9)),
		"a key removed from no ring":   New(Config{ID: "i", Name: "n"}).RemoveKey(key(1)),
	} {
		if !errors.Is(err, ErrKey) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestConfigurationsThatCannotBe(t *testing.T) {
	good := func() Config {
		return Config{ID: "i", Name: "n", Bind: "127.0.0.1:0", LinkBind: "127.0.0.1:0"}
	}
	tests := map[string]func(*Config){
		"no id":                      func(c *Config) { c.ID = "" },
		"no name":                    func(c *Config) { c.Name = "" },
		"too long a name":            func(c *Config) { c.Name = string(make([]byte, maxName+1)) },
		"an unknown profile":         func(c *Config) { c.Profile = "moon" },
		"a key of a wrong size":      func(c *Config) { c.Keys = [][]byte{[]byte("short")} },
		"an address nobody can dial": func(c *Config) { c.Advertise = "0.0.0.0" },
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			c := good()
			change(&c)
			m := New(c)
			if err := m.Listen(); !errors.Is(err, ErrConfig) {
				t.Error(err)
			}
			m.Close()
		})
	}
}

func TestAdvertisedAddresses(t *testing.T) {
	dns := &names{ips: map[string][]string{"me": {"fe80::1", "10.9.9.9"}}}
	tests := map[string]struct{ advertise, link, wantAddr, wantLink string }{
		"are those bound to":           {"", "", "127.0.0.1:<gossip>", "127.0.0.1:<link>"},
		"may be another host":          {"10.1.1.1", "10.1.1.2", "10.1.1.1:<gossip>", "10.1.1.2:<link>"},
		"may have another port":        {"10.1.1.1:5", ":6", "10.1.1.1:5", "127.0.0.1:6"},
		"may be a name, resolved once": {"me:5", "me", "10.9.9.9:5", "10.9.9.9:<link>"},
		"may be IPv6":                  {"fd00::1", "[fd00::2]:7", "[fd00::1]:<gossip>", "[fd00::2]:7"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			m := New(Config{ID: "i", Name: "n", Bind: "127.0.0.1:0", LinkBind: "127.0.0.1:0", Resolver: dns,
				Advertise: test.advertise, LinkAdvertise: test.link})
			if err := m.Listen(); err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			if got := withPort(test.wantAddr, "<gossip>", m.transport.listener.Addr()); m.Addr() != got {
				t.Errorf("gossip at %s, want %s", m.Addr(), got)
			}
			if got := withPort(test.wantLink, "<link>", m.linkListener.Addr()); m.LinkAddr() != got {
				t.Errorf("links at %s, want %s", m.LinkAddr(), got)
			}
		})
	}
}

func withPort(s, placeholder string, bound net.Addr) string {
	_, port, _ := net.SplitHostPort(bound.String())
	return string(bytes.ReplaceAll([]byte(s), []byte(placeholder), []byte(port)))
}
