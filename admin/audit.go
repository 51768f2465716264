package admin

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"
)

// auditKept is how many actions a node remembers. Its file has up to twice as many.
const auditKept = 1000

// auditLog is what people did through this node, the latest last, in memory and in a file of one JSON object a line.
type auditLog struct {
	file string // empty is none
	log  *slog.Logger

	mu      sync.Mutex
	entries []AuditEntry
	lines   int // in the file
}

// load reads what was done before this node was started. A line that is no entry, such as one that a crash cut off, is left out.
func (l *auditLog) load() error {
	if l.file == "" {
		return nil
	}
	b, err := os.ReadFile(l.file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read log of actions: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for lines := bufio.NewScanner(bytes.NewReader(b)); lines.Scan(); {
		var e AuditEntry
		l.lines++
		if json.Unmarshal(lines.Bytes(), &e) == nil {
			l.entries = append(l.entries, e)
		}
	}
	l.entries = l.entries[max(len(l.entries)-auditKept, 0):]
	return nil
}

// add remembers an action. That it cannot be written is logged and does not undo it.
func (l *auditLog) add(e AuditEntry) {
	l.log.Info("admin action", "who", e.Who, "from", e.From, "action", e.Action.Kind, "topic", e.Action.Topic,
		"channel", e.Action.Channel, "ok", e.Result.OK, "result", e.Result.Summary)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries = append(l.entries, e)
	if len(l.entries) > auditKept {
		l.entries = slices.Delete(l.entries, 0, 1)
	}
	if err := l.write(e); err != nil {
		l.log.Error("cannot write the log of actions", "err", err)
	}
}

func (l *auditLog) write(e AuditEntry) error {
	if l.file == "" {
		return nil
	}
	line, err := json.Marshal(e)
	if err != nil {
		return err
	}
	if l.lines >= 2*auditKept {
		return l.rewrite()
	}
	f, err := os.OpenFile(l.file, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(append(line, '\n'))
	l.lines++
	return errors.Join(err, f.Close())
}

// rewrite leaves out of the file what is no longer remembered.
func (l *auditLog) rewrite() error {
	var all bytes.Buffer
	for i := range l.entries {
		line, err := json.Marshal(l.entries[i])
		if err != nil {
			return err
		}
		all.Write(append(line, '\n'))
	}
	if err := os.WriteFile(l.file+".tmp", all.Bytes(), 0o600); err != nil {
		return err
	}
	l.lines = len(l.entries)
	return os.Rename(l.file+".tmp", l.file)
}

// latest are up to n entries, the latest first.
func (l *auditLog) latest(n int) []AuditEntry {
	l.mu.Lock()
	defer l.mu.Unlock()
	list := slices.Clone(l.entries[max(len(l.entries)-n, 0):])
	slices.Reverse(list)
	return list
}

// AuditJSON is what this node tells others of its own log.
func (a *Admin) AuditJSON() (json.RawMessage, error) {
	return json.Marshal(auditAnswer{time.Now(), a.audit.latest(auditKept)})
}

type auditAnswer struct {
	Now     time.Time    `json:"now"`
	Entries []AuditEntry `json:"entries"`
}

// Audit lists what people did through all nodes. Nodes' clocks are taken as they are.
func (a *Admin) Audit(ctx context.Context) (*Audit, error) {
	s, err := a.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	replies := askAll[auditAnswer](ctx, a, ours(s.members), "/audit")
	for i := range replies {
		if refused(replies[i].err, 404) {
			replies[i].err = errors.New("keeps no log of actions, for its admin pages are off")
		}
	}
	all := &Audit{Coverage: coverage(began, replies), Entries: []AuditEntry{}}
	for _, r := range replies {
		if r.err == nil {
			all.Entries = append(all.Entries, r.value.Entries...)
		}
	}
	slices.SortStableFunc(all.Entries, func(x, y AuditEntry) int { return y.When.Compare(x.When) })
	all.Entries = all.Entries[:min(len(all.Entries), auditKept)]
	return all, nil
}
