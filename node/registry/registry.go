package registry

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

const (
	defaultTombstoneLifetime = 45 * time.Second
	defaultInactiveTimeout   = 5 * time.Minute
	deadLife                 = 72 * time.Hour // how long the document of a dead node is kept, for its channels
	intentLife               = 72 * time.Hour // how long a delete is remembered: the longest absence it survives
	deleteQuiet              = 45 * time.Second

	lazyTopics = 256 // so many changed topics may wait
	lazyShare  = 4   // for that many times as long as the last rebuild took
)

// Options are what a Registry needs to know.
type Options struct {
	ID         string // owner id of this node, 32 hex digits; see OpenIdentity
	Generation uint64 // of this start; see OpenIdentity
	DataPath   string // folder that keeps intents and creation stamps over a restart; "" keeps nothing

	TombstoneLifetime       time.Duration // 0 is 45 s
	InactiveProducerTimeout time.Duration // a guest that did not ping for longer is hidden; 0 is 5 min

	Hold bool // keep this node's own document back until Advertise
	Log  *slog.Logger
}

// Peers is what the registry asks of the other nodes.
type Peers interface {
	// Broadcast hands a chunk to everybody, best effort. It never blocks; a newer chunk of the same key replaces the older.
	Broadcast(key string, chunk []byte)
	// Alive reports whether a node is alive or only suspected to be dead.
	Alive(owner string) bool
}

// Registry holds the documents of all nodes and what they add up to.
type Registry struct {
	opts    Options
	log     *slog.Logger
	started time.Time
	wake    chan struct{}
	intents chan struct{}
	notes   chan struct{}
	feed    feed
	view    atomic.Pointer[View]
	lagging atomic.Bool // the view waits for restUntil
	sum     atomic.Uint64
	foreign atomic.Uint64 // records and chunks of versions or kinds unknown here
	garbage atomic.Uint64 // chunks that could not be read

	mu            sync.Mutex
	peers         Peers
	held          bool
	own           *document
	agreed        *document          // what an authority decided; of no node
	agreedAt      Stamp              // of the latest of it
	deletedAt     map[string]instant // topics that it deleted while this node runs
	agreedDeletes []agreedDelete
	docs          map[string]*document
	shares        map[string]uint64 // what each document adds to sum
	forgotten     map[string]burial
	topics        map[string]*topicIndex
	intended      map[string]*topicIndex // those that intents are about
	policies      map[string]stamped     // the latest of each pattern
	producers     map[producerKey]*producer
	guests        map[string]*Guest
	lastGuest     uint64
	counter       uint64           // highest Lamport counter heard
	created       map[string]Stamp // creation stamps read from disk, by key; used up by the first SetTopic
	expiring      expiring
	sent          sent
	nodeID        ownNodeID
	renumber      bool // another node has the same node id
	refuted       []instant

	restUntil   instant // no large rebuild before
	dirtyTopics map[string]struct{}
	dirtyNodes  map[*producer]struct{}
	newIntents  bool
	newNotes    bool
	unsaved     bool
	saveAt      instant // 0 while all is saved
	wakeAt      instant // when Run looks again at what is due; 0 is never
	members     bool    // liveness is to be asked again
}

