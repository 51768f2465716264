package registry

import (
	"strconv"
	"time"

	"github.com/nsqmesh/nsqmesh/node/names"
)

// Guest is a stock nsqd that is connected to this node and registers here. Two connections are two guests.
type Guest struct {
	r        *Registry
	id       string
	facts    Producer
	topics   map[string]map[string]struct{} // and their channels
	lastPing instant
	pinged   time.Time // shown by /debug only
	silent   bool
	gone     bool
}

// Identify makes a guest known.
func (r *Registry) Identify(p Producer) *Guest {
	r.mu.Lock()
	defer r.commit()
	r.lastGuest++
	g := &Guest{r: r, id: strconv.FormatUint(r.lastGuest, 10), facts: p, topics: map[string]map[string]struct{}{}}
	r.guests[g.id] = g
	g.seen()
	g.write()
	return g
}

func (g *Guest) write() { g.r.put(key(kindGuest, g.id), encodeGuest(g.facts, g.silent), 0) }

func (g *Guest) seen() {
	g.lastPing, g.pinged = g.r.now(), time.Now()
	g.r.schedule(g.lastPing + g.r.opts.InactiveProducerTimeout + 1)
}

// Ping is a sign of life. A guest that was hidden is back.
func (g *Guest) Ping() {
	g.r.mu.Lock()
	defer g.r.commit()
	if g.gone {
		return
	}
	g.seen()
	if g.silent {
		g.silent = false
		g.write()
	}
}

// hideSilent hides the guests that did not ping for longer than the timeout.
func (r *Registry) hideSilent(now instant) {
	for _, g := range r.guests {
		due := g.lastPing + r.opts.InactiveProducerTimeout + 1
		switch {
		case g.silent:
		case now >= due:
			g.silent = true
			g.write()
		default:
			r.schedule(due)
		}
	}
}

// Register says that the guest has a topic, and a channel of it if that is not "". What is registered already stays as it
// is, with its tombstone if it has one.
func (g *Guest) Register(topic, channel string) {
	g.r.mu.Lock()
	defer g.r.commit()
	if g.gone {
		return
	}
	if g.topics[topic] == nil {
		g.topics[topic] = map[string]struct{}{}
	}
	g.stampOnce(kindGuestTopic, topic, "")
	if channel != "" {
		g.topics[topic][channel] = struct{}{}
		g.stampOnce(kindGuestChannel, topic, channel)
	}
}

func (g *Guest) stampOnce(kind byte, topic, channel string) {
	for _, k := range []string{key(kind, g.id, topic, channel), key(kindName, topic, channel)} {
		if _, had := g.r.stamp(k); !had {
			g.r.put(k, stamped{stamp: g.r.nextStamp()}.encode(g.r.own.owner), 0)
		}
	}
}

// Unregister takes the guest out of a channel; out of the topic and all its channels if channel is "". The names stay
// known, but for ephemeral ones that no guest holds any more.
func (g *Guest) Unregister(topic, channel string) {
	g.r.mu.Lock()
	defer g.r.commit()
	if channel != "" {
		g.leave(topic, channel)
		return
	}
	for c := range g.topics[topic] {
		g.leave(topic, c)
	}
	g.r.remove(key(kindGuestTopic, g.id, topic))
	delete(g.topics, topic)
	if names.Ephemeral(topic) && !g.r.guestsHold(topic, "") {
		g.r.removeName(topic)
	}
}

func (g *Guest) leave(topic, channel string) {
	g.r.remove(key(kindGuestChannel, g.id, topic, channel))
	delete(g.topics[topic], channel)
	if names.Ephemeral(channel) && !g.r.guestsHold(topic, channel) {
		g.r.remove(key(kindName, topic, channel))
	}
}

func (r *Registry) guestsHold(topic, channel string) bool {
	for _, g := range r.guests {
		channels, holds := g.topics[topic]
		if _, in := channels[channel]; holds && (in || channel == "") {
			return true
		}
	}
	return false
}

// removeName drops the name of an ephemeral topic, with those of its channels: they would be listed for ever.
func (r *Registry) removeName(topic string) {
	t := r.topics[topic]
	if t == nil {
		return
	}
	for at := range t.facts {
		if at.doc == r.own && at.key[0] == kindName {
			r.remove(at.key)
		}
	}
}

// Disconnect takes the guest out of everything. All names stay known.
func (g *Guest) Disconnect() {
	g.r.mu.Lock()
	defer g.r.commit()
	if g.gone {
		return
	}
	g.gone = true
	delete(g.r.guests, g.id)
	for topic, channels := range g.topics {
		for channel := range channels {
			g.r.remove(key(kindGuestChannel, g.id, topic, channel))
		}
		g.r.remove(key(kindGuestTopic, g.id, topic))
	}
	g.r.remove(key(kindGuest, g.id))
}

// removeCovered drops something of this node's guests, or an intent of its own, that a delete covers.
func (r *Registry) removeCovered(k string) {
	s, _ := parseKey(k)
	if g := r.guests[s.guest]; g != nil {
		if s.channel != "" {
			delete(g.topics[s.topic], s.channel)
		} else {
			delete(g.topics, s.topic)
		}
	}
	r.remove(k)
}
