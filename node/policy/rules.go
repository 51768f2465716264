package policy

import (
	"cmp"
	"slices"
	"strings"

	"github.com/nsqmesh/nsqmesh/node/names"
)

// Rule is a policy for the topics that a name or pattern means.
type Rule struct {
	Pattern string `json:"pattern"`
	Policy  Policy `json:"policy"`
	Source  string `json:"source"` // Mesh or File
}

// Where a rule comes from. One of the mesh comes before one of the node's own config file for the same pattern.
const (
	Mesh = "mesh"
	File = "file"
)

// Rules are all rules that hold on a node, the more general first, so that each overrides those before it.
type Rules []Rule

// NewRules orders rules. Those that cannot be are left out: who takes them in has to check them, and a later release
// may have written some of the others.
func NewRules(rules []Rule) Rules {
	kept := make(Rules, 0, len(rules))
	for _, r := range rules {
		if ValidPattern(r.Pattern) {
			kept = append(kept, r)
		}
	}
	slices.SortFunc(kept, func(a, b Rule) int {
		return cmp.Or(cmp.Compare(literal(a.Pattern), literal(b.Pattern)), strings.Compare(a.Pattern, b.Pattern), strings.Compare(a.Source, b.Source))
	})
	return kept
}

// literal is how much of a name a pattern settles: that of a name itself is beyond all patterns.
func literal(pattern string) int {
	stars := strings.Count(pattern, "*")
	if stars == 0 {
		return 1 << 10
	}
	return len(pattern) - stars
}

// For returns what a topic is held to: setting by setting, the most particular rule that sets it counts. A topic is
// never its own dead-letter topic: what goes round in circles would never end.
func (r Rules) For(topic string) Limits {
	var l Limits
	for _, rule := range r {
		if !Matches(rule.Pattern, topic) {
			continue
		}
		for name, text := range rule.Policy {
			_ = l.set(name, text) // one that this release cannot read does not hold
		}
	}
	if l.DeadLetter == topic {
		l.MaxAttempts, l.DeadLetter = 0, ""
	}
	return l
}

// ValidPattern reports whether s is a topic's name, or would be one with something in place of its stars.
func ValidPattern(s string) bool {
	plain := strings.ReplaceAll(s, "*", "")
	return len(s) <= maxPattern && (names.ValidTopic(s) || plain != s && (plain == "" || names.ValidTopic(plain) || plain == "#ephemeral"))
}

const maxPattern = 64

// Matches reports whether a pattern means a topic. A star is any number of characters.
func Matches(pattern, topic string) bool {
	first, rest, stars := strings.Cut(pattern, "*")
	if !stars {
		return pattern == topic
	}
	topic, found := strings.CutPrefix(topic, first)
	if !found {
		return false
	}
	for {
		part, next, more := strings.Cut(rest, "*")
		if !more {
			return strings.HasSuffix(topic, rest)
		}
		i := strings.Index(topic, part)
		if i < 0 {
			return false
		}
		topic, rest = topic[i+len(part):], next
	}
}
