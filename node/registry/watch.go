package registry

import "sync"

const (
	maxRevisions = 4096
	maxFeedNames = 1 << 16
)

// revision is what one view changed.
type revision struct {
	number uint64
	topics []string
	nodes  bool
}

// feed remembers the last revisions, within bounds.
type feed struct {
	mu    sync.Mutex
	last  []revision
	names int
}

// Changes is what changed between two views.
type Changes struct {
	View   *View    // the newer one
	Topics []string // that came, went or changed
	Nodes  bool     // a producer came, went or changed
	All    bool     // what changed is no longer known: everything may have
}

func (f *feed) add(r revision) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last = append(f.last, r)
	f.names += len(r.topics)
	n := 0
	for n < len(f.last) && (len(f.last)-n > maxRevisions || f.names > maxFeedNames) {
		f.names -= len(f.last[n].topics)
		f.last[n] = revision{}
		n++
	}
	f.last = f.last[n:]
}

// Since returns what changed after a revision, at once. View.Changed tells when there is more.
func (r *Registry) Since(number uint64) Changes {
	c := Changes{View: r.View()}
	r.feed.mu.Lock()
	defer r.feed.mu.Unlock()
	switch last := r.feed.last; {
	case number == c.View.revision:
		return c
	case number > c.View.revision || len(last) == 0 || last[0].number > number+1:
		c.All = true
		return c
	}
	seen := map[string]struct{}{}
	for _, rev := range r.feed.last {
		if rev.number <= number {
			continue
		}
		c.Nodes = c.Nodes || rev.nodes
		for _, topic := range rev.topics {
			if _, dup := seen[topic]; !dup {
				seen[topic] = struct{}{}
				c.Topics = append(c.Topics, topic)
			}
		}
	}
	return c
}
