package registry

import (
	"strings"

	"github.com/nsqmesh/nsqmesh/node/names"
)

// The first byte of a key tells what an entry is about; names follow, each after a slash, which no name contains.
// Kinds that this release does not know are kept and handed on like all others.
const (
	kindNode         = 'n' // n                        facts of the owner
	kindTopic        = 't' // t/topic                  the owner's nsqd has it
	kindChannel      = 'c' // c/topic/channel          the same
	kindGuest        = 'g' // g/guest                  facts of a stock nsqd that is connected to the owner
	kindGuestTopic   = 'r' // r/guest/topic            that nsqd registered it
	kindGuestChannel = 'h' // h/guest/topic/channel    the same
	kindName         = 'k' // k/topic[/channel]        a guest registered it once, so it is listed with no producer, too
	kindTombstone    = 'x' // x/topic/owner[/guest]    hides that producer of the topic for a while
	kindCreate       = 'm' // m/topic[/channel]        shared intents
	kindDelete       = 'd' // d/topic[/channel]
	kindPause        = 'p' // p/topic[/channel]
	kindPolicy       = 'q' // q/pattern                what the topics that it means are held to; repeated by every node
	kindForget       = 'f' // f/owner                  that node is gone for good
)

// subject is what a key says.
type subject struct {
	kind           byte
	topic, channel string
	owner, guest   string
	pattern        string
}

func (s subject) intent() bool {
	return s.kind == kindCreate || s.kind == kindDelete || s.kind == kindPause
}

func (s subject) ephemeral() bool { return names.Ephemeral(s.topic) || names.Ephemeral(s.channel) }

func key(kind byte, parts ...string) string {
	var b strings.Builder
	b.WriteByte(kind)
	for _, p := range parts {
		if p != "" {
			b.WriteByte('/')
			b.WriteString(p)
		}
	}
	return b.String()
}

// parseKey is false for keys that this release has no use for.
func parseKey(k string) (subject, bool) {
	if len(k) < 2 || k[1] != '/' {
		return subject{kind: kindNode}, k == "n"
	}
	s := subject{kind: k[0]}
	first, rest, _ := strings.Cut(k[2:], "/")
	switch s.kind {
	case kindGuest:
		s.guest = first
		return s, rest == "" && first != ""
	case kindForget:
		s.owner = first
		return s, rest == "" && validID(first)
	case kindPolicy:
		s.pattern = first
		return s, rest == "" && validPattern(first)
	case kindTombstone:
		s.topic = first
		s.owner, s.guest, _ = strings.Cut(rest, "/")
		return s, names.ValidTopic(s.topic) && validID(s.owner)
	case kindGuestTopic, kindGuestChannel:
		s.guest = first
		s.topic, s.channel, _ = strings.Cut(rest, "/")
		return s, s.guest != "" && s.named(s.kind == kindGuestChannel)
	case kindTopic, kindChannel:
		s.topic, s.channel = first, rest
		return s, s.named(s.kind == kindChannel)
	case kindName, kindCreate, kindDelete, kindPause:
		s.topic, s.channel = first, rest
		return s, s.named(rest != "")
	}
	return s, false
}

func (s subject) named(channel bool) bool {
	if !names.ValidTopic(s.topic) {
		return false
	}
	if channel {
		return names.ValidChannel(s.channel)
	}
	return s.channel == ""
}
