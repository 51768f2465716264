package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"
)

// newLogger writes to w in the format, and from the level, that opts name. The level can be changed later.
func newLogger(opts *Options, w io.Writer) (*slog.Logger, *slog.LevelVar) {
	level := new(slog.LevelVar)
	level.Set(opts.LogLevel.slogLevel())
	if opts.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level, ReplaceAttr: nameLevel})), level
	}
	return slog.New(&lineHandler{out: &lineWriter{w: w}, level: level, prefix: opts.LogPrefix}), level
}

// levelName has the words of NSQ's logs.
func levelName(l slog.Level) string {
	switch {
	case l < slog.LevelInfo:
		return "DEBUG"
	case l < slog.LevelWarn:
		return "INFO"
	case l < slog.LevelError:
		return "WARNING"
	case l < LogFatal.slogLevel():
		return "ERROR"
	}
	return "FATAL"
}

func nameLevel(groups []string, a slog.Attr) slog.Attr {
	if l, ok := a.Value.Any().(slog.Level); ok && len(groups) == 0 && a.Key == slog.LevelKey {
		a.Value = slog.StringValue(levelName(l))
	}
	return a
}

// lineHandler writes one line a record, in the form of NSQ's logs with the attributes behind the text:
//
//	[nsqd] 2026/02/03 04:05:06.000007 INFO: topic created topic=orders
type lineHandler struct {
	out    *lineWriter
	level  slog.Leveler
	prefix string
	attrs  string // of With, as they appear in the line
	group  string // put before the key of later attributes
}

// lineWriter keeps the lines of all loggers of a node apart.
type lineWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (h *lineHandler) Enabled(_ context.Context, l slog.Level) bool { return l >= h.level.Level() }

func (h *lineHandler) Handle(_ context.Context, r slog.Record) error {
	line := append([]byte(lineHead(h.prefix, r.Time, r.Level)), oneLine(r.Message)...)
	line = append(line, h.attrs...)
	r.Attrs(func(a slog.Attr) bool {
		line = appendAttr(line, h.group, a)
		return true
	})
	h.out.mu.Lock()
	defer h.out.mu.Unlock()
	_, err := h.out.w.Write(append(line, '\n'))
	return err
}

func (h *lineHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	with := *h
	for _, a := range attrs {
		with.attrs = string(appendAttr([]byte(with.attrs), h.group, a))
	}
	return &with
}

func (h *lineHandler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	in := *h
	in.group += name + "."
	return &in
}

func lineHead(prefix string, at time.Time, level slog.Level) string {
	return fmt.Sprintf("%s%s %s: ", prefix, at.Format("2006/01/02 15:04:05.000000"), levelName(level))
}

func appendAttr(line []byte, group string, a slog.Attr) []byte {
	v := a.Value.Resolve()
	if v.Kind() != slog.KindGroup {
		if a.Equal(slog.Attr{}) {
			return line
		}
		return append(line, " "+group+a.Key+"="+quoteIfNeeded(v.String())...)
	}
	if a.Key != "" {
		group += a.Key + "."
	}
	for _, inner := range v.Group() {
		line = appendAttr(line, group, inner)
	}
	return line
}

// quoteIfNeeded keeps a value one word, so that a line can be cut at its spaces.
func quoteIfNeeded(s string) string {
	if s == "" || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == '"' || r == '=' || r == 0x7f }) {
		return strconv.Quote(s)
	}
	return s
}

// oneLine lets nobody forge a second line by what is quoted in a message.
func oneLine(s string) string {
	if strings.ContainsAny(s, "\n\r") {
		return strings.NewReplacer("\n", `\n`, "\r", `\r`).Replace(s)
	}
	return s
}
