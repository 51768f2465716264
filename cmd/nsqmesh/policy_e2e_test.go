package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nsqio/go-nsq"
)

// Policies are the same by gossip and by an authority, so each is shown in both.
func TestPolicies(t *testing.T) {
	t.Run("by gossip", func(t *testing.T) {
		t.Parallel()
		showPolicies(t, startMesh(t, 2))
	})
	t.Run("by an authority", func(t *testing.T) {
		t.Parallel()
		showPolicies(t, startCandidates(t, 3, 0))
	})
}

func showPolicies(t *testing.T, nodes []*process) {
	first, last := nodes[0], nodes[len(nodes)-1]
	setPolicy(t, nodes, "poison*", `{"max-attempts": 2, "dead-letter-topic": "dead"}`)
	setPolicy(t, nodes, "small", `{"max-depth": 2}`)
	setPolicy(t, nodes, "latest", `{"max-depth": 2, "when-full": "drop-oldest"}`)
	setPolicy(t, nodes, "fresh", `{"message-ttl": "1ms"}`)
	setPolicy(t, nodes, "prompt", `{"max-defer": "1s"}`)
	setPolicy(t, nodes, "known.*", `{"auto-create": false}`)
	setPolicy(t, nodes, "idle", `{"idle-delete": "200ms"}`)

	showDeadLetter(t, last)
	showFullQueue(t, last)
	showTTL(t, last)
	showAutoCreate(t, first, last)
	if status, answer := ask(http.MethodPost, last.nsqd("/pub?topic=prompt&defer=2000"), strings.NewReader("x")); status != 400 || !strings.Contains(answer, "max-defer") {
		t.Errorf("deferred too long: %d %s", status, answer)
	}
	post(t, last.nsqd("/topic/create?topic=idle"), "")
	waitFor(t, "the idle topic to go", func() bool { return last.topic("idle").Name == "" })

	post(t, first.nsqd("/policy/delete?pattern=small"), "")
	waitFor(t, "the end of a policy", func() bool { return !strings.Contains(get(t, last.nsqd("/policy")), `"small"`) })
	post(t, last.nsqd("/pub?topic=small"), "4")
	if status, answer := ask(http.MethodPost, first.nsqd("/policy/delete?pattern=small"), nil); status != 404 {
		t.Errorf("deleting a policy that is not there: %d %s", status, answer)
	}
}

// setPolicy asks the first node and waits for all.
func setPolicy(t *testing.T, nodes []*process, pattern, settings string) {
	t.Helper()
	post(t, nodes[0].nsqd("/policy/set?pattern="+pattern), settings)
	for _, n := range nodes {
		waitFor(t, "the policy of "+pattern, func() bool { return strings.Contains(get(t, n.lookupd("/policy")), `"`+pattern+`"`) })
	}
}

func showDeadLetter(t *testing.T, n *process) {
	t.Helper()
	deliveries, dead := make(chan uint16, 10), make(chan string, 10)
	failing := newConsumer(t, "poison.eu", "c", 1, func(m *nsq.Message) error {
		deliveries <- m.Attempts
		m.RequeueWithoutBackoff(0)
		return nil
	})
	burials := newConsumer(t, "dead", "c", 1, func(m *nsq.Message) error {
		dead <- string(m.Body)
		return nil
	})
	for _, c := range []*nsq.Consumer{failing, burials} {
		if err := c.ConnectToNSQD(n.addr.TCP); err != nil {
			t.Fatal(err)
		}
	}
	if err := newProducer(t, n.addr.TCP).Publish("poison.eu", []byte("poison")); err != nil {
		t.Fatal(err)
	}
	for want := uint16(1); want <= 2; want++ {
		if got := receive(t, deliveries); got != want {
			t.Errorf("delivery %d where %d was due", got, want)
		}
	}
	if body := receive(t, dead); body != "poison" {
		t.Errorf("the dead-letter topic has %q", body)
	}
	if len(deliveries) > 0 {
		t.Error("delivered more than max-attempts")
	}
}

