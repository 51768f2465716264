package registry

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
)

// Stamp is a Lamport pair. It says which of two things that nodes did was the later one, as far as either could know.
type Stamp struct {
	Counter uint64
	Node    string // id of the node that made it
}

// Less reports whether s is older than o.
func (s Stamp) Less(o Stamp) bool {
	return cmp.Or(cmp.Compare(s.Counter, o.Counter), cmp.Compare(s.Node, o.Node)) < 0
}

// IsZero reports whether s is no stamp at all, which is older than every stamp.
func (s Stamp) IsZero() bool { return s == Stamp{} }

// String returns the stamp as "counter.node".
func (s Stamp) String() string { return strconv.FormatUint(s.Counter, 10) + "." + s.Node }

// MarshalText makes stamps readable where they are kept on disk.
func (s Stamp) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText is the reverse of MarshalText.
func (s *Stamp) UnmarshalText(b []byte) error {
	counter, node, found := strings.Cut(string(b), ".")
	n, err := strconv.ParseUint(counter, 10, 64)
	if err != nil || !found || !validID(node) || n > maxNumber {
		return fmt.Errorf("read stamp %q: not counter.node", b)
	}
	s.Counter, s.Node = n, node
	return nil
}

func later(a, b Stamp) Stamp {
	if a.Less(b) {
		return b
	}
	return a
}

// nextStamp is newer than all that this node has heard of.
func (r *Registry) nextStamp() Stamp {
	r.counter++
	return Stamp{r.counter, r.own.owner}
}

// observe keeps the counter at the highest one heard.
func (r *Registry) observe(s Stamp) { r.counter = max(r.counter, s.Counter) }
