package main

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// The checks of the table. Each takes a value as value.Get gives it.

func checkPositive(v any) string    { return unless(amount(v) > 0, "must be greater than 0") }
func checkNotNegative(v any) string { return unless(amount(v) >= 0, "must not be negative") }
func checkDeflateLevel(v any) string {
	return unless(amount(v) >= 1 && amount(v) <= 9, "must be [1,9]")
}
func checkNodeID(v any) string { return unless(amount(v) >= 0 && amount(v) < 1024, "must be [0,1024)") }
func checkVoters(v any) string {
	return unless(slices.Contains([]int64{0, 1, 3, 5, 7}, amount(v)), "must be 1, 3, 5 or 7, or 0 for no candidate")
}
func checkRaftTimeout(v any) string {
	return unless(amount(v) >= int64(100*time.Millisecond) && amount(v) <= int64(time.Minute), "must be [100ms,1m]")
}
func checkPort(v any) string {
	return unless(amount(v) >= 0 && amount(v) <= 65535, "must be a port, or 0 for the real one")
}

func checkOneOf(words ...string) func(any) string {
	return func(v any) string {
		return unless(slices.Contains(words, v.(string)), "must be "+strings.Join(words, " or "))
	}
}

// checkHostPort accepts nothing, which turns the listener off.
func checkHostPort(v any) string {
	s := v.(string)
	return unless(s == "" || isHostPort(s), fmt.Sprintf("must be host:port, not %q", s))
}

func checkHostPorts(v any) string {
	for _, s := range v.([]string) {
		if !isHostPort(s) {
			return fmt.Sprintf("must be host:port, not %q", s)
		}
	}
	return ""
}

// checkAdvertised is an address for others to dial, with or without a port.
func checkAdvertised(v any) string {
	s := v.(string)
	ok := s == "" || isHostPort(s) || isHost(s)
	return unless(ok, fmt.Sprintf("must be a host or host:port, not %q", s))
}

func checkHost(v any) string {
	s := v.(string)
	return unless(s == "" || isHost(s), fmt.Sprintf("must be a host without a port, not %q", s))
}

// checkSeeds are host or host:port, srv+name for the SRV records of a name, file:path for a file with a seed a line.
func checkSeeds(v any) string {
	files := 0
	for _, s := range v.([]string) {
		name, isSRV := strings.CutPrefix(s, "srv+")
		path, isFile := strings.CutPrefix(s, "file:")
		ok := isSRV && isHost(name) || isFile && path != "" || !isFile && !isSRV && s != "" && checkAdvertised(s) == ""
		if isFile {
			files++
		}
		if !ok {
			return fmt.Sprintf("must be host:port, host, srv+name or file:path, not %q", s)
		}
	}
	return unless(files <= 1, "takes only one file:path")
}

// checkPercentiles have their error in the words of stock nsqd.
func checkPercentiles(v any) string {
	for _, p := range v.([]float64) {
		if !(p > 0 && p <= 1) { // so that NaN is refused, too
			return fmt.Sprintf("must be in (0,1] (invalid E2E processing latency percentile: %v)", p)
		}
	}
	return ""
}

func unless(ok bool, must string) string {
	if ok {
		return ""
	}
	return must
}

func amount(v any) int64 {
	switch v := v.(type) {
	case int:
		return int64(v)
	case int64:
		return v
	case time.Duration:
		return int64(v)
	}
	panic(fmt.Sprintf("%T is no amount", v)) // a check in the table that does not fit its field
}

func isHostPort(s string) bool {
	h, p, err := net.SplitHostPort(s)
	if err != nil {
		return false
	}
	return isPort(p) && (h == "" || isHost(h))
}

// isPort takes numbers and names of services.
func isPort(s string) bool {
	if _, err := strconv.ParseUint(s, 10, 16); err == nil {
		return true
	}
	return s != "" && unicode.IsLetter(rune(s[0]))
}

// isHost takes names and addresses of both families; an address may stand in brackets.
func isHost(s string) bool {
	if inside, ok := strings.CutPrefix(s, "["); ok {
		s = strings.TrimSuffix(inside, "]")
	}
	s, _, _ = strings.Cut(s, "%")
	if net.ParseIP(s) != nil {
		return true
	}
	return s != "" && !strings.ContainsAny(s, ":/ \t\n[]@")
}

// checkName is for labels that appear in addresses of admin pages and in logs.
func checkName(v any) string {
	s := v.(string)
	ok := len(s) <= 64 && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || r == '/' })
	return unless(ok, fmt.Sprintf("must be at most 64 letters, digits or signs without spaces, not %q", s))
}
