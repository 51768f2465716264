package queue

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// rawRecord is one record as documented, made without the code under test.
func rawRecord(timestamp int64, attempts uint16, id, body string) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(26+len(body)))
	b = binary.BigEndian.AppendUint64(b, uint64(timestamp))
	b = binary.BigEndian.AppendUint16(b, attempts)
	return append(append(b, id...), body...)
}

// rawRecords are n records of 31 bytes with the ids from first on.
func rawRecords(first, n int) (b []byte) {
	for i := range n {
		b = append(b, rawRecord(int64(first+i), 0, fmt.Sprintf("%016x", first+i), "x")...)
	}
	return b
}

const rawSize = 31

// files are what a folder holds, by name.
type folder map[string][]byte

func (f folder) write(t testing.TB, dir string) {
	t.Helper()
	for name, content := range f {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

const (
	metaName = "q.diskqueue.meta.dat"
	file0    = "q.diskqueue.000000.dat"
	file1    = "q.diskqueue.000001.dat"
	file2    = "q.diskqueue.000002.dat"
)

func metaOf(depth, readFile, readAt, writeFile, writeAt int) []byte {
	return fmt.Appendf(nil, "%d\n%d,%d\n%d,%d\n", depth, readFile, readAt, writeFile, writeAt)
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func idRange(from, to ID) (ids []ID) {
	for id := from; id <= to; id++ {
		ids = append(ids, id)
	}
	return ids
}

// TestRestore opens what a clean stop or a crash may leave behind.
func TestRestore(t *testing.T) {
	for name, c := range map[string]struct {
		folder folder
		want   []ID
	}{
		"nothing": {folder{}, nil},
		"a clean stop": {
			folder{metaName: metaOf(4, 0, rawSize, 1, 3*rawSize), file0: rawRecords(1, 2), file1: rawRecords(3, 3)},
			idRange(2, 5),
		},
		"all was read": {
			folder{metaName: metaOf(0, 0, 2*rawSize, 0, 2*rawSize), file0: rawRecords(1, 2)}, nil,
		},
		"all was read and the file is gone": {
			folder{metaName: metaOf(0, 7, 62, 7, 62)}, nil,
		},
		"a stock nsqd rolled at the reader's heels": {
			folder{metaName: metaOf(2, 0, 2*rawSize, 1, 2*rawSize), file0: rawRecords(1, 2), file1: rawRecords(3, 2)},
			idRange(3, 4),
		},
		"records behind the write position": {
			folder{metaName: metaOf(2, 0, 0, 0, 2*rawSize), file0: rawRecords(1, 5)}, idRange(1, 5),
		},
		"files behind the write file": {
			folder{metaName: metaOf(1, 0, 0, 0, rawSize), file0: rawRecords(1, 2), file1: rawRecords(3, 2), file2: rawRecords(5, 1)},
			idRange(1, 5),
		},
		"a torn record at the end": {
			folder{metaName: metaOf(2, 0, 0, 0, 2*rawSize), file0: join(rawRecords(1, 3), rawRecords(4, 1)[:20])}, idRange(1, 3),
		},
		"a torn length at the end": {
			folder{metaName: metaOf(2, 0, 0, 0, 2*rawSize), file0: join(rawRecords(1, 3), []byte{0, 0})}, idRange(1, 3),
		},
		"rubbish at the end": {
			folder{metaName: metaOf(2, 0, 0, 0, 2*rawSize), file0: join(rawRecords(1, 3), bytes.Repeat([]byte{0xee}, 50))}, idRange(1, 3),
		},
		"no meta file yet": {
			folder{file0: rawRecords(1, 3), file1: rawRecords(4, 1)}, idRange(1, 4),
		},
		"an unreadable meta file": {
			folder{metaName: []byte("12\nx"), file1: rawRecords(3, 2), file2: rawRecords(5, 1)}, idRange(3, 5),
		},
		"an empty meta file and no data": {folder{metaName: nil}, nil},
		"a meta file with impossible positions": {
			folder{metaName: metaOf(3, 1, 0, 0, 0), file0: rawRecords(1, 3)}, idRange(1, 3),
		},
		"a finished file is removed, which the meta file does not know": {
			folder{metaName: metaOf(5, 0, rawSize, 1, 2*rawSize), file1: rawRecords(4, 2)}, idRange(4, 5),
		},
		"a write file shorter than its position": {
			folder{metaName: metaOf(5, 0, rawSize, 0, 6*rawSize), file0: rawRecords(1, 3)}, idRange(2, 3),
		},
		"a write file shorter than the read position": {
			folder{metaName: metaOf(2, 0, 4*rawSize, 0, 6*rawSize), file0: rawRecords(1, 3)}, nil,
		},
		"a depth of 0 with records": {
			folder{metaName: metaOf(0, 0, 0, 0, 2*rawSize), file0: rawRecords(1, 2)}, idRange(1, 2),
		},
		"a depth without records": {
			folder{metaName: metaOf(4, 0, 2*rawSize, 0, 2*rawSize), file0: rawRecords(1, 2)}, nil,
		},
		"left-overs of interrupted writes": {
			folder{metaName: metaOf(1, 0, 0, 0, rawSize), metaName + ".123.tmp": []byte("9"), file0: rawRecords(1, 1)}, idRange(1, 1),
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := testOptions(t)
			c.folder.write(t, o.DataPath)
			d := testDisk(t, o, nil)
			wantDepth(t, d, int64(len(c.want)))
			putOrFail(t, d, numbered(100, 2))
			want := append(c.want, 100, 101)
			wantDepth(t, d, int64(len(want)))
			wantIDs(t, takeFrom(t, d, 100), want...)
			wantDepth(t, d, 0)
		})
	}
}

// TestRestoreAfterKill copies the files of an open queue, which is what a killed process leaves.
func TestRestoreAfterKill(t *testing.T) {
	for name, syncEvery := range map[string]int64{"never synced": 0, "synced now and then": 7, "always synced": 1} {
		t.Run(name, func(t *testing.T) {
			o := testOptions(t)
			*o = o.withDefaults()
			o.MaxBytesPerFile, o.SyncEvery = 200, syncEvery
			if syncEvery == 0 {
				o.SyncEvery = never
			}
			d := testDisk(t, o, nil)
			putOrFail(t, d, numbered(1, 40))
			read := takeFrom(t, d, 10)
			d.queue.Depth() // go-diskqueue answers once a sync that is due is done

			killed := *o
			killed.DataPath = t.TempDir()
			if err := os.CopyFS(killed.DataPath, os.DirFS(o.DataPath)); err != nil {
				t.Fatal(err)
			}
			again := testDisk(t, &killed, nil)
			depth := again.depth()
			got := idsOf(takeFrom(t, again, 100))
			if len(got) < 30 || len(got) > 40 || int64(len(got)) != depth || got[len(got)-1] != 40 {
				t.Errorf("read %d before the kill; the depth after it is %d, read %d", idsOf(read), depth, got)
			}
			if bad := filesLike(t, &killed, "*.bad"); bad != nil {
				t.Errorf("files set aside: %v", bad)
			}
		})
	}
}

// TestStrangeFileIsNotOverwritten: a file with the next number is from another time. Its records are read in their turn;
// writing into it would mix records of both.
func TestStrangeFileIsNotOverwritten(t *testing.T) {
	o := testOptions(t)
	o.MaxBytesPerFile = 3 * rawSize
	d := testDisk(t, o, nil)
	putOrFail(t, d, numbered(1, 2))
	folder{file1: rawRecords(70, 9)}.write(t, o.DataPath)
	putOrFail(t, d, numbered(3, 3))
	wantIDs(t, takeFrom(t, d, 100), append(append(idRange(1, 3), idRange(70, 78)...), 4, 5)...)
}

func FuzzParseState(f *testing.F) {
	f.Add([]byte("9\n0,32\n0,326\n"))
	f.Add([]byte("-1\n0,0\n1,0"))
	f.Add([]byte("1\n9999999999999999999,0\n1,0\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		s, err := parseState(content)
		if err != nil {
			return
		}
		if s.read.file < 0 || s.read.offset < 0 || s.write.before(s.read) || s.write.file-s.read.file > mostFiles {
			t.Errorf("%q is taken for %+v", content, s)
		}
	})
}

func FuzzRecords(f *testing.F) {
	f.Add(rawRecords(1, 3))
	f.Add(rawRecords(1, 3)[:70])
	f.Add(bytes.Repeat([]byte{0, 0, 0, 26}, 20))
	f.Fuzz(func(t *testing.T, content []byte) {
		records, length, _ := countRecords(bytes.NewReader(content), 100)
		var again []byte
		rest := content
		for range records {
			size := int(binary.BigEndian.Uint32(rest))
			record := rest[4 : 4+size]
			m, err := parseRecord(record)
			if err != nil {
				t.Fatal(err)
			}
			back := appendRecord(nil, &m)
			if _, lower := ParseID(record[10:26]); lower && !bytes.Equal(back, record) {
				t.Fatalf("%x became %x", record, back)
			}
			again = append(again, rest[:4+size]...)
			rest = rest[4+size:]
		}
		if int64(len(again)) != length {
			t.Errorf("%d records end at %d, not %d", records, len(again), length)
		}
	})
}

// FuzzDamagedQueue writes anything at all over a queue's files: opening and reading it must end, and what is published
// afterwards must arrive.
func FuzzDamagedQueue(f *testing.F) {
	f.Add(metaOf(3, 0, 0, 1, rawSize), rawRecords(1, 2), rawRecords(3, 1))
	f.Add([]byte("zz"), []byte{}, rawRecords(3, 1))
	f.Fuzz(func(t *testing.T, meta, zero, one []byte) {
		o := testOptions(t)
		o.MaxMsgSize = 1000
		folder{metaName: meta, file0: zero, file1: one}.write(t, o.DataPath)
		d := testDisk(t, o, nil)
		putOrFail(t, d, numbered(0x7777777700000000, 1))
		var got []Message
		for deadline := time.Now().Add(10 * time.Second); d.depth() > 0; {
			got = append(got, takeFrom(t, d, 50)...)
			if time.Now().After(deadline) {
				t.Fatal("reading does not end")
			}
		}
		if len(got) == 0 || got[len(got)-1].ID != 0x7777777700000000 {
			t.Errorf("the new message was not read: %v", got)
		}
	})
}
