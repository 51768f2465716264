package cli

import (
	"fmt"
	"slices"
	"strings"
)

// listValue is an option that holds several values: a repeated flag, a TOML array, or one string with commas.
// The first value that one listValue takes replaces what the field held, the next ones add to it.
type listValue[T string | float64] struct {
	p       *[]T
	parse   func(any) (T, error)
	sorted  bool // on the command line: split at commas and kept in falling order, as stock nsqd does for percentiles
	started bool
}

func (l *listValue[T]) Kind() string { return "list" }

// Get never returns a nil slice, which JSON would show as null.
func (l *listValue[T]) Get() any {
	if *l.p == nil {
		return []T{}
	}
	return *l.p
}

func (l *listValue[T]) String() string {
	words := make([]string, len(*l.p))
	for i, v := range *l.p {
		words[i] = fmt.Sprint(v)
	}
	return strings.Join(words, ",")
}

func (l *listValue[T]) Set(s string) error {
	words := []string{s}
	if l.sorted {
		words = SplitCommas(s)
	}
	if err := l.add(words); err != nil {
		return err
	}
	if l.sorted {
		slices.Sort(*l.p)
		slices.Reverse(*l.p)
	}
	return nil
}

// SetTOML keeps the order of the file.
func (l *listValue[T]) SetTOML(v any) error {
	switch v := v.(type) {
	case string:
		return l.add(SplitCommas(v))
	case []any:
		return addAll(l, v)
	}
	return MustBe("a list")
}

func (l *listValue[T]) add(words []string) error { return addAll(l, words) }

func addAll[T string | float64, V any](l *listValue[T], values []V) error {
	var parsed []T
	for _, v := range values {
		p, err := l.parse(v)
		if err != nil {
			return err
		}
		parsed = append(parsed, p)
	}
	if !l.started {
		*l.p, l.started = nil, true
	}
	*l.p = append(*l.p, parsed...)
	return nil
}

// SplitCommas cuts at commas; nothing between two commas is no value.
func SplitCommas(s string) []string {
	words := strings.Split(s, ",")
	for i := range words {
		words[i] = strings.TrimSpace(words[i])
	}
	return slices.DeleteFunc(words, func(w string) bool { return w == "" })
}
