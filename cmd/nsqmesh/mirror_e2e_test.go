package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/nsqmesh/nsqmesh/cmd/cli"
)

func TestMirror(t *testing.T) {
	here, there := startNode(t, t.TempDir()), startMesh(t, 2)
	start := func(t *testing.T, args ...string) *toolProcess {
		t.Helper()
		return startTool(t, here, slices.Concat([]string{"mirror", "--channel=m"}, soon, args)...)
	}
	left := func(topic string) int {
		c := here.topic(topic).channel("m")
		return c.Depth + c.InFlight + c.Deferred
	}
	t.Run("to another mesh, every message", func(t *testing.T) {
		const total = 3000
		postNumbers(t, here, "copied", total)
		p := start(t, "--topic=copied", "--destination-lookupd-http-address="+there[1].addr.LookupHTTP, "--output=json", "--status-every=0")
		waitFor(t, "all to be copied", func() bool {
			return there[0].topic("copied").MessageCount+there[1].topic("copied").MessageCount == total
		})
		p.interrupt()
		if n := left("copied"); n != 0 {
			t.Errorf("%d are left", n)
		}
		for _, n := range there {
			if c := n.topic("copied").MessageCount; c < total/3 {
				t.Errorf("one node got %d", c)
			}
		}
		if !strings.Contains(p.out.String(), `"delivered":`+strconv.Itoa(total)+`,"dropped":0,"requeued":0`) {
			t.Errorf("printed %s", p.out.String())
		}
		got := map[string]bool{}
		for _, line := range takeAll(t, there[0], "copied", total) {
			got[line] = true
		}
		if len(got) != total {
			t.Errorf("%d different messages", len(got))
		}
	})
	t.Run("what passes a filter, to another topic of the same node", func(t *testing.T) {
		post(t, here.nsqd("/mpub?topic=raw"), `{"id":1,"r":"eu","secret":2}`+"\n"+`{"id":2,"r":"us"}`+"\nno JSON")
		p := start(t, "--topic=raw", "--destination-topic=cooked", "--destination-nsqd-tcp-address="+here.addr.TCP,
			"--require-json-field=r", "--require-json-value=eu", "--whitelist-json-field=id", "--output=json")
		waitFor(t, "all to be handled", func() bool { return here.topic("raw").channel("m").Clients == 1 && left("raw") == 0 })
		p.interrupt()
		if got := takeAll(t, here, "cooked", 1); !slices.Equal(got, []string{`{"id":1}`}) {
			t.Errorf("got %q", got)
		}
		if !strings.Contains(p.out.String(), `"delivered":1,"dropped":2`) {
			t.Errorf("printed %s", p.out.String())
		}
	})
	t.Run("into itself is refused", func(t *testing.T) {
		for _, to := range []string{"--destination-nsqd-tcp-address=" + here.addr.TCP, "--destination-lookupd-http-address=" + here.addr.LookupHTTP} {
			if status, _, errOut := useTool(t, here, "", "mirror", "--topic=copied", to); status != cli.ExitUsage || !strings.Contains(errOut, "copied into itself") {
				t.Errorf("ended with %d: %s", status, errOut)
			}
		}
	})
	t.Run("a destination that is down gets all when it is back", func(t *testing.T) {
		port := there[0].addr.TCP
		there[0].kill()
		for i := range 20 {
			post(t, here.nsqd("/pub?topic=patient"), fmt.Sprint(i))
		}
		p := start(t, "--topic=patient", "--destination-nsqd-tcp-address="+port, "--mode=epsilon-greedy")
		waitFor(t, "a failure", func() bool { return strings.Contains(p.err.String(), port+": ") })
		if n := left("patient"); n != 20 {
			t.Errorf("%d are left", n)
		}
		there[0].start("--tcp-address=" + port)
		waitFor(t, "all to be copied", func() bool { return left("patient") == 0 && there[0].topic("patient").MessageCount >= 20 })
		p.interrupt()
	})
}
