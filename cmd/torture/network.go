package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// network is a host for each node, in a namespace of its own, and a hub, through which all of their packets go. The run
// itself is in the hub, so producers, consumers and the check reach every node whatever happens between nodes.
type network struct{ prefix string }

const (
	hubVariable = "NSQMESH_TORTURE_HUB" // set inside: how the namespaces are called
	maxHosts    = 12                    // nodes that join included
)

// enterHub runs this program again in a hub, if faults of the network are wanted and can be had. It reports whether it did.
func enterHub(ctx context.Context, cfg config) (done bool, err error) {
	wanted := slices.ContainsFunc(cfg.faults, func(name string) bool { return faultNamed(name).needs == "namespaces" })
	if os.Getenv(hubVariable) != "" || !wanted || os.Geteuid() != 0 {
		return false, nil
	}
	if _, err := exec.LookPath("ip"); err != nil {
		return false, nil
	}
	prefix := fmt.Sprintf("torture%d-", os.Getpid())
	if out, err := exec.Command("ip", "netns", "add", prefix+"hub").CombinedOutput(); err != nil {
		cfg.say("no network namespaces here: %s", strings.TrimSpace(string(out)))
		return false, nil
	}
	defer func() { _ = ip("netns", "del", prefix+"hub") }()
	if err := ip("-n", prefix+"hub", "link", "set", "lo", "up"); err != nil {
		return false, err
	}
	for i := range maxHosts {
		defer func() { _ = ip("netns", "del", fmt.Sprint(prefix, i)) }()
		if err := addHost(prefix, i); err != nil {
			return false, err
		}
	}
	args := append([]string{"netns", "exec", prefix + "hub", "sh", "-c", `echo 1 >/proc/sys/net/ipv4/ip_forward; exec "$0" "$@"`, os.Args[0]}, os.Args[1:]...)
	cmd := exec.CommandContext(ctx, "ip", args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.Env = append(os.Environ(), hubVariable+"="+prefix)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return false, errors.Join(errors.New("the run in namespaces failed"), err)
	}
	return true, nil
}

func addHost(prefix string, i int) error {
	hub, name, port := prefix+"hub", fmt.Sprint(prefix, i), hostPort(i)
	for _, args := range [][]string{
		{"netns", "add", name},
		{"-n", hub, "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", name},
		{"-n", hub, "addr", "add", fmt.Sprintf("10.78.%d.1/24", i), "dev", port},
		{"-n", hub, "link", "set", port, "up"},
		{"-n", name, "addr", "add", hostAddress(i) + "/24", "dev", "eth0"},
		{"-n", name, "link", "set", "lo", "up"},
		{"-n", name, "link", "set", "eth0", "up"},
		{"-n", name, "route", "add", "default", "via", fmt.Sprintf("10.78.%d.1", i)},
	} {
		if err := ip(args...); err != nil {
			return err
		}
	}
	return nil
}

func hostAddress(i int) string { return fmt.Sprintf("10.78.%d.2", i) }
func hostPort(i int) string    { return fmt.Sprint("host", i) }

func ip(args ...string) error { return command("ip", args...) }

func command(name string, args ...string) error {
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}

// openNetwork is nothing outside of a hub: nodes are then on loopback.
func (t *torture) openNetwork() {
	if prefix := os.Getenv(hubVariable); prefix != "" {
		t.net = &network{prefix: prefix}
	}
}

func (w *network) host(i int) (address string, within []string) {
	return hostAddress(i), []string{"ip", "netns", "exec", fmt.Sprint(w.prefix, i)}
}

// cut loses what goes from one host to another, without a word to either. It returns what mends it.
func (w *network) cut(from, to int, what ...string) (mend func(), err error) {
	rule := slices.Concat([]string{"from", hostAddress(from), "to", hostAddress(to)}, what, []string{"blackhole"})
	if err := ip(append([]string{"rule", "add"}, rule...)...); err != nil {
		return func() {}, err
	}
	return func() { _ = ip(append([]string{"rule", "del"}, rule...)...) }, nil
}
