package nsqd

import (
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"time"
)

// Authorization is what an authorization server granted to a client. It never changes.
type Authorization struct {
	Identity    string
	IdentityURL string

	grants  []grant
	expires time.Time
}

// grant is one entry of an authorization server's answer. Its patterns are searched for, not matched as a whole.
type grant struct {
	topic              *regexp.Regexp
	channels           []*regexp.Regexp
	publish, subscribe bool
}

// Count is the number of entries granted; with none the client may do nothing.
func (a *Authorization) Count() int { return len(a.grants) }

// Expired tells whether the server must be asked again.
func (a *Authorization) Expired(now time.Time) bool { return !now.Before(a.expires) }

// MayPublish tells whether the client may publish to the topic. A publisher has no channel, so one of the channel
// patterns must match the empty string: a list of definite channels forbids publishing, as does an empty list.
func (a *Authorization) MayPublish(topic string) bool {
	for i := range a.grants {
		if g := &a.grants[i]; g.publish && g.covers(topic, "") {
			return true
		}
	}
	return false
}

// MaySubscribe tells whether the client may consume the channel.
func (a *Authorization) MaySubscribe(topic, channel string) bool {
	for i := range a.grants {
		if g := &a.grants[i]; g.subscribe && g.covers(topic, channel) {
			return true
		}
	}
	return false
}

func (g *grant) covers(topic, channel string) bool {
	if !g.topic.MatchString(topic) {
		return false
	}
	for _, c := range g.channels {
		if c.MatchString(channel) {
			return true
		}
	}
	return false
}

// authAnswer is the JSON of an authorization server.
type authAnswer struct {
	TTL            int64       `json:"ttl"` // seconds
	Identity       string      `json:"identity"`
	IdentityURL    string      `json:"identity_url"`
	Authorizations []authEntry `json:"authorizations"`
}

type authEntry struct {
	Topic       string   `json:"topic"`
	Permissions []string `json:"permissions"`
	Channels    []string `json:"channels"`
}

// parseAuthorization reads an answer that arrived now. One bad entry makes the whole answer invalid.
func parseAuthorization(body []byte, now time.Time) (*Authorization, error) {
	var answer authAnswer
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, fmt.Errorf("decode authorization: %w", err)
	}
	if answer.TTL <= 0 {
		return nil, fmt.Errorf("authorization has ttl %d", answer.TTL)
	}
	a := &Authorization{
		Identity:    answer.Identity,
		IdentityURL: answer.IdentityURL,
		expires:     now.Add(time.Duration(min(answer.TTL, math.MaxInt64/int64(time.Second))) * time.Second),
	}
	for _, e := range answer.Authorizations {
		g, err := e.grant()
		if err != nil {
			return nil, err
		}
		a.grants = append(a.grants, g)
	}
	return a, nil
}

func (e authEntry) grant() (g grant, err error) {
	for _, permission := range e.Permissions {
		switch permission {
		case "publish":
			g.publish = true
		case "subscribe":
			g.subscribe = true
		default:
			return g, fmt.Errorf("authorization has unknown permission %q", permission)
		}
	}
	if g.topic, err = regexp.Compile(e.Topic); err != nil {
		return g, fmt.Errorf("compile topic pattern: %w", err)
	}
	for _, pattern := range e.Channels {
		c, err := regexp.Compile(pattern)
		if err != nil {
			return g, fmt.Errorf("compile channel pattern: %w", err)
		}
		g.channels = append(g.channels, c)
	}
	return g, nil
}
