package tools

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// readAll collects what records hands over.
func readAll(ctx context.Context, r *records, files []string, in io.Reader) (bodies []string, batches int, empty int64) {
	r.out, r.gone = make(chan batch), make(chan struct{})
	go r.read(ctx, files, in)
	for b := range r.out {
		batches++
		empty += b.empty
		for _, body := range b.bodies {
			bodies = append(bodies, string(body))
		}
	}
	return bodies, batches, empty
}

func TestRecords(t *testing.T) {
	long := strings.Repeat("x", 3*inputBuffer)
	for name, c := range map[string]struct {
		in        string
		delimiter byte
		whole     bool
		want      []string
		empty     int64
	}{
		"lines":                                 {"a\nb\n", '\n', false, []string{"a", "b"}, 0},
		"a last line without its end":           {"a\nbc", '\n', false, []string{"a", "bc"}, 0},
		"empty lines":                           {"\n\na\n\n", '\n', false, []string{"a"}, 3},
		"a carriage return belongs to the line": {"a\r\n", '\n', false, []string{"a\r"}, 0},
		"another delimiter":                     {"a,b,c", ',', false, []string{"a", "b", "c"}, 0},
		"the newline that echo adds":            {"a,b,c\n", ',', false, []string{"a", "b", "c"}, 0},
		"newlines inside of records":            {"a\nb\x00c\n\x00", 0, false, []string{"a\nb", "c\n"}, 0},
		"nothing":                               {"", '\n', false, nil, 0},
		"longer than the buffer":                {long + "\n" + "b", '\n', false, []string{long, "b"}, 0},
		"all of it":                             {"a\nb\n", '\n', true, []string{"a\nb\n"}, 0},
		"all of nothing":                        {"", '\n', true, nil, 1},
	} {
		for way, in := range map[string]io.Reader{"at once": strings.NewReader(c.in), "in halves": iotest.HalfReader(strings.NewReader(c.in))} {
			t.Run(name+", "+way, func(t *testing.T) {
				r := &records{delimiter: c.delimiter, whole: c.whole, most: batchRecords}
				got, _, empty := readAll(t.Context(), r, nil, in)
				if !slices.Equal(got, c.want) || empty != c.empty || r.err != nil {
					t.Errorf("got %d records %.80q, %d empty, error %v", len(got), got, empty, r.err)
				}
			})
		}
	}
}

func TestRecordsThatHaveArrivedDoNotWait(t *testing.T) {
	in, out := io.Pipe()
	defer out.Close()
	r := &records{delimiter: '\n', most: batchRecords, out: make(chan batch), gone: make(chan struct{})}
	go r.read(t.Context(), nil, in)
	for _, line := range []string{"one\n", "two\nthr"} {
		if _, err := io.WriteString(out, line); err != nil {
			t.Fatal(err)
		}
		if b := receive(t, r.out); len(b.bodies) != 1 || string(b.bodies[0]) != line[:3] {
			t.Fatalf("got %q", b.bodies)
		}
	}
	close(r.gone) // the rest has nowhere to go, and reading ends all the same
	out.Close()
	for range r.out {
	}
}

func TestBatches(t *testing.T) {
	lines := strings.Repeat("0123456789\n", 10_000)
	for most, want := range map[int]int{500: 20, 7: 1429} {
		r := &records{delimiter: '\n', most: most}
		if got, batches, _ := readAll(t.Context(), r, nil, strings.NewReader(lines)); len(got) != 10_000 || batches < want {
			t.Errorf("at most %d in a batch: %d records in %d batches", most, len(got), batches)
		}
	}
	r := &records{delimiter: '\n', most: batchRecords}
	big := strings.Repeat(strings.Repeat("x", batchBytes/2+1)+"\n", 6)
	if _, batches, _ := readAll(t.Context(), r, nil, strings.NewReader(big)); batches < 3 {
		t.Errorf("%d batches of large records", batches)
	}
}

func TestRecordsOfFiles(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"a": "1\n2", "b": "3\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r := &records{delimiter: '\n', most: batchRecords}
	files := []string{filepath.Join(dir, "a"), "-", filepath.Join(dir, "b")}
	if got, _, _ := readAll(t.Context(), r, files, strings.NewReader("in\n")); !slices.Equal(got, []string{"1", "2", "in", "3"}) {
		t.Errorf("got %q", got)
	}
	r = &records{delimiter: '\n', most: batchRecords}
	if readAll(t.Context(), r, []string{filepath.Join(dir, "c")}, nil); !errors.Is(r.err, os.ErrNotExist) {
		t.Errorf("a file that is not there: %v", r.err)
	}
	r = &records{delimiter: '\n', most: batchRecords}
	got, _, _ := readAll(t.Context(), r, nil, io.MultiReader(strings.NewReader("a\nb"), iotest.ErrReader(errors.New("the disk is gone"))))
	if len(got) != 1 || r.err == nil || !strings.Contains(r.err.Error(), "the disk is gone") {
		t.Errorf("half a line before an error: %q, %v", got, r.err)
	}
}

func TestRecordsEndWhenNobodyWantsMore(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	read := 0
	endless := readerFunc(func(p []byte) (int, error) {
		if read++; read == 3 {
			cancel()
		}
		return copy(p, "a\nb\nc\n"), nil
	})
	r := &records{delimiter: '\n', most: batchRecords}
	got, _, _ := readAll(ctx, r, nil, endless)
	if len(got) != 9 || !errors.Is(r.err, errCut) {
		t.Errorf("%d records, all that was read was 9; error %v", len(got), r.err)
	}
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestRecordsTooLong(t *testing.T) {
	for _, whole := range []bool{false, true} {
		r := &records{delimiter: '\n', whole: whole, most: batchRecords}
		got, _, _ := readAll(t.Context(), r, nil, io.LimitReader(zeros{}, recordBytes+10))
		if len(got) != 0 || r.err == nil || !strings.Contains(r.err.Error(), "longer than any message") {
			t.Errorf("whole %v: %d records, error %v", whole, len(got), r.err)
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestDelimiter(t *testing.T) {
	for s, want := range map[string]byte{"\n": '\n', `\n`: '\n', `\t`: '\t', ",": ',', `\0`: 0, `\x00`: 0, `\x1e`: 0x1e, "\xff": 0xff, `\`: '\\', `"`: '"'} {
		if got, err := oneByte(s); got != want || err != nil {
			t.Errorf("%q: got %q, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "ab", `\q`, "é", `\u00e9`} {
		if _, err := oneByte(s); err == nil {
			t.Errorf("%q is no single byte", s)
		}
	}
}

func BenchmarkRecords(b *testing.B) {
	lines := bytes.Repeat([]byte("0123456789012345678901234567890123456789\n"), 25_000)
	b.SetBytes(int64(len(lines)))
	for b.Loop() {
		r := &records{delimiter: '\n', most: batchRecords}
		if got, _, _ := readAll(b.Context(), r, nil, bytes.NewReader(lines)); len(got) != 25_000 {
			b.Fatal(len(got))
		}
	}
}

// receive takes what a handler has got.
func receive[T any](t testing.TB, from <-chan T) (got T) {
	t.Helper()
	select {
	case got = <-from:
	case <-time.After(30 * time.Second):
		t.Fatal("nothing came")
	}
	return got
}
