package main

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nsqmesh/nsqmesh/cmd/cli"
)

// archived are the lines of all files of a folder, in order.
func archived(t *testing.T, dir string) (all []string) {
	t.Helper()
	for _, name := range filesIn(t, dir) {
		path, text := filepath.Join(dir, name), ""
		if strings.HasSuffix(name, ".gz") {
			text = gunzip(t, path)
		} else {
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			text = string(b)
		}
		all = append(all, strings.Fields(text)...)
	}
	slices.Sort(all)
	return all
}

// postNumbers publishes the numbers below n, with as many digits each, and returns them.
func postNumbers(t *testing.T, node *process, topic string, n int) (all []string) {
	t.Helper()
	for i := range n {
		all = append(all, fmt.Sprintf("%06d", i))
	}
	post(t, node.nsqd("/mpub?topic="+topic), strings.Join(all, "\n"))
	return all
}

func TestToFile(t *testing.T) {
	node := startNode(t, t.TempDir())
	quick := []string{"--consumer-opt=lookupd_poll_interval,50ms", "--consumer-opt=lookupd_poll_jitter,0", "--channel=f"}
	start := func(t *testing.T, dir string, args ...string) *toolProcess {
		t.Helper()
		return startTool(t, node, append(append([]string{"to-file", "--output-dir=" + dir}, quick...), args...)...)
	}
	state := func(topic string) channelStats { return node.topic(topic).channel("f") }
	// got is how many messages have come to the channel, which a depth of 0 does not tell while the topic hands them on.
	got := func(topic string) (n int) {
		var all struct {
			Topics []struct {
				Channels []struct {
					Messages int `json:"message_count"`
				}
			}
		}
		if err := json.Unmarshal([]byte(get(t, node.nsqd("/stats?format=json&topic="+topic))), &all); err != nil {
			t.Fatal(err)
		}
		for _, topic := range all.Topics {
			for _, c := range topic.Channels {
				n += c.Messages
			}
		}
		return n
	}

	t.Run("every message is in a file, and only then finished", func(t *testing.T) {
		dir := t.TempDir()
		want := postNumbers(t, node, "safe", 1000)
		p := start(t, dir, "--topic=safe", "--sync-interval=1h", "--host-identifier=h")
		// 1000 is no multiple of what makes it sync: some are written, not synced and not finished.
		waitFor(t, "all to be taken", func() bool {
			if got("safe") != 1000 {
				return false
			}
			s := state("safe")
			return s.Clients == 1 && s.Depth == 0 && s.InFlight > 0
		})
		time.Sleep(20 * time.Millisecond)
		if finished, held := len(archived(t, dir)), state("safe").InFlight; finished+held < 1000 || held == 0 || held > 200 {
			t.Errorf("%d in files, %d in flight", finished, held)
		}
		p.interrupt()
		if got := archived(t, dir); !slices.Equal(got, want) {
			t.Errorf("%d lines in files", len(got))
		}
		waitFor(t, "all to be finished", func() bool { s := state("safe"); return s.Depth+s.InFlight+s.Deferred == 0 })
		names := filesIn(t, dir)
		if len(names) != 1 || !regexp.MustCompile(`^safe\.h\.\d{4}-\d\d-\d\d_\d\d\.log$`).MatchString(names[0]) {
			t.Errorf("files %q", names)
		}
		if !strings.Contains(p.err.String(), "archived 1,000 messages of 1 topic in 1 file") {
			t.Errorf("said %s", p.err.String())
		}
	})
	t.Run("a kill loses nothing", func(t *testing.T) {
		dir := t.TempDir()
		want := postNumbers(t, node, "killed", 5000)
		args := []string{"--topic=killed", "--gzip", "--consumer-opt=msg_timeout,1s"}
		p := start(t, dir, args...)
		waitFor(t, "some to be finished", func() bool { s := state("killed"); return s.Clients == 1 && s.Depth < 3500 })
		p.signal(syscall.SIGKILL)
		p.status()
		p = start(t, dir, append(args, "--sync-interval=50ms")...)
		waitFor(t, "all to be finished", func() bool {
			if got("killed") != 5000 {
				return false
			}
			s := state("killed")
			return s.Clients == 1 && s.Depth+s.Deferred+s.InFlight == 0
		})
		p.interrupt()
		got := map[string]bool{}
		for _, name := range filesIn(t, dir) {
			for _, line := range strings.Fields(whatGunzipReads(t, filepath.Join(dir, name))) {
				got[line] = true
			}
		}
		for _, line := range want {
			if !got[line] {
				t.Fatalf("%s is lost", line)
			}
		}
	})
	t.Run("rotation by size, into another folder when a file is complete", func(t *testing.T) {
		work, dir := t.TempDir(), t.TempDir()
		want := postNumbers(t, node, "rotated", 1000)
		p := start(t, dir, "--topic=rotated", "--work-dir="+work, "--rotate-size=1000", "--output=json",
			"--filename-format=<TOPIC>/<DATETIME><REV>", "--datetime-format=%Y")
		waitFor(t, "all to be taken", func() bool {
			if got("rotated") != 1000 {
				return false
			}
			s := state("rotated")
			return s.Clients == 1 && s.Depth == 0
		})
		p.interrupt()
		names, year := filesIn(t, dir), time.Now().Format("2006")
		if len(names) != 7 || names[0] != "rotated/"+year+"-000000" || names[6] != "rotated/"+year+"-000006" {
			t.Errorf("files %q", names)
		}
		if got := archived(t, dir); !slices.Equal(got, want) || len(filesIn(t, work)) > 0 {
			t.Errorf("%d lines; left behind: %v", len(got), filesIn(t, work))
		}
		if !strings.Contains(p.out.String(), `"messages":1000,"files":7,"topics":{"rotated":1000}`) {
			t.Errorf("printed %s", p.out.String())
		}
	})
	t.Run("SIGHUP closes files", func(t *testing.T) {
		dir := t.TempDir()
		postNumbers(t, node, "moved", 10)
		p := start(t, dir, "--topic=moved", "--sync-interval=1h", "--host-identifier=h")
		waitFor(t, "the file", func() bool {
			s := state("moved")
			return s.Clients == 1 && s.Depth == 0 && len(filesIn(t, dir)) == 1
		})
		waitFor(t, "the messages to be finished", func() bool {
			p.signal(syscall.SIGHUP)
			return state("moved").InFlight == 0
		})
		if err := os.Rename(filepath.Join(dir, filesIn(t, dir)[0]), filepath.Join(dir, "old")); err != nil {
			t.Fatal(err)
		}
		post(t, node.nsqd("/pub?topic=moved"), "next")
		waitFor(t, "a file of the same name", func() bool { return len(filesIn(t, dir)) == 2 })
		p.interrupt()
		holds(t, filepath.Join(dir, filesIn(t, dir)[0]), "next\n")
	})
	t.Run("topics by pattern, also those that come later", func(t *testing.T) {
		dir := t.TempDir()
		post(t, node.nsqd("/pub?topic=audit.a"), "a")
		p := start(t, dir, "--topic-pattern=^audit", "--topic-refresh=100ms", "--sync-interval=50ms", "--filename-format=<TOPIC>")
		waitFor(t, "the first", func() bool { return slices.Equal(filesIn(t, dir), []string{"audit.a"}) })
		post(t, node.nsqd("/pub?topic=audit.b"), "b")
		post(t, node.nsqd("/pub?topic=no.audit"), "c")
		waitFor(t, "the second", func() bool { return slices.Equal(archived(t, dir), []string{"a", "b"}) })
		p.interrupt()
	})
	t.Run("files for times without messages, unless they are not wanted", func(t *testing.T) {
		dir, none := t.TempDir(), t.TempDir()
		post(t, node.nsqd("/topic/create?topic=quiet"), "")
		p := start(t, dir, "--topic=quiet", "--sync-interval=20ms", "--rotate-interval=30ms")
		q := start(t, none, "--topic=quiet", "--sync-interval=20ms", "--rotate-interval=30ms", "--skip-empty-files")
		waitFor(t, "a few empty files", func() bool { return len(filesIn(t, dir)) > 2 })
		p.interrupt()
		q.interrupt()
		if names := filesIn(t, none); len(names) > 0 {
			t.Errorf("files that were not wanted: %v", names)
		}
	})
	t.Run("a folder that cannot be written is an error", func(t *testing.T) {
		postNumbers(t, node, "lost", 1)
		blocked := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(blocked, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		p := start(t, blocked, "--topic=lost")
		if status := p.status(); status != cli.ExitFault || !strings.Contains(p.err.String(), "archive topic lost") {
			t.Errorf("ended with %d: %s", status, p.err.String())
		}
		if s := state("lost"); s.Depth+s.InFlight != 1 {
			t.Errorf("the message: %+v", s)
		}
	})
}

// whatGunzipReads is all up to where a kill has cut the file off.
func whatGunzipReads(t *testing.T, path string) string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	return readableGzip(f)
}

// filesIn lists the files in a folder and its folders, by their names within it.
func filesIn(t *testing.T, dir string) (all []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			rel, _ := filepath.Rel(dir, path)
			all = append(all, rel)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(all)
	return all
}

func holds(t *testing.T, path, want string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil || string(b) != want {
		t.Errorf("%s holds %q, %v", path, b, err)
	}
}

func gunzip(t *testing.T, path string) string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return string(b)
}

// readableGzip is all that can be read of a file that may be cut off.
func readableGzip(r io.Reader) string {
	z, err := gzip.NewReader(r)
	if err != nil {
		return ""
	}
	b, _ := io.ReadAll(z)
	return string(b)
}
