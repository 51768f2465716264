// Package policy knows the rules for topics: how they are written, which of them a topic is under, and what they add up to.
//
// It owns the list of settings with their units and bounds (setting.go) and the order of precedence (rules.go). Rules is
// immutable, so nothing guards it. The package does nothing about what it says: node/queue and node enforce it.
package policy

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Policy is what one rule sets: texts by the name of the setting, as people write them.
type Policy map[string]string

// ErrInvalid is a pattern, a setting or a value that cannot be.
var ErrInvalid = errors.New("invalid policy")

// maxSize bounds the encoded form, so that a rule fits in what nodes tell each other.
const maxSize = 2048

// Check returns what is wrong with a rule.
func Check(pattern string, p Policy) error {
	if !ValidPattern(pattern) {
		return fmt.Errorf("%w: %q is neither a topic's name nor a pattern of it with *", ErrInvalid, pattern)
	}
	if len(p) == 0 {
		return fmt.Errorf("%w: %s sets nothing", ErrInvalid, pattern)
	}
	var l Limits
	for _, name := range slices.Sorted(maps.Keys(p)) {
		if err := l.set(name, p[name]); err != nil {
			return fmt.Errorf("%w: %s: %w", ErrInvalid, pattern, err)
		}
	}
	if len(p.Encode()) > maxSize {
		return fmt.Errorf("%w: %s is too long", ErrInvalid, pattern)
	}
	return nil
}

// Encode returns the form that nodes exchange. Equal policies have the same.
func (p Policy) Encode() string {
	b, _ := json.Marshal(p) // a map of texts cannot fail
	return string(b)
}

// Decode reads what Encode wrote. Settings that this release does not know are kept: a later one may have written them.
func Decode(text string) (Policy, error) {
	var p Policy
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return p, nil
}

// String lists the settings as name=value.
func (p Policy) String() string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(p)) {
		all = append(all, name+"="+p[name])
	}
	return strings.Join(all, " ")
}
