package main

import "io"

// paint colours words on a terminal, and nowhere else.
type paint bool

// newPaint follows the NO_COLOR convention.
func newPaint(w io.Writer, environ []string) paint {
	return paint(isTerminal(w) && lookupVariable(environ, "NO_COLOR") == "" && lookupVariable(environ, "TERM") != "dumb")
}

func (p paint) good(s string) string  { return p.in("32", s) }
func (p paint) warn(s string) string  { return p.in("33", s) }
func (p paint) bad(s string) string   { return p.in("31", s) }
func (p paint) title(s string) string { return p.in("1", s) }

func (p paint) in(code, s string) string {
	if !p || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}
