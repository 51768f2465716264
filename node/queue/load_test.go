package queue

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestDataPathIsLocked(t *testing.T) {
	o := testOptions(t)
	b := loadBroker(t, o)
	err := New(*o).Load()
	if want := "failed to lock data-path: cannot flock directory " + o.DataPath +
		" - resource temporarily unavailable (possibly in use by another instance of nsqd)"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	loadBroker(t, o)
}

func TestLoadRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(*Options)
		want    string
	}{
		"a missing data path": {func(o *Options) { o.DataPath += "/no" }, "failed to lock data-path: open "},
		"a data path with %":  {func(o *Options) { o.DataPath += "/100%"; os.Mkdir(o.DataPath, 0o700) }, "contains a %"},
		"an empty nsqd.dat":   {nsqdDat(""), "failed to load metadata - parse "},
		"half a nsqd.dat":     {nsqdDat(`{"topics":[{"name":`), "failed to load metadata - parse "},
		"nsqd.dat a folder":   {func(o *Options) { os.Mkdir(filepath.Join(o.DataPath, "nsqd.dat"), 0o700) }, "failed to load metadata - "},
		"a node id too large": {func(o *Options) { o.NodeID = 1024 }, "node id"},
		"no message size":     {func(o *Options) { o.MaxMsgSize = 0 }, "max message size"},
		"a percentile of 0":   {func(o *Options) { o.LatencyPercentiles = []float64{0} }, "invalid E2E processing latency percentile: 0"},
	} {
		t.Run(name, func(t *testing.T) {
			o := testOptions(t)
			c.prepare(o)
			if err := New(*o).Load(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %s", err, c.want)
			}
			if lock, err := lockDir(filepath.Dir(o.DataPath + "/x")); err == nil {
				lock.Close()
			} else if !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the lock was kept: %v", err)
			}
		})
	}
}

func nsqdDat(content string) func(*Options) {
	return func(o *Options) { os.WriteFile(filepath.Join(o.DataPath, "nsqd.dat"), []byte(content), 0o600) }
}

// TestFailedLoadOverwritesNothing: whoever closes the broker all the same must not lose what it could not read.
func TestFailedLoadOverwritesNothing(t *testing.T) {
	o := testOptions(t)
	nsqdDat("half a file {")(o)
	b := New(*o)
	if err := b.Load(); err == nil {
		t.Fatal("loaded")
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	if got := readMetadata(t, o); got != "half a file {" {
		t.Errorf("nsqd.dat holds %q", got)
	}
}

func TestLoadSweepsLeftOvers(t *testing.T) {
	o := testOptions(t)
	kept := folder{"nsqd.dat.tmp": nil, "t.diskqueue.000000.dat.1.tmp": nil, "notes.5.tmp": nil, "t.due.dat": nil}
	kept.write(t, o.DataPath)
	folder{"nsqd.dat.55.tmp": nil, "t:c.diskqueue.meta.dat.123.tmp": nil, "t.due.dat.7.tmp": nil}.write(t, o.DataPath)
	b := loadBroker(t, o)
	if got := filesLike(t, o, "*"); len(got) != len(kept)+1 { // and nsqd.dat
		t.Errorf("files: %q", got)
	}
	b.Close()
}