func showFullQueue(t *testing.T, n *process) {
	t.Helper()
	p := newProducer(t, n.addr.TCP)
	for _, topic := range []string{"small", "latest"} {
		post(t, n.nsqd("/topic/create?topic="+topic), "")
		post(t, n.nsqd("/channel/create?topic="+topic+"&channel=c"), "")
		for _, body := range []string{"1", "2"} {
			if err := p.Publish(topic, []byte(body)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := p.Publish("small", []byte("3")); err == nil || !strings.Contains(err.Error(), "channel c of topic small may hold 2 messages (max-depth)") {
		t.Errorf("published to a full queue: %v", err)
	}
	if status, answer := ask(http.MethodPost, n.nsqd("/pub?topic=small"), strings.NewReader("3")); status != 429 || !strings.Contains(answer, "QUEUE_FULL") {
		t.Errorf("published to a full queue by HTTP: %d %s", status, answer)
	}
	if err := p.Publish("latest", []byte("3")); err != nil {
		t.Errorf("published to a queue that drops the oldest: %v", err)
	}
	got := make(chan string, 10)
	for _, topic := range []string{"small", "latest"} {
		c := newConsumer(t, topic, "c", 1, func(m *nsq.Message) error {
			got <- string(m.Body)
			return nil
		})
		if err := c.ConnectToNSQD(n.addr.TCP); err != nil {
			t.Fatal(err)
		}
		if both := receive(t, got) + receive(t, got); topic == "small" && both != "12" || topic == "latest" && both != "23" {
			t.Errorf("%s has %s", topic, both)
		}
	}
}

func showTTL(t *testing.T, n *process) {
	t.Helper()
	post(t, n.nsqd("/topic/create?topic=fresh"), "")
	post(t, n.nsqd("/channel/create?topic=fresh&channel=c"), "")
	post(t, n.nsqd("/pub?topic=fresh"), "stale")
	time.Sleep(2 * time.Millisecond) // the message must be older than its time to live, and nothing tells when it is
	c := newConsumer(t, "fresh", "c", 1, func(m *nsq.Message) error {
		t.Errorf("%q was delivered", m.Body)
		return nil
	})
	if err := c.ConnectToNSQD(n.addr.TCP); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the stale message to go", func() bool { return n.topic("fresh").channel("c").Depth == 0 })
}

func showAutoCreate(t *testing.T, first, last *process) {
	t.Helper()
	for _, command := range []string{"SUB known.a c\n", "PUB known.a\n\x00\x00\x00\x01x"} {
		w := dialWire(t, last.addr.TCP)
		w.send("%s", command)
		if _, answer := w.frame(); !strings.HasPrefix(string(answer), "E_BAD_TOPIC ") || !strings.Contains(string(answer), "auto-create is false") {
			t.Errorf("%q is answered by %q", command, answer)
		}
	}
	if status, answer := ask(http.MethodPost, last.nsqd("/pub?topic=known.a"), strings.NewReader("x")); status != 404 || !strings.Contains(answer, "auto-create") {
		t.Errorf("published to an unknown topic by HTTP: %d %s", status, answer)
	}
	post(t, first.lookupd("/topic/create?topic=known.a"), "")
	waitFor(t, "the topic is known", func() bool { return last.knows("known.a") })
	if err := newProducer(t, last.addr.TCP).Publish("known.a", []byte("x")); err != nil {
		t.Errorf("published to a topic that was created: %v", err)
	}
}

func TestPoliciesOfAConfigFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "nsqd.cfg")
	text := "[policy.\"*\"]\nmax-depth = 1\n[policy.\"free.*\"]\nmax-depth = 0\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	n := startNode(t, dir, "--config="+file)
	for _, topic := range []string{"t", "free.t"} {
		post(t, n.nsqd("/pub?topic="+topic), "1")
	}
	if status, _ := ask(http.MethodPost, n.nsqd("/pub?topic=t"), strings.NewReader("2")); status != 429 {
		t.Errorf("a rule of the file does not hold: %d", status)
	}
	post(t, n.nsqd("/pub?topic=free.t"), "2")

	if status, out, errOut := useTool(t, n, "", "policy", "set", "*", "max-depth=2", "message-ttl=1h"); status != 0 {
		t.Fatalf("policy set: %s%s", out, errOut)
	}
	post(t, n.nsqd("/pub?topic=t"), "2")
	_, out, _ := useTool(t, n, "", "policy", "list", "t")
	if !strings.Contains(out, "max-depth=2 message-ttl=1h") || strings.Contains(out, "free") {
		t.Errorf("policy list shows\n%s", out)
	}
	n.stop()
	n.start()
	if status, _ := ask(http.MethodPost, n.nsqd("/pub?topic=t"), strings.NewReader("3")); status != 429 {
		t.Errorf("a rule of the mesh does not hold after a restart: %d", status)
	}
	for args, want := range map[string]string{
		"set t max-dept=1": "unknown setting max-dept", "set t": "policy is followed by", "delete nothing": "POLICY_NOT_FOUND",
	} {
		if status, _, errOut := useTool(t, n, "", append([]string{"policy"}, strings.Fields(args)...)...); status == 0 || !strings.Contains(errOut, want) {
			t.Errorf("policy %s: %d %s", args, status, errOut)
		}
	}
}

func TestPolicyTableOfAConfigFileIsRefused(t *testing.T) {
	for text, want := range map[string]string{
		"policy = 1":                          "table of tables",
		"[policy]\nmax-depth = 1":             "policy.max-depth is no table",
		"[policy.t]\nmax-dept = 1":            "unknown setting max-dept",
		"[policy.t]\nmessage-ttl = 60":        "such as 90s",
		"[policy.\"a b\"]\nmax-depth = 1":     "neither a topic's name nor a pattern",
		"[policy.t]\nwhen-full = \"explode\"": "refuse or drop-oldest",
	} {
		if err := newSettings().readTOML(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}
