package registry

import (
	"slices"

	"github.com/nsqmesh/nsqmesh/node/names"
)

// IntentKind is what an intent is for.
type IntentKind byte

// The kinds of intents.
const (
	Create IntentKind = kindCreate
	Delete IntentKind = kindDelete
	Pause  IntentKind = kindPause
)

// Intent is something that all nodes are to bring about for a topic or a channel (of the topic, when Channel is set). It
// is about what was created before it: a Delete or Pause older than the creation stamp of what is there does not apply.
type Intent struct {
	Kind           IntentKind
	Topic, Channel string
	Paused         bool // of a Pause: paused or resumed
	Stamp          Stamp
}

// Covers reports whether the intent applies to something created under that stamp.
func (i Intent) Covers(created Stamp) bool { return created.Less(i.Stamp) }

// Intents returns all intents in force, by any node: of each kind and name the latest, and none that a later delete covers.
func (r *Registry) Intents() []Intent {
	r.mu.Lock()
	defer r.mu.Unlock()
	var list []Intent
	for _, t := range r.intended {
		list = append(list, t.intents...)
	}
	return list
}

// IntentsOf returns the intents in force for one topic.
func (r *Registry) IntentsOf(topic string) []Intent {
	r.mu.Lock()
	defer r.mu.Unlock()
	if t := r.intended[topic]; t != nil {
		return slices.Clone(t.intents)
	}
	return nil
}

// C receives after intents, or the node id, may have changed; several changes may be one receive.
func (r *Registry) C() <-chan struct{} { return r.intents }

// CreateTopic has a topic be known with no producer. It returns the stamp of what makes it known.
func (r *Registry) CreateTopic(topic string) Stamp {
	r.mu.Lock()
	defer r.commit()
	return r.create(topic, "")
}

// CreateChannel has a channel, and its topic, be known with no producer.
func (r *Registry) CreateChannel(topic, channel string) Stamp {
	r.mu.Lock()
	defer r.commit()
	r.create(topic, "")
	return r.create(topic, channel)
}

func (r *Registry) create(topic, channel string) Stamp {
	if !names.ValidTopic(topic) || channel != "" && !names.ValidChannel(channel) {
		return Stamp{}
	}
	if i, ok := r.standing(Create, topic, channel); ok {
		return i.Stamp
	}
	return r.intend(kindCreate, topic, channel, false)
}

// DeleteTopic deletes a topic, its channels and all registrations of them, everywhere. False if nobody knows it.
func (r *Registry) DeleteTopic(topic string) (Stamp, bool) { return r.delete(topic, "") }

// DeleteChannel deletes a channel everywhere. False if nobody knows it.
func (r *Registry) DeleteChannel(topic, channel string) (Stamp, bool) {
	return r.delete(topic, channel)
}

func (r *Registry) delete(topic, channel string) (Stamp, bool) {
	r.mu.Lock()
	defer r.commit()
	if !r.known(topic, channel) {
		return Stamp{}, false
	}
	return r.intend(kindDelete, topic, channel, false), true
}

// Known reports whether anybody has a topic, or a channel of it.
func (r *Registry) Known(topic, channel string) bool {
	r.mu.Lock()
	defer r.commit()
	return r.known(topic, channel)
}

func (r *Registry) known(topic, channel string) bool {
	r.publish() // what the view lags behind may be what is asked for
	t := r.View().Topic(topic)
	return t != nil && (channel == "" || slices.Contains(t.channels, channel))
}

// PauseTopic pauses or resumes a topic on all nodes that have it.
func (r *Registry) PauseTopic(topic string, paused bool) Stamp {
	return r.pause(topic, "", paused)
}

// PauseChannel pauses or resumes a channel on all nodes that have it.
func (r *Registry) PauseChannel(topic, channel string, paused bool) Stamp {
	return r.pause(topic, channel, paused)
}

func (r *Registry) pause(topic, channel string, paused bool) Stamp {
	if !names.ValidTopic(topic) || channel != "" && !names.ValidChannel(channel) {
		return Stamp{}
	}
	r.mu.Lock()
	defer r.commit()
	return r.intend(kindPause, topic, channel, paused)
}

// intend writes an intent newer than all that this node has heard.
func (r *Registry) intend(kind byte, topic, channel string, paused bool) Stamp {
	stamp := r.nextStamp()
	life := intentLife
	if kind != kindDelete {
		life = 0
	}
	r.put(key(kind, topic, channel), stamped{paused: paused, stamp: stamp}.encode(r.own.owner), life)
	r.unsave(saveDelay)
	return stamp
}

func (r *Registry) standing(kind IntentKind, topic, channel string) (Intent, bool) {
	t := r.intended[topic]
	if t == nil {
		return Intent{}, false
	}
	i := slices.IndexFunc(t.intents, func(i Intent) bool { return i.Kind == kind && i.Channel == channel })
	if i < 0 {
		return Intent{}, false
	}
	return t.intents[i], true
}

// RecentlyDeleted reports whether a topic was deleted in the last 45 s. A consumer that comes back from such a topic does
// not mean to create it.
func (r *Registry) RecentlyDeleted(topic string) bool {
	return r.View().Topic(topic) == nil && r.DeletedLately(topic) // or somebody published to it since
}

// DeletedLately reports whether a topic was deleted in the last 45 s, no matter what came after that.
func (r *Registry) DeletedLately(topic string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if at, agreed := r.deletedAt[topic]; agreed && r.now()-at < deleteQuiet {
		return true
	}
	delete(r.deletedAt, topic)
	t := r.topics[topic]
	if t == nil {
		return false
	}
	for at, e := range t.facts {
		s, _ := parseKey(at.key)
		if s.kind == kindDelete && s.channel == "" && e.expires-r.now() > intentLife-deleteQuiet {
			return true
		}
	}
	return false
}
