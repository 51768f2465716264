package main

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
)

// newNode gives a node a folder and addresses that stay its own over restarts.
func (t *torture) newNode(index int) (*node, error) {
	n := &node{cfg: t.cfg, index: index, host: "127.0.0.1", dir: filepath.Join(t.cfg.dir, fmt.Sprint("node", index))}
	if err := os.MkdirAll(n.dir, 0o700); err != nil {
		return nil, err
	}
	ports := [6]int{4150, 4151, 4160, 4161, 4155, 4156}
	if t.net != nil {
		n.host, n.within = t.net.host(index)
	} else if err := freePorts(&ports); err != nil {
		return nil, err
	}
	at := func(i int) string { return net.JoinHostPort(n.host, strconv.Itoa(ports[i])) }
	n.tcp, n.http, n.lookup, n.gossip = at(0), at(1), at(3), at(4)
	n.ports = []string{at(0), at(1), at(2), at(3), at(4), at(5)}
	n.flags = append([]string{"serve", "--data-path=" + n.dir, "--node-name=" + fmt.Sprint("node", index), "--broadcast-address=" + n.host,
		"--tcp-address=" + n.tcp, "--http-address=" + n.http, "--https-address=", "--admin-http-address=",
		"--lookup-tcp-address=" + at(2), "--lookup-http-address=" + n.lookup, "--gossip-address=" + n.gossip, "--cluster-address=" + at(5),
		"--msg-timeout=" + messageTimeout.String(), "--sync-timeout=500ms", "--log-level=info"}, settings[t.cfg.setting].flags...)
	if t.cfg.keyFile != "" {
		n.flags = append(n.flags, "--gossip-key-file="+t.cfg.keyFile)
	}
	n.seeds = func() (seeds []string) { // all others, so that it does not matter who begins
		for _, other := range t.members() {
			if other != n {
				seeds = append(seeds, other.gossip)
			}
		}
		return seeds
	}
	if err := t.mount(n); err != nil {
		return nil, err
	}
	return n, nil
}

// freePorts finds some below those that the system gives to outgoing connections, so that none of them takes one while
// its node is away.
func freePorts(ports *[6]int) error {
	for i := range ports {
		port, err := freePort()
		if err != nil {
			return err
		}
		ports[i] = port
	}
	return nil
}

func freePort() (int, error) {
	for range 1000 {
		port := 5000 + rand.IntN(5000)
		address := fmt.Sprintf("127.0.0.1:%d", port)
		l, err := net.Listen("tcp", address)
		if err != nil {
			continue
		}
		l.Close()
		if u, err := net.ListenPacket("udp", address); err == nil {
			u.Close()
			return port, nil
		}
	}
	return 0, fmt.Errorf("no port is free")
}
