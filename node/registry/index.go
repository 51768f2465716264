package registry

import "encoding/json"

// ref names an entry of some document.
type ref struct {
	doc *document
	key string
}

// topicIndex is where to find all that is said about one topic.
type topicIndex struct {
	facts   map[ref]entry      // copies: looking each up in its document would cost more than all the rest of a build
	holders map[*producer]bool // who has the topic, and whether that is tombstoned; of the last build
	intents []Intent           // of the last build
}

type producerKey struct{ owner, guest string }

// producer is an nsqd: a node's own (no guest), or a guest of a node.
type producer struct {
	producerKey
	doc        *document
	facts      *facts // nil until it is introduced
	silent     bool   // a guest that does not ping
	topics     []string
	tombstoned map[string]bool
	pending    map[string]holding // topics that came, went or were tombstoned since the last view
	shown      *listing
}

type holding struct{ held, tombstoned bool }

func (p *producer) up() bool { return p.facts != nil && p.doc.alive && !p.silent }

// facts are what lookups say about a producer, encoded once.
type facts struct {
	Producer
	owner    string
	draining bool
	json     []byte
}

func newFacts(p Producer, owner string, draining bool) *facts {
	b, _ := json.Marshal(p) // strings and numbers cannot fail
	return &facts{Producer: p, owner: owner, draining: draining, json: b}
}

// index takes note of a new state of an entry.
func (r *Registry) index(d *document, k string, e entry) {
	s, ok := parseKey(k)
	if !ok {
		r.newNotes = r.newNotes || k == noteKey
		return
	}
	if e.expires != 0 && !e.deleted {
		r.expire(e.expires, ref{d, k}, e.version)
	}
	switch s.kind {
	case kindNode:
		r.introduceNode(d, e)
	case kindGuest:
		r.introduceGuest(d, s.guest, e)
	case kindForget:
		if !e.deleted {
			r.forget(s.owner, decodeBuried(e.value, d.owner).generation)
		}
	case kindPolicy:
		r.indexPolicy(d, s.pattern, e)
	default:
		r.indexTopic(d, k, s, e)
	}
}

func (r *Registry) indexTopic(d *document, k string, s subject, e entry) {
	t := r.topics[s.topic]
	if t == nil {
		t = &topicIndex{facts: map[ref]entry{}}
		r.topics[s.topic] = t
	}
	if e.deleted {
		delete(t.facts, ref{d, k})
	} else {
		t.facts[ref{d, k}] = e
		if s.kind != kindTombstone {
			r.observe(decodeStamped(e.value, d.owner).stamp)
		}
	}
	r.dirtyTopics[s.topic] = struct{}{}
	r.newIntents = r.newIntents || s.intent()
}

func (r *Registry) introduceNode(d *document, e entry) {
	p := r.producer(d, "")
	n := decodeNode(e.value)
	if e.deleted {
		n = Node{}
	}
	d.node = n
	r.contend(d)
	if e.deleted || n.TCPPort == 0 {
		r.introduce(p, nil)
		return
	}
	r.introduce(p, newFacts(n.producer(), d.owner, n.Draining))
}

func (r *Registry) introduceGuest(d *document, guest string, e entry) {
	p := r.producer(d, guest)
	if e.deleted {
		r.introduce(p, nil)
		return
	}
	g, silent := decodeGuest(e.value)
	p.silent = silent
	r.introduce(p, newFacts(g, d.owner, false))
}

func (r *Registry) introduce(p *producer, f *facts) {
	p.facts = f
	r.touch(p)
}

// touch has all be built anew that shows a producer.
func (r *Registry) touch(p *producer) {
	r.dirtyNodes[p] = struct{}{}
	for _, t := range p.topics {
		r.dirtyTopics[t] = struct{}{}
	}
}

// producer returns the producer, made if it is missing: registrations may be heard of before the facts.
func (r *Registry) producer(d *document, guest string) *producer {
	k := producerKey{d.owner, guest}
	p := r.producers[k]
	if p == nil {
		p = &producer{producerKey: k, doc: d}
		r.producers[k] = p
	}
	return p
}

// touchAll has everything be built anew that a document speaks of.
func (r *Registry) touchAll(d *document) {
	for k := range d.entries {
		s, ok := parseKey(k)
		switch {
		case !ok:
		case s.topic != "":
			r.dirtyTopics[s.topic] = struct{}{}
		case s.kind == kindNode || s.kind == kindGuest:
			r.dirtyNodes[r.producer(d, s.guest)] = struct{}{}
		}
	}
}

// discard takes a document out of everything.
func (r *Registry) discard(d *document) {
	for k, e := range d.entries {
		if !e.deleted {
			r.index(d, k, entry{deleted: true})
		}
	}
	delete(r.docs, d.owner)
	r.rehash(d)
	delete(r.shares, d.owner)
}
