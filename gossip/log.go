package gossip

import (
	"bytes"
	"context"
	"log/slog"
	"sync"
	"time"
)

// quiet lets a line through at most once a minute for each key, and not many lines at all, so that what a stranger does
// to a port again and again is told, not shouted.
type quiet struct {
	mu   sync.Mutex
	seen map[string]*muted // of this minute and the last one

	minute time.Time // since when lines are counted
	lines  int
}

type muted struct {
	until   time.Time
	dropped int
}

const (
	quietFor   = time.Minute
	quietLines = 60 // for each minute
)

// pass reports whether the line may be written, and how many like it were not since the last one.
func (q *quiet) pass(key string) (suppressed int, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := time.Now()
	if q.seen == nil || now.Sub(q.minute) > quietFor {
		q.forget(now)
	}
	m := q.seen[key]
	if m != nil && now.Before(m.until) {
		m.dropped++
		return 0, false
	}
	if m != nil {
		suppressed = m.dropped
	}
	if q.lines++; q.lines > quietLines {
		return 0, false
	}
	q.seen[key] = &muted{until: now.Add(quietFor)}
	return suppressed, true
}

// forget begins another minute.
func (q *quiet) forget(now time.Time) {
	q.minute, q.lines = now, 0
	kept := make(map[string]*muted)
	for key, m := range q.seen {
		if now.Sub(m.until) < quietFor {
			kept[key] = m
		}
	}
	q.seen = kept
}

// logWriter turns memberlist's lines into records of slog. All of them are about what others do, or fail to do, so its
// errors are our warnings.
type logWriter struct {
	log   *slog.Logger
	quiet quiet
}

const maxLine = 300 // some of memberlist's lines print binary metadata

var levels = []struct {
	tag   string
	level slog.Level
}{
	{"[DEBUG] ", slog.LevelDebug},
	{"[INFO] ", slog.LevelInfo},
	{"[WARN] ", slog.LevelWarn},
	{"[ERR] ", slog.LevelWarn},
	{"[ERROR] ", slog.LevelWarn},
}

func (w *logWriter) Write(line []byte) (int, error) {
	level, text := parseLine(line)
	if !w.log.Enabled(context.Background(), level) {
		return len(line), nil
	}
	suppressed, ok := w.quiet.pass(withoutPorts(text))
	if !ok {
		return len(line), nil
	}
	if suppressed > 0 {
		w.log.Log(context.Background(), level, text, "repeated", suppressed)
	} else {
		w.log.Log(context.Background(), level, text)
	}
	return len(line), nil
}

func parseLine(line []byte) (slog.Level, string) {
	line = bytes.TrimSpace(line)
	level := slog.LevelDebug
	for _, l := range levels {
		if rest, ok := bytes.CutPrefix(line, []byte(l.tag)); ok {
			level, line = l.level, rest
			break
		}
	}
	line = bytes.TrimPrefix(line, []byte("memberlist: "))
	if len(line) > maxLine {
		line = append(line[:maxLine:maxLine], "..."...)
	}
	return level, string(line)
}

// withoutPorts removes every ":digits": two lines that differ in a peer's ephemeral port alone say the same.
func withoutPorts(s string) string {
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		out = append(out, s[i])
		if s[i] == ':' {
			for i+1 < len(s) && s[i+1] >= '0' && s[i+1] <= '9' {
				i++
			}
		}
	}
	return string(out)
}
