package nsqd

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

// scripted answers every query with what parseAuthorization makes of its reply, and remembers the queries.
type scripted struct {
	mu      sync.Mutex
	reply   string // "" is a failure
	queries []AuthQuery
}

func (s *scripted) Query(_ context.Context, q AuthQuery) (*Authorization, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queries = append(s.queries, q)
	if s.reply == "" {
		return nil, errors.New("authorization server is down")
	}
	return parseAuthorization([]byte(s.reply), time.Now())
}

func (s *scripted) set(reply string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reply = reply
}

// granting allows permissions on topics and channels that match.
func granting(topic, channel string, permissions ...string) string {
	return fmt.Sprintf(`{"ttl":60,"identity":"ops","identity_url":"http://x.example/ops","authorizations":[{"topic":%q,"permissions":["%s"],"channels":[%q]}]}`,
		topic, strings.Join(permissions, `","`), channel)
}

const granted = `response {"identity":"ops","identity_url":"http://x.example/ops","permission_count":1}`

func TestAuthorization(t *testing.T) {
	tests := map[string]struct {
		reply, send string
		want        []string
	}{
		"PUB wants AUTH, after its body":   {granting(".*", ".*", "publish"), "PUB t\n" + int32Bytes(0), []string{"error E_BAD_MESSAGE PUB invalid message body size 0"}},
		"PUB wants AUTH":                   {granting(".*", ".*", "publish"), "PUB t\n" + sized("x"), []string{"error E_AUTH_FIRST AUTH required before PUB"}},
		"DPUB wants AUTH":                  {granting(".*", ".*", "publish"), "DPUB t 1\n" + sized("x"), []string{"error E_AUTH_FIRST AUTH required before DPUB"}},
		"MPUB wants AUTH, before its body": {granting(".*", ".*", "publish"), "MPUB t\n", []string{"error E_AUTH_FIRST AUTH required before MPUB"}},
		"SUB wants AUTH":                   {granting(".*", ".*", "publish"), "SUB t c\n", []string{"error E_AUTH_FIRST AUTH required before SUB"}},
		"NOP and IDENTIFY don't":           {granting(".*", ".*", "publish"), "NOP\nIDENTIFY\n" + sized("{}") + "NOP\n", []string{"response OK"}},
		"what is granted is done": {granting("^mine$", ".*", "publish", "subscribe"),
			"AUTH\n" + sized("k") + "PUB mine\n" + sized("1") + "MPUB mine\n" + mpubBody("2") + "DPUB mine 0\n" + sized("3") + "SUB mine c\nRDY 9\n",
			[]string{granted, "response OK", "response OK", "response OK", "response OK", "message #1 1", "message #1 2", "message #1 3"}},
		"another topic isn't": {granting("^mine$", ".*", "publish"),
			"AUTH\n" + sized("k") + "PUB mine\n" + sized("x") + "PUB yours\n" + sized("x"),
			[]string{granted, "response OK", `error E_UNAUTHORIZED AUTH failed for PUB on "yours" ""`}},
		"publishing isn't subscribing": {granting(".*", ".*", "publish"), "AUTH\n" + sized("k") + "SUB in c\n",
			[]string{granted, `error E_UNAUTHORIZED AUTH failed for SUB on "in" "c"`}},
		"subscribing isn't publishing": {granting(".*", ".*", "subscribe"), "AUTH\n" + sized("k") + "SUB in c\nMPUB in\n",
			[]string{granted, "response OK", `error E_UNAUTHORIZED AUTH failed for MPUB on "in" ""`}},
		"definite channels forbid publishing": {granting("t", "^c$", "publish"), "AUTH\n" + sized("k") + "DPUB t 0\n" + sized("x"),
			[]string{granted, `error E_UNAUTHORIZED AUTH failed for DPUB on "t" ""`}},
		"AUTH comes once":    {granting(".*", ".*", "publish"), "AUTH\n" + sized("k") + "AUTH\n" + sized("k"), []string{granted, "error E_INVALID AUTH already set"}},
		"nothing is granted": {`{"ttl":60,"identity":"x","authorizations":[]}`, "AUTH\n" + sized("k"), []string{"error E_UNAUTHORIZED AUTH no authorizations found"}},
		"no detail leaks":    {"", "AUTH\n" + sized("k"), []string{"error E_AUTH_FAILED AUTH failed"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			o := testOptions()
			o.Auth = &scripted{reply: test.reply}
			inBubble(t, o, func(t *testing.T, h *harness) {
				c := h.open()
				c.send(test.send)
				c.expect(test.want...)
				if strings.HasPrefix(test.want[len(test.want)-1], "error") {
					c.ends()
				}
			})
		})
	}
}