// New returns the registry of a node that has said nothing yet. Peers may be nil, then or until Connect.
func New(o Options, peers Peers) *Registry {
	if !validID(o.ID) {
		panic("registry: an owner id is 32 lower-case hex digits")
	}
	if o.TombstoneLifetime <= 0 {
		o.TombstoneLifetime = defaultTombstoneLifetime
	}
	if o.InactiveProducerTimeout <= 0 {
		o.InactiveProducerTimeout = defaultInactiveTimeout
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	r := &Registry{
		opts: o, log: o.Log, started: time.Now(), peers: peers, held: o.Hold,
		wake: make(chan struct{}, 1), intents: make(chan struct{}, 1), notes: make(chan struct{}, 1),
		docs: map[string]*document{}, shares: map[string]uint64{}, forgotten: map[string]burial{},
		topics: map[string]*topicIndex{}, intended: map[string]*topicIndex{}, policies: map[string]stamped{},
		producers: map[producerKey]*producer{}, guests: map[string]*Guest{}, created: map[string]Stamp{},
		nodeID:      ownNodeID{warned: map[string]bool{}},
		dirtyTopics: map[string]struct{}{}, dirtyNodes: map[*producer]struct{}{},
	}
	r.own = newDocument(o.ID)
	r.own.generation, r.own.alive, r.own.heard = o.Generation, true, time.Now()
	r.docs[o.ID] = r.own
	r.agreed, r.deletedAt = newDocument(agreedOwner), map[string]instant{}
	r.agreed.alive = true
	r.view.Store(emptyView())
	return r
}

// ID is the owner id of this node.
func (r *Registry) ID() string { return r.opts.ID }

// View is what all documents say together, at this moment. It never changes.
func (r *Registry) View() *View { return r.view.Load() }

// Connect tells the registry of its peers, where they are made after it.
func (r *Registry) Connect(peers Peers) {
	r.mu.Lock()
	r.peers, r.members = peers, true
	r.schedule(r.now())
	r.commit()
}

// Advertise lets this node's own document out that Options.Hold kept back: after a start, intents of the time of
// absence are applied first, and meanwhile the others keep what they knew of this node.
func (r *Registry) Advertise() {
	r.mu.Lock()
	r.held = false
	r.commit()
}

// now is on the monotonic clock, and never 0.
func (r *Registry) now() instant { return time.Since(r.started) + 1 }

// commit ends every critical section: what changed becomes visible here, and known to others.
func (r *Registry) commit() {
	r.chooseNodeID()
	r.publish()
	r.release()
}

// commitMerge is commit for what others said. Much of that may wait a little for more: a node that joins hears of every
// topic from every node, and building the view anew for each of them would cost by the square of their number.
func (r *Registry) commitMerge() {
	r.chooseNodeID()
	if len(r.dirtyTopics) < lazyTopics || r.now() >= r.restUntil {
		r.commit()
		return
	}
	r.lagging.Store(true)
	r.schedule(r.restUntil)
	r.release()
}

func (r *Registry) release() {
	r.rehash(r.own)
	chunk, peers := r.hint(), r.peers
	signal, notes := r.newIntents, r.newNotes
	r.newIntents, r.newNotes = false, false
	r.mu.Unlock()
	if signal {
		poke(r.intents)
	}
	if notes {
		poke(r.notes)
	}
	if chunk != nil {
		peers.Broadcast(r.opts.ID, chunk)
	}
}

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// put writes an entry of the own document. One that says the same already stays as it is.
func (r *Registry) put(k, value string, life time.Duration) {
	old, had := r.own.entries[k]
	if had && !old.deleted && old.value == value && life == 0 {
		return
	}
	e := entry{version: r.own.version + 1, value: value}
	if life != 0 {
		e.expires = r.now() + life
	}
	r.own.set(k, e, r.now())
	r.index(r.own, k, e)
}

// remove deletes an entry of the own document.
func (r *Registry) remove(k string) {
	if e, had := r.own.entries[k]; !had || e.deleted {
		return
	}
	e := entry{version: r.own.version + 1, deleted: true}
	r.own.set(k, e, r.now())
	r.index(r.own, k, e)
}

// stamp returns when a registration of the own document was made, if it is there.
func (r *Registry) stamp(k string) (Stamp, bool) {
	e, ok := r.own.entries[k]
	if !ok || e.deleted {
		return Stamp{}, false
	}
	return decodeStamped(e.value, r.own.owner).stamp, true
}

// rehash brings the hash of all up to date with one document.
func (r *Registry) rehash(d *document) {
	share := d.hash()
	if !r.shown(d) {
		share = 0
	}
	r.sum.Store(r.sum.Load() ^ r.shares[d.owner] ^ share)
	r.shares[d.owner] = share
}

// shown reports whether others may hear of a document.
func (r *Registry) shown(d *document) bool {
	return d.version > 0 && !(d == r.own && r.held) && r.docs[d.owner] == d
}
