package queue

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

func duesOf(batch []Message) (due []int64) {
	for i := range batch {
		due = append(due, batch[i].Due)
	}
	return due
}

// deferredBy are messages with ids from 1 on that are due after so many hours.
func deferredBy(hours ...int) (batch []Message, due []int64) {
	batch = numbered(1, len(hours))
	for i, h := range hours {
		if h != 0 {
			batch[i].Due = time.Now().Add(time.Duration(h) * time.Hour).UnixNano()
		}
		due = append(due, max(batch[i].Due, 0))
		if h < 0 {
			due[i] = 0
		}
	}
	return batch, due
}

func TestDueTimesSurvive(t *testing.T) {
	for name, between := range map[string]func(*testing.T, *disk) *disk{
		"waiting":       func(_ *testing.T, d *disk) *disk { return d },
		"a file rolled": func(t *testing.T, d *disk) *disk { d.mu.Lock(); defer d.mu.Unlock(); d.roll(); return d },
		"rest":          func(t *testing.T, d *disk) *disk { d.mu.Lock(); defer d.mu.Unlock(); d.shut(); return d },
		"a clean stop":  func(t *testing.T, d *disk) *disk { d.close(nil); return testDisk(t, d.o, nil) },
		"a kill": func(t *testing.T, d *disk) *disk {
			o := *d.o
			o.DataPath = t.TempDir()
			if err := os.CopyFS(o.DataPath, os.DirFS(d.o.DataPath)); err != nil {
				t.Fatal(err)
			}
			return testDisk(t, &o, nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := testDisk(t, testOptions(t), nil)
			batch, due := deferredBy(1, 0, -1, 5, 3)
			putOrFail(t, d, batch)
			d = between(t, d)
			got := takeFrom(t, d, 10)
			wantIDs(t, got, 1, 2, 3, 4, 5)
			if !slices.Equal(duesOf(got), due) {
				t.Errorf("due %d, want %d", duesOf(got), due)
			}
			if files := filesLike(t, d.o, "*.due.dat"); files != nil {
				t.Errorf("%v is left", files)
			}
		})
	}
}

func TestDueTimesThatPassedAreForgotten(t *testing.T) {
	o := testOptions(t)
	d := newDisk("q", o, &health{}, nil)
	batch, _ := deferredBy(0, 1)
	batch[0].Due = time.Now().Add(time.Millisecond).UnixNano()
	putOrFail(t, d, batch)
	d.close(nil)
	for time.Now().UnixNano() <= batch[0].Due {
	}
	again := testDisk(t, o, nil)
	got := takeFrom(t, again, 1)
	if again.due.count != 1 {
		t.Errorf("%d entries loaded, want 1", again.due.count)
	}
	if got = append(got, takeFrom(t, again, 1)...); !slices.Equal(duesOf(got), []int64{0, batch[1].Due}) {
		t.Errorf("due %d", duesOf(got))
	}
}

func TestDueFileAfterACrash(t *testing.T) {
	future := time.Now().Add(time.Hour).UnixNano()
	whole := appendDue(appendDue(nil, 1, future), 2, future+1)
	for name, c := range map[string]struct {
		content []byte
		want    []int64
	}{
		"torn entry":    {append(slices.Clone(whole), 1, 2, 3), []int64{future, future + 1, future + 2}},
		"nothing":       {nil, []int64{0, 0, future + 2}},
		"strange bytes": {[]byte("no due times at all here, what now?"), []int64{0, 0, future + 2}},
		"unknown ids":   {appendDue(whole, 99, future), []int64{future, future + 1, future + 2}},
	} {
		t.Run(name, func(t *testing.T) {
			o := testOptions(t)
			folder{metaName: metaOf(2, 0, 0, 0, 2*rawSize), file0: rawRecords(1, 2), "q.due.dat": c.content}.write(t, o.DataPath)
			d := testDisk(t, o, nil)
			putOrFail(t, d, []Message{{ID: 3, Due: future + 2}})
			d.mu.Lock()
			d.shut()
			d.mu.Unlock()
			if got := duesOf(takeFrom(t, d, 10)); !slices.Equal(got, c.want) {
				t.Errorf("due %d, want %d", got, c.want)
			}
		})
	}
}

func TestDueFileStaysInProportion(t *testing.T) {
	d := testDisk(t, testOptions(t), nil)
	future := time.Now().Add(time.Hour).UnixNano()
	publish := func(first ID) {
		batch := numbered(first, 100)
		for i := range batch {
			batch[i].Due = future
		}
		putOrFail(t, d, batch)
	}
	publish(1)
	largest := int64(0)
	for round := range ID(60) {
		publish(1 + 100*(round+1))
		for _, due := range duesOf(takeFrom(t, d, 100)) {
			if due != future {
				t.Fatalf("due %d, want %d", due, future)
			}
		}
		info, err := os.Stat(d.due.path)
		if err != nil {
			t.Fatal(err)
		}
		largest = max(largest, info.Size())
	}
	if limit := int64(dueSize * (dueSpoiled + 3*100)); largest > limit {
		t.Errorf("the file grew to %d bytes, want at most %d", largest, limit)
	}
}

func TestDueFileThatCannotBeWritten(t *testing.T) {
	o := testOptions(t)
	h := &health{}
	d := newDisk("q", o, h, nil)
	defer d.remove()
	inTheWay := filepath.Join(o.DataPath, "q.due.dat")
	putOrFail(t, d, numbered(1, 1))
	if err := os.Mkdir(inTheWay, 0o700); err != nil {
		t.Fatal(err)
	}
	batch, _ := deferredBy(1)
	if err := d.put(batch); err == nil || h.err() == nil {
		t.Errorf("put: %v, health: %v", err, h.err())
	}
	wantDepth(t, d, 1)
	os.Remove(inTheWay)
	putOrFail(t, d, batch)
	if h.err() != nil {
		t.Errorf("health: %v", h.err())
	}
	wantDepth(t, d, 2)
}

func FuzzParseDue(f *testing.F) {
	f.Add(appendDue(appendDue(nil, 1, 2), 3, 1<<62), int64(5))
	f.Fuzz(func(t *testing.T, content []byte, now int64) {
		for id, at := range parseDue(content, now) {
			if at <= now {
				t.Errorf("%s is due at %d, which is over at %d", id, at, now)
			}
			if !slices.Contains(chunked(content), string(appendDue(nil, id, at))) {
				t.Errorf("%s at %d is not in the file", id, at)
			}
		}
	})
}

func chunked(b []byte) (all []string) {
	for c := range slices.Chunk(b, dueSize) {
		all = append(all, string(c))
	}
	return all
}
