package nsqd

import (
	"encoding/json"
	"time"
)

// authenticate is AUTH. What the server of authorizations said holds for the connection.
func (c *conn) authenticate(p params) error {
	if c.state.Load() != stateInit {
		return fail(invalid, "cannot AUTH in current state")
	}
	if _, ok := p.next(); ok {
		return fail(invalid, "AUTH invalid number of parameters")
	}
	secret, err := c.document("AUTH")
	if err != nil {
		return err
	}
	if c.auth != nil {
		return fail(invalid, "AUTH already set")
	}
	if c.server.o.Auth == nil {
		return fail(authDisabled, "AUTH disabled")
	}
	c.secret = string(secret)
	if err := c.authorizeAnew(); err != nil {
		return err
	}
	if c.auth.Count() == 0 {
		return fail(unauthorized, "AUTH no authorizations found")
	}
	answer, err := json.Marshal(struct {
		Identity    string `json:"identity"`
		IdentityURL string `json:"identity_url"`
		Count       int    `json:"permission_count"`
	}{c.auth.Identity, c.auth.IdentityURL, c.auth.Count()})
	if err != nil {
		return fail(authError, "AUTH error %v", err)
	}
	c.s.answers = appendFrame(c.s.answers, frameResponse, answer)
	return nil
}

// authorizeAnew asks what the client may do. Its answers don't wait for that.
func (c *conn) authorizeAnew() error {
	if err := c.settle(); err != nil {
		return err
	}
	q := AuthQuery{RemoteIP: remoteHost(c.raw), TLS: c.tls != nil, Secret: c.secret}
	if c.tls != nil {
		q.CommonName = commonName(c.tls)
	}
	a, err := c.server.o.Auth.Query(c.server.ctx, q)
	if err != nil {
		return fail(authFailed, "AUTH failed").because(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.auth = a
	return nil
}

// authorization returns what the client may do, asking again when the last answer is too old.
func (c *conn) authorization(verb string) (*Authorization, error) {
	if c.auth == nil {
		return nil, fail(authFirst, "AUTH required before %s", verb)
	}
	if c.auth.Expired(time.Now()) {
		if err := c.authorizeAnew(); err != nil {
			return nil, err
		}
	}
	return c.auth, nil
}

func (c *conn) maySubscribe(topic, channel string) error {
	if c.server.o.Auth == nil {
		return nil
	}
	a, err := c.authorization("SUB")
	if err != nil {
		return err
	}
	if !a.MaySubscribe(topic, channel) {
		return fail(unauthorized, "AUTH failed for SUB on %q %q", topic, channel)
	}
	return nil
}

// mayPublish remembers the last answer for each topic, since expressions are matched for it.
func (c *conn) mayPublish(verb string, to *destination) error {
	if c.server.o.Auth == nil {
		return nil
	}
	a, err := c.authorization(verb)
	if err != nil || a == to.allowed {
		return err
	}
	if !a.MayPublish(to.name) {
		return fail(unauthorized, "AUTH failed for %s on %q %q", verb, to.name, "")
	}
	to.allowed = a
	return nil
}
