package cli

import "io"

// Paint colours words on a terminal, and nowhere else.
type Paint bool

// NewPaint follows the NO_COLOR convention.
func NewPaint(w io.Writer, environ []string) Paint {
	return Paint(IsTerminal(w) && LookupVariable(environ, "NO_COLOR") == "" && LookupVariable(environ, "TERM") != "dumb")
}

func (p Paint) Good(s string) string  { return p.in("32", s) }
func (p Paint) Warn(s string) string  { return p.in("33", s) }
func (p Paint) Bad(s string) string   { return p.in("31", s) }
func (p Paint) Title(s string) string { return p.in("1", s) }

func (p Paint) in(code, s string) string {
	if !p || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}
