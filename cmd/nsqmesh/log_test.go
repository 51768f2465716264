package main

import (
	"encoding/json"
	"errors"
	"log/slog"
	"regexp"
	"strings"
	"testing"
)

func TestLogLines(t *testing.T) {
	for name, c := range map[string]struct {
		write func(*slog.Logger)
		want  string
	}{
		"plain":                             {func(l *slog.Logger) { l.Info("topic created", "topic", "orders", "n", 3) }, "INFO: topic created topic=orders n=3"},
		"a warning has nsqd's word":         {func(l *slog.Logger) { l.Warn("x") }, "WARNING: x"},
		"an error":                          {func(l *slog.Logger) { l.Error("x", "err", errors.New("disk full")) }, `ERROR: x err="disk full"`},
		"the last word":                     {func(l *slog.Logger) { l.Log(t.Context(), LogFatal.slogLevel(), "x") }, "FATAL: x"},
		"values stay one word":              {func(l *slog.Logger) { l.Info("x", "a", "", "b", "c=d", "e", `"`) }, `INFO: x a="" b="c=d" e="\""`},
		"nobody forges a line":              {func(l *slog.Logger) { l.Info("a\nb\r", "k", "c\nd") }, `INFO: a\nb\r k="c\nd"`},
		"attributes of a logger come first": {func(l *slog.Logger) { l.With("part", "queue").Info("x", "a", 1) }, "INFO: x part=queue a=1"},
		"groups are prefixes": {func(l *slog.Logger) {
			l.WithGroup("g").With("a", 1).WithGroup("h").Info("x", "b", 2, slog.Group("i", "c", 3))
		}, "INFO: x g.a=1 g.h.b=2 g.h.i.c=3"},
		"groups without a name are inlined": {func(l *slog.Logger) { l.WithGroup("").Info("x", slog.Group("", "c", 3), slog.Attr{}) }, "INFO: x c=3"},
		"debug is left out":                 {func(l *slog.Logger) { l.Debug("x") }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			log, _ := newLogger(&Options{LogLevel: LogInfo, LogPrefix: "[p] "}, &out)
			c.write(log)
			want := `^\[p\] \d{4}/\d\d/\d\d \d\d:\d\d:\d\d\.\d{6} ` + regexp.QuoteMeta(c.want) + "\n$"
			if c.want == "" {
				want = "^$"
			}
			if !regexp.MustCompile(want).MatchString(out.String()) {
				t.Errorf("got %q", out.String())
			}
		})
	}
}

func TestLogLevelChangesWhileRunning(t *testing.T) {
	for format, sign := range map[string]string{"text": "FATAL: ", "json": `"level":"FATAL"`} {
		var out strings.Builder
		log, level := newLogger(&Options{LogLevel: LogFatal, LogFormat: format}, &out)
		log = log.With("a", 1)
		log.Error("no")
		level.Set(LogDebug.slogLevel())
		log.Debug("yes")
		log.Log(t.Context(), LogFatal.slogLevel(), "yes")
		if got := out.String(); strings.Contains(got, "no") || strings.Count(got, "\n") != 2 || !strings.Contains(got, sign) {
			t.Errorf("%s: got %q", format, got)
		}
		if format == "json" && !json.Valid([]byte(strings.SplitAfter(out.String(), "\n")[0])) {
			t.Errorf("no JSON: %q", out.String())
		}
	}
}
