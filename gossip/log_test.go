package gossip

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestLinesOfMemberlistBecomeRecords(t *testing.T) {
	tests := map[string]struct{ line, want string }{
		"a warning":             {"[WARN] memberlist: Refuting a suspect message (from: x)\n", `level=WARN msg="Refuting a suspect message (from: x)"`},
		"an error is another's": {"[ERR] memberlist: Failed to decode ping: EOF\n", `level=WARN msg="Failed to decode ping: EOF"`},
		"information":           {"[INFO] memberlist: Suspect x\n", `level=INFO msg="Suspect x"`},
		"debugging":             {"[DEBUG] memberlist: Stream\n", `level=DEBUG msg=Stream`},
		"without a level":       {"something\n", `level=DEBUG msg=something`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			w := &logWriter{log: slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))}
			if n, err := w.Write([]byte(test.line)); n != len(test.line) || err != nil {
				t.Errorf("%d, %v", n, err)
			}
			if !strings.Contains(out.String(), test.want) {
				t.Error(out.String())
			}
		})
	}
}

func TestLinesThatRepeatAreToldOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out lines
		w := &logWriter{log: slog.New(slog.NewTextHandler(&out, nil))}
		say := func(s string) { _, _ = fmt.Fprintf(w, "[WARN] memberlist: %s\n", s) }
		for port := range 100 {
			say(fmt.Sprintf("bad packet from=10.0.0.1:%d", 1000+port))
			say(fmt.Sprintf("bad packet from=10.0.0.2:%d", 1000+port))
		}
		if out.count("10.0.0.1") != 1 || out.count("10.0.0.2") != 1 {
			t.Errorf("%q", out.text)
		}
		time.Sleep(quietFor + time.Second)
		say("bad packet from=10.0.0.1:1")
		if out.count("repeated=99") != 1 {
			t.Errorf("%q", out.text)
		}
		for i := range 1000 {
			say(fmt.Sprintf("something new: %dx", i))
		}
		if n := out.count("something new"); n > quietLines {
			t.Errorf("%d lines in a minute", n)
		}
		time.Sleep(quietFor + time.Second)
		say("and another minute")
		if out.count("another minute") != 1 {
			t.Error("silent for ever")
		}
		for range 10 {
			time.Sleep(3 * quietFor)
			say("now and then")
		}
		if n := len(w.quiet.seen); n > 1 {
			t.Errorf("%d lines are remembered", n)
		}
	})
}
