package pages

import (
	"strings"
	"time"

	"github.com/nsqmesh/nsqmesh/admin"
)

type audit struct {
	Count   string
	Filter  filter
	Pager   pager
	Entries []auditEntry
}

type auditEntry struct {
	Stamp, When, Who, From, What, On, Class, Word, Text, Node string
	at                                                        time.Time
}

func (p *Pages) audit(v *visit) error {
	all, err := p.Admin.Audit(v.ctx())
	if err != nil {
		return err
	}
	v.covered(all.Coverage)
	l := v.list("when")
	rows := make([]auditEntry, len(all.Entries))
	for i, e := range all.Entries {
		rows[i] = entry(e)
	}
	rows = arrange(l, rows, func(e *auditEntry) []string {
		return []string{e.Who, e.What, e.On, e.Word, e.Node}
	}, func(e *auditEntry, _ string) any { return float64(e.at.UnixNano()) })
	v.Title, v.JSON = "Audit", "/api/v1/audit"
	v.Body = audit{counted(l, len(all.Entries), "action"), l.filter("Filter by who, what or where"), l.Pager(), rows}
	return nil
}

func entry(e admin.AuditEntry) auditEntry {
	row := auditEntry{
		at: e.When, Stamp: e.When.UTC().Format("2006-01-02 15:04:05 UTC"), When: lasting(time.Since(e.When)) + " ago",
		Who: e.Who, From: e.From, What: sentence(e.Action.Kind), On: subject(e.Action), Class: "good", Word: "done", Text: e.Result.Summary, Node: e.Via,
	}
	if row.Who == "" {
		row.Who = "anybody"
	}
	if !e.Result.OK {
		row.Class, row.Word = "bad", "failed"
	}
	return row
}

// sentence makes words of a kind of action: "Pause channel".
func sentence(k admin.Kind) string {
	words := strings.ReplaceAll(string(k), "-", " ")
	if words == "" {
		return ""
	}
	return strings.ToUpper(words[:1]) + words[1:]
}

func subject(a admin.Action) string {
	var parts []string
	if a.Topic != "" {
		parts = append(parts, a.Topic)
	}
	if a.Channel != "" {
		parts = append(parts, a.Channel)
	}
	s := strings.Join(parts, " / ")
	if a.Client != "" {
		s = strings.TrimSpace(a.Client + " " + s)
	}
	if len(a.Nodes) > 0 {
		s += " on " + enumerate(a.Nodes)
	}
	return s
}
