package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// Hosts and a network of a test's own: a namespace for each node, and one, the hub, through which all of their packets go.
// The test itself runs in the hub, so it reaches every node whatever happens between them. All addresses are inside.

const hubVariable = "NSQMESH_TEST_HUB" // set for a test that runs in a hub: how its namespaces are called

// inHub runs a test again in the hub of so many hosts, and reports whether this is that run.
func inHub(t *testing.T, hosts int) bool {
	t.Helper()
	if os.Getenv(hubVariable) != "" {
		return true
	}
	if os.Geteuid() != 0 {
		t.Skip("network namespaces need root")
	}
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip("network namespaces need ip (Debian: iproute2)")
	}
	prefix := fmt.Sprintf("nsqmesh%d-", os.Getpid())
	hub := prefix + "hub"
	if out, err := exec.Command("ip", "netns", "add", hub).CombinedOutput(); err != nil {
		t.Skipf("no network namespaces here: %s", out)
	}
	t.Cleanup(func() { ip(t, "netns", "del", hub) })
	ip(t, "-n", hub, "link", "set", "lo", "up")
	for i := 1; i <= hosts; i++ {
		addHost(t, hub, prefix, i)
	}
	must(t, "ip", "netns", "exec", hub, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")

	cmd := exec.Command("ip", "netns", "exec", hub, os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=3m")
	cmd.Env = append(os.Environ(), hubVariable+"="+prefix)
	out, err := cmd.CombinedOutput()
	t.Logf("in the hub:\n%s", out)
	if err != nil {
		t.Error(err)
	}
	if strings.Contains(string(out), "--- SKIP: "+t.Name()+" (") {
		t.Skip("skipped in the hub")
	}
	return false
}

// addHost makes a namespace with the address 10.77.i.2, whose only way out is the hub.
func addHost(t *testing.T, hub, prefix string, i int) {
	t.Helper()
	name, port := fmt.Sprintf("%s%d", prefix, i), fmt.Sprintf("host%d", i)
	ip(t, "netns", "add", name)
	t.Cleanup(func() { ip(t, "netns", "del", name) })
	ip(t, "-n", hub, "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", name)
	ip(t, "-n", hub, "addr", "add", fmt.Sprintf("10.77.%d.1/24", i), "dev", port)
	ip(t, "-n", hub, "link", "set", port, "up")
	ip(t, "-n", name, "addr", "add", hostAddress(i)+"/24", "dev", "eth0")
	ip(t, "-n", name, "link", "set", "lo", "up")
	ip(t, "-n", name, "link", "set", "eth0", "up")
	ip(t, "-n", name, "route", "add", "default", "via", fmt.Sprintf("10.77.%d.1", i))
}

func hostAddress(i int) string { return fmt.Sprintf("10.77.%d.2", i) }

func ip(t testing.TB, args ...string) {
	t.Helper()
	must(t, "ip", args...)
}

func must(t testing.TB, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Errorf("%s %v: %v: %s", name, args, err, out)
	}
}

// startHost starts the node of a host; host 1 is everybody's seed.
func startHost(t *testing.T, i int) *process {
	t.Helper()
	own := hostAddress(i)
	dir := filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, dir: dir, within: []string{"ip", "netns", "exec", fmt.Sprintf("%s%d", os.Getenv(hubVariable), i)},
		flags: []string{"serve", "--data-path=" + dir, "--node-name=" + fmt.Sprint("host", i), "--broadcast-address=" + own,
			"--tcp-address=" + own + ":4150", "--http-address=" + own + ":4151", "--https-address=", "--admin-http-address=",
			"--lookup-tcp-address=" + own + ":4160", "--lookup-http-address=" + own + ":4161",
			"--gossip-address=" + own + ":4155", "--cluster-address=" + own + ":4156", "--gossip-seed=" + hostAddress(1) + ":4155"}}
	t.Cleanup(p.end)
	p.start()
	return p
}

// cut loses all packets from one host to another, without a word to either. It returns what mends it.
func cut(t *testing.T, from, to int) (mend func()) {
	t.Helper()
	rule := []string{"from", hostAddress(from), "to", hostAddress(to), "blackhole"}
	ip(t, append([]string{"rule", "add"}, rule...)...)
	return func() { ip(t, append([]string{"rule", "del"}, rule...)...) }
}

// split cuts hosts off from others both ways.
func split(t *testing.T, some, others []int) (mend func()) {
	t.Helper()
	var mends []func()
	for _, a := range some {
		for _, b := range others {
			mends = append(mends, cut(t, a, b), cut(t, b, a))
		}
	}
	return func() {
		for _, mend := range mends {
			mend()
		}
	}
}

// worsen makes the way to and from all hosts lossy and slow, as far as this kernel can.
func worsen(t *testing.T, hosts int, how ...string) (mend func()) {
	t.Helper()
	if _, err := exec.LookPath("tc"); err != nil {
		t.Skip("a bad network needs tc (Debian: iproute2)")
	}
	for i := range hosts {
		args := slices.Concat([]string{"qdisc", "add", "dev", fmt.Sprint("host", i+1), "root", "netem"}, how)
		if out, err := exec.Command("tc", args...).CombinedOutput(); err != nil {
			t.Skipf("a bad network needs netem in the kernel: %s", out)
		}
	}
	return func() {
		for i := range hosts {
			must(t, "tc", "qdisc", "del", "dev", fmt.Sprint("host", i+1), "root")
		}
	}
}

// during watches for a while that something stays as it is.
func during(t *testing.T, d time.Duration, what string, so func() bool) {
	t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if !so() {
			t.Errorf("%v before the end: not %s any more", time.Until(end), what)
			return
		}
	}
}