func TestAuthorizationIsAskedAgain(t *testing.T) {
	o := testOptions()
	server := &scripted{reply: granting(".*", ".*", "publish")}
	o.Auth = server
	inBubble(t, o, func(t *testing.T, h *harness) {
		c := h.open()
		c.identify(`{"heartbeat_interval":-1}`)
		c.send("AUTH\n", sized("a&b"), "PUB t\n", sized("x"))
		c.expect(granted, "response OK")
		time.Sleep(50 * time.Second)
		c.send("PUB t\n", sized("x"))
		c.expect("response OK")
		if s := h.server.Clients()[0]; len(server.queries) != 1 || !s.Authed || s.AuthIdentity != "ops" || s.AuthIdentityURL != "http://x.example/ops" {
			t.Errorf("queries %+v, client %+v", server.queries, s)
		}
		time.Sleep(11 * time.Second)
		c.send("PUB t\n", sized("x"))
		c.expect("response OK")
		if len(server.queries) != 2 || server.queries[1] != (AuthQuery{Secret: "a&b"}) {
			t.Errorf("queries %+v", server.queries)
		}
		time.Sleep(59 * time.Second)
		server.set(granting("other", ".*", "publish"))
		c.send("PUB t\n", sized("x"))
		c.expect("response OK")
		time.Sleep(time.Second)
		c.send("PUB other\n", sized("x"), "PUB t\n", sized("x"))
		c.expect("response OK", `error E_UNAUTHORIZED AUTH failed for PUB on "t" ""`)
		c.ends()
	})
}

func TestAuthorizationExpiredAndGone(t *testing.T) {
	o := testOptions()
	server := &scripted{reply: granting(".*", ".*", "publish")}
	o.Auth = server
	inBubble(t, o, func(t *testing.T, h *harness) {
		c := h.open()
		c.identify(`{"heartbeat_interval":-1}`)
		c.send("AUTH\n", sized("k"))
		c.expect(granted)
		server.set("")
		time.Sleep(time.Minute)
		c.send("PUB t\n", sized("x"))
		c.expect("error E_AUTH_FAILED AUTH failed")
		c.ends()
	})
}

// TestAuthQueryTellsOfTLS asks with the name of the client's certificate.
func TestAuthQueryTellsOfTLS(t *testing.T) {
	o := tlsOptions(t)
	server := &scripted{reply: granting(".*", ".*", "publish")}
	o.Auth = server
	o.TLS.ClientAuth = tls.RequireAnyClientCert
	h := newHarness(t, o)
	c := h.dial(h.listen("tcp", "127.0.0.1:0"))
	if got := c.identify(`{"feature_negotiation":true,"tls_v1":true}`); !strings.Contains(got, `"auth_required":true`) {
		t.Errorf("got %s", got)
	}
	c.startTLS(&tls.Config{InsecureSkipVerify: true, Certificates: []tls.Certificate{certificate(t, "client.example")}})
	c.expect("response OK")
	c.send("AUTH\n", sized("k"))
	c.expect(granted)
	want := AuthQuery{RemoteIP: "127.0.0.1", TLS: true, CommonName: "client.example", Secret: "k"}
	if len(server.queries) != 1 || server.queries[0] != want {
		t.Errorf("queries %+v", server.queries)
	}
}
