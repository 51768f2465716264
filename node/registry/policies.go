package registry

import (
	"strings"

	"github.com/nsqmesh/nsqmesh/node/names"
)

// Policies are intents for all topics that a pattern means; what they say means nothing here. An empty text says that there
// is none any more, which must be remembered, too. Each node repeats the latest of each pattern in its own document, under
// the stamp of who made it: a policy does not go with the node that took it.

const (
	maxPattern = 64
	// MaxPolicy bounds the text of a policy in bytes.
	MaxPolicy = 2048
	// maxPolicies bounds the patterns that are remembered, those without a policy among them.
	maxPolicies = 10_000
)

// validPattern reports whether s can be part of a key: it is a topic's name, or would be one without its stars.
func validPattern(s string) bool {
	plain := strings.ReplaceAll(s, "*", "")
	return len(s) <= maxPattern && s != "" && (plain == "" || plain == "#ephemeral" || names.ValidTopic(plain))
}

// SetPolicy replaces the policy of a pattern on all nodes; an empty text is none. False if it cannot be.
func (r *Registry) SetPolicy(pattern, text string) bool {
	r.mu.Lock()
	defer r.commit()
	if !r.policyFits(pattern, text) {
		return false
	}
	r.put(key(kindPolicy, pattern), stamped{stamp: r.nextStamp(), text: text}.encode(r.own.owner), 0)
	r.unsave(saveSoon)
	return true
}

func (r *Registry) policyFits(pattern, text string) bool {
	_, known := r.policies[pattern]
	return validPattern(pattern) && len(text) <= MaxPolicy && (known || len(r.policies) < maxPolicies)
}

// PolicyProposal is the command by which an authority does what SetPolicy does; nil if it cannot be.
func (r *Registry) PolicyProposal(pattern, text string) []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.policyFits(pattern, text) {
		return nil
	}
	return encodeProposal(key(kindPolicy, pattern), stamped{stamp: r.nextStamp(), text: text})
}

// Policies returns the policies in force by pattern.
func (r *Registry) Policies() map[string]string {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := map[string]string{}
	for pattern, v := range r.policies {
		if v.text != "" {
			all[pattern] = v.text
		}
	}
	return all
}

// indexPolicy takes note of what some document says about a pattern. No node takes back what it has said: it says that
// there is no policy.
func (r *Registry) indexPolicy(d *document, pattern string, e entry) {
	if e.deleted {
		return
	}
	v := decodeStamped(e.value, d.owner)
	r.observe(v.stamp)
	if old, known := r.policies[pattern]; known && !old.stamp.Less(v.stamp) || !r.policyFits(pattern, v.text) {
		return
	}
	pattern, v.text = strings.Clone(pattern), strings.Clone(v.text)
	r.policies[pattern] = v
	r.newIntents = true
	if d != r.own {
		r.put(key(kindPolicy, pattern), v.encode(r.own.owner), 0)
		r.unsave(saveDelay)
	}
}
