package tools

import (
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, time.November, 8, 15, 4, 5, 0, time.FixedZone("CET", 3600))

func TestStrftime(t *testing.T) {
	for format, want := range map[string]string{
		"%Y-%m-%d_%H": "2026-11-08_15", "%A %a %B %b %I %M %p %S %y %Z %z": "Sunday Sun November Nov 03 04 PM 05 26 CET +0100",
		"100%%": "100%", "%": "%", "%Q%": "%Q%", "2006 Jan 01": "2006 Jan 01", "": "",
	} {
		if got := strftime(format, noon); got != want {
			t.Errorf("%q: got %q, want %q", format, got, want)
		}
	}
}

func TestArchiveNames(t *testing.T) {
	standard := "<TOPIC>.<HOST><REV>.<DATETIME>.log"
	for name, c := range map[string]struct {
		a    archiveName
		want string
	}{
		"plain":                   {archiveName{format: standard}, "t#ephemeral.h.2026-11-08_15.log"},
		"with a revision":         {archiveName{format: standard, revision: true}, "t#ephemeral.h-000007.2026-11-08_15.log"},
		"compressed":              {archiveName{format: standard, revision: true, gzip: true}, "t#ephemeral.h-000007.2026-11-08_15.log.gz"},
		"compressed and named so": {archiveName{format: "<TOPIC><REV>.gz", revision: true, gzip: true}, "t#ephemeral-000007.gz"},
		"in a folder, with a pid": {archiveName{format: "<TOPIC>/<PID>"}, "t#ephemeral/" + strconv.Itoa(os.Getpid())},
	} {
		c.a.datetime, c.a.host = "%Y-%m-%d_%H", "h"
		if got := revised(c.a.at("t#ephemeral", noon), 7); got != c.want {
			t.Errorf("%s: got %s", name, got)
		}
	}
}

func TestHostIdentifier(t *testing.T) {
	hostname, _ := os.Hostname()
	short, _, _ := strings.Cut(hostname, ".")
	for identifier, want := range map[string]string{"": short, "x": "x", "<SHORT_HOST>-<HOSTNAME>": short + "-" + hostname} {
		if got, err := hostIdentifier(identifier); got != want || err != nil {
			t.Errorf("%q: got %q, %v", identifier, got, err)
		}
	}
}

// written opens a file at a place, writes lines and finishes it.
func written(t *testing.T, p *archivePlace, name string, lines ...string) (path string) {
	t.Helper()
	a, err := p.open(name, 0, noon)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines {
		if err := a.write([]byte(line)); err != nil {
			t.Fatal(err)
		}
		if err := a.sync(); err != nil {
			t.Fatal(err)
		}
	}
	if path, err = a.finish(); err != nil {
		t.Fatal(err)
	}
	return path
}

func holds(t *testing.T, path, want string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil || string(b) != want {
		t.Errorf("%s holds %q, %v", path, b, err)
	}
}

func TestArchiveFilesAreContinued(t *testing.T) {
	dir := t.TempDir()
	p := &archivePlace{work: dir, output: dir}
	path := written(t, p, "a/b.log", "one", "two")
	if written(t, p, "a/b.log", "three") != path {
		t.Error("another file")
	}
	holds(t, path, "one\ntwo\nthree\n")
	if err := os.WriteFile(path, []byte("one\ncut o"), 0o600); err != nil {
		t.Fatal(err)
	}
	written(t, p, "a/b.log", "two")
	holds(t, path, "one\ncut o\ntwo\n")
}

func TestArchiveFilesAreNotContinued(t *testing.T) {
	for name, p := range map[string]*archivePlace{
		"with an interval":     {rotateInterval: time.Hour},
		"compressed":           {name: archiveName{gzip: true}, gzipLevel: 6},
		"larger than the size": {rotateSize: 3},
	} {
		t.Run(name, func(t *testing.T) {
			p.work, p.output = t.TempDir(), ""
			p.output = p.work
			first, second := written(t, p, "a<REV>", "one"), written(t, p, "a<REV>", "two")
			if filepath.Base(first) != "a-000000" || filepath.Base(second) != "a-000001" {
				t.Errorf("%s, %s", first, second)
			}
		})
	}
}

func TestCompressedArchivesAreReadableAfterEverySync(t *testing.T) {
	dir := t.TempDir()
	p := &archivePlace{name: archiveName{gzip: true}, gzipLevel: 1, work: dir, output: dir}
	a, err := p.open("a<REV>.gz", 0, noon)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := a.write([]byte("line")); err != nil {
			t.Fatal(err)
		}
		if err := a.sync(); err != nil {
			t.Fatal(err)
		}
	}
	if got := gunzip(t, a.file.Name()); got != "line\nline\nline\n" {
		t.Errorf("before it is finished: %q", got)
	}
	if path, err := a.finish(); err != nil || gunzip(t, path) != "line\nline\nline\n" {
		t.Errorf("after it: %v", err)
	}
	if got := gunzip(t, written(t, p, "empty<REV>.gz")); got != "" {
		t.Errorf("an empty one: %q", got)
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

func TestFinishedArchivesMoveAndOverwriteNothing(t *testing.T) {
	root := t.TempDir()
	p := &archivePlace{work: filepath.Join(root, "work"), output: filepath.Join(root, "done")}
	a, err := p.open("x/a<REV>", 0, noon)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.write([]byte("mine")); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(p.output, "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	taken := filepath.Join(p.output, "x", "a-000000")
	if err := os.WriteFile(taken, []byte("theirs"), 0o600); err != nil {
		t.Fatal(err)
	}
	path, err := a.finish()
	if err != nil || filepath.Base(path) != "a-000001" {
		t.Fatalf("moved to %s, %v", path, err)
	}
	holds(t, path, "mine\n")
	holds(t, taken, "theirs")
	if left := filesIn(t, p.work); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if path = written(t, p, "x/a<REV>", "next"); filepath.Base(path) != "a-000002" {
		t.Errorf("the next one is %s", path)
	}
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

func TestArchiveFilesAreDue(t *testing.T) {
	p := &archivePlace{rotateSize: 10, rotateInterval: time.Minute}
	for name, c := range map[string]struct {
		name string
		size int64
		age  time.Duration
		due  bool
	}{
		"as it was":      {"a", 10, time.Minute, false},
		"another name":   {"b", 0, 0, true},
		"too large":      {"a", 11, 0, true},
		"open too long":  {"a", 0, time.Minute + 1, true},
		"just been made": {"a", 0, 0, false},
	} {
		a := &archiveFile{place: p, name: "a", size: c.size, opened: noon}
		if a.due(c.name, noon.Add(c.age)) != c.due {
			t.Errorf("%s: due is %v", name, !c.due)
		}
	}
	a := &archiveFile{place: &archivePlace{}, name: "a", size: 1 << 40, opened: noon}
	if a.due("a", noon.Add(1000*time.Hour)) {
		t.Error("without limits it is never due")
	}
}

func TestArchiveThatCannotBeWritten(t *testing.T) {
	dir := t.TempDir()
	blocked := filepath.Join(dir, "file")
	if err := os.WriteFile(blocked, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	p := &archivePlace{work: blocked, output: blocked}
	if _, err := p.open("a", 0, noon); err == nil {
		t.Error("a folder that is a file")
	}
}
