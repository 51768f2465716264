package gossip

import (
	"sync"
	"sync/atomic"
)

const maxLinks = 2048

// links is the set of links, one for each member. Its lock is a leaf; all is read without it.
type links struct {
	mu      sync.Mutex
	byID    map[string]*link
	dialing map[string]chan struct{} // closed when the attempt is over
	all     atomic.Pointer[[]*link]
}

func newLinks() *links {
	s := &links{byID: make(map[string]*link), dialing: make(map[string]chan struct{})}
	s.all.Store(&[]*link{})
	return s
}

func (s *links) list() []*link { return *s.all.Load() }

func (s *links) get(id string) *link {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.byID[id]
}

// add makes l the link to its peer. When two ends dial each other at the same moment, both keep the connection which the
// lower id dialled; otherwise the newer one wins, as its dialler knows best that the older one is dead.
func (s *links) add(l *link, self string) (replaced *link, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.byID[l.peer.id]
	switch {
	case old == nil && len(s.byID) >= maxLinks:
		return nil, false
	case old != nil && !old.closed() && old.peer.instance == l.peer.instance:
		lower := self < l.peer.id
		if old.dialled != l.dialled && old.dialled == lower {
			return nil, false
		}
	}
	s.byID[l.peer.id] = l
	s.snapshot()
	return old, true
}

// remove reports whether l was still the link to its peer.
func (s *links) remove(l *link) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byID[l.peer.id] != l {
		return false
	}
	delete(s.byID, l.peer.id)
	s.snapshot()
	return true
}

func (s *links) snapshot() {
	all := make([]*link, 0, len(s.byID))
	for _, l := range s.byID {
		all = append(all, l)
	}
	s.all.Store(&all)
}

// dial lets one attempt at a time go to a member. The others get a channel to wait on.
func (s *links) dial(id string) (wait <-chan struct{}, mine bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ch := s.dialing[id]; ch != nil {
		return ch, false
	}
	s.dialing[id] = make(chan struct{})
	return nil, true
}

func (s *links) dialled(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.dialing[id])
	delete(s.dialing, id)
}
