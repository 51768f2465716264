package admin

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

const (
	eventPace    = 2 * time.Second  // between two looks
	eventComment = 15 * time.Second // a sign of life for proxies when nothing changes
	eventWrite   = 10 * time.Second // a reader that takes nothing for so long is gone
)

// Change is what a stream of events tells: the totals, and those rows of what was asked for whose numbers changed.
type Change struct {
	Totals   *Totals      `json:"totals,omitempty"`
	Nodes    []NodeRow    `json:"nodes,omitempty"`
	Topics   []TopicRow   `json:"topics,omitempty"`
	Channels []ChannelRow `json:"channels,omitempty"`
	Missing  []Missing    `json:"missing"`
}

// follower keeps what it told one client, by what it is of.
type follower struct {
	a        *Admin
	topics   map[string]bool // those that were asked for; with "*" all
	channels map[string]bool
	told     map[string][]byte
}

// events streams Changes as server-sent events: ?of=topic or topic:channel (repeatable), or ?of=* for all.
func (a *Admin) events(w http.ResponseWriter, req *http.Request) {
	f := &follower{a: a, topics: map[string]bool{}, channels: map[string]bool{}, told: map[string][]byte{}}
	for _, of := range req.URL.Query()["of"] {
		if _, _, channel := strings.Cut(of, ":"); channel {
			f.channels[of] = true
		} else {
			f.topics[of] = true
		}
	}
	head := w.Header()
	head.Set("Content-Type", "text/event-stream")
	head.Set("Cache-Control", "no-store")
	head.Set("X-Accel-Buffering", "no")
	f.stream(w, req)
}

func (f *follower) stream(w http.ResponseWriter, req *http.Request) {
	out := http.NewResponseController(w)
	tick := time.NewTicker(eventPace)
	defer tick.Stop()
	for spoken := (time.Time{}); ; {
		message := f.next(req)
		if message == nil && time.Since(spoken) >= eventComment {
			message = []byte(":\n\n")
		}
		if message != nil {
			spoken = time.Now()
			_ = out.SetWriteDeadline(spoken.Add(eventWrite)) // a writer that has none, as in tests, does not block either
			if _, err := w.Write(message); err != nil || out.Flush() != nil {
				return
			}
		}
		select {
		case <-req.Context().Done():
			return
		case <-f.a.ended:
			return
		case <-tick.C:
		}
	}
}

// next is the next event, nil if nothing changed.
func (f *follower) next(req *http.Request) []byte {
	s, err := f.a.snapshot(req.Context())
	if err != nil {
		return nil
	}
	c, changed := f.compare(s)
	if !changed {
		return nil
	}
	data, err := json.Marshal(c)
	if err != nil {
		return nil // plain data always can be
	}
	return bytes.Join([][]byte{[]byte("event: change\ndata: "), data, []byte("\n\n")}, nil)
}

func (f *follower) compare(s *snapshot) (c Change, changed bool) {
	c.Missing = s.coverage.Missing
	changed = f.differs("missing", c.Missing)
	if f.differs("totals", s.totals) {
		c.Totals = &s.totals
	}
	for i := range s.nodes {
		if f.differs("node "+s.nodes[i].Name, s.nodes[i].Counts) {
			c.Nodes = append(c.Nodes, s.nodes[i])
		}
	}
	for i := range s.topics {
		if t := &s.topics[i]; (f.topics["*"] || f.topics[t.Name]) && f.differs(t.Name, t.Counts) {
			c.Topics = append(c.Topics, *t)
		}
	}
	for i := range s.channels {
		n := &s.channels[i]
		name := n.Topic + ":" + n.Name
		if (f.topics["*"] || f.topics[n.Topic] || f.channels[name]) && f.differs(name, n.Counts) {
			c.Channels = append(c.Channels, *n)
		}
	}
	return c, changed || c.Totals != nil || c.Nodes != nil || c.Topics != nil || c.Channels != nil
}

// differs reports whether something is not what was told, and remembers it. Encoded, what is not known equals itself.
func (f *follower) differs(name string, value any) bool {
	b, err := json.Marshal(value)
	if err != nil || bytes.Equal(f.told[name], b) {
		return false
	}
	f.told[name] = b
	return true
}
