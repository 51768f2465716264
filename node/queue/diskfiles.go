package queue

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
)

// diskFiles are the files of one disk queue while go-diskqueue does not have them open: the numbered data files and the
// meta file that says where reading and writing go on.
type diskFiles struct {
	dir, name string
	maxRecord int64
	log       *slog.Logger
}

// position is a place in the data files. Files are read and written in the order of their numbers.
type position struct{ file, offset int64 }

// diskState is the content of a meta file.
type diskState struct {
	depth       int64
	read, write position
}

// mostFiles is more than a sound meta file can span: 6 TB in files of the default size.
const mostFiles = 1 << 16

func (f *diskFiles) meta() string { return filepath.Join(f.dir, f.name+".diskqueue.meta.dat") }

func (f *diskFiles) data(n int64) string {
	return filepath.Join(f.dir, fmt.Sprintf("%s.diskqueue.%06d.dat", f.name, n))
}

func (f *diskFiles) due() string { return filepath.Join(f.dir, f.name+".due.dat") }

// size of a data file, or -1 if there is none.
func (f *diskFiles) size(n int64) int64 {
	info, err := os.Stat(f.data(n))
	if err != nil {
		return -1
	}
	return info.Size()
}

func parseState(content []byte) (s diskState, err error) {
	_, err = fmt.Sscanf(string(content), "%d\n%d,%d\n%d,%d\n",
		&s.depth, &s.read.file, &s.read.offset, &s.write.file, &s.write.offset)
	if err == nil && !s.sound() {
		err = errors.New("positions out of range")
	}
	return s, err
}

func (s diskState) sound() bool {
	return s.read.file >= 0 && s.read.offset >= 0 && s.write.offset >= 0 && !s.write.before(s.read) &&
		s.write.file-s.read.file <= mostFiles && s.write.file < never-mostFiles
}

func (p position) before(q position) bool {
	return p.file < q.file || p.file == q.file && p.offset < q.offset
}

func (p position) next() position { return position{file: p.file + 1} }

func (f *diskFiles) save(s diskState) error {
	content := fmt.Sprintf("%d\n%d,%d\n%d,%d\n", s.depth, s.read.file, s.read.offset, s.write.file, s.write.offset)
	if err := writeFile(f.meta(), []byte(content)); err != nil {
		return fmt.Errorf("write disk queue state: %w", err)
	}
	return nil
}

// restore makes the files and the meta file agree and returns what they hold; after a clean stop it finds that they do and
// changes nothing.
//
// The meta file is as old as the last sync, so after a crash there are records behind its write position, or even no meta
// file at all. A stock nsqd then shows a wrong depth, or overwrites what is there. Here such records are counted in, and half a
// record at the very end, which nobody was told is stored, is cut off.
func (f *diskFiles) restore() (diskState, error) {
	s, known, err := f.load()
	if err != nil {
		return s, err
	}
	if !known && f.size(s.read.file) < 0 {
		return diskState{}, nil
	}
	was := s
	recount := !known || (s.depth <= 0) != (s.read == s.write) || f.size(s.write.file) < s.write.offset
	if f.skipRead(&s) {
		recount = true
	}
	last := s.write.file
	if recount {
		s.write, s.depth = s.read, 0
	}
	if err := f.countOn(&s, last); err != nil {
		return s, err
	}
	if s.write.before(s.read) { // what was there is lost
		s.read = s.write
	}
	if s == was {
		return s, nil
	}
	f.log.Warn("disk queue was not closed properly, its state is made good", "queue", f.name, "depth", s.depth, "was", was.depth)
	return s, f.save(s)
}

// load reads the meta file. Without a usable one reading starts at the first data file.
func (f *diskFiles) load() (s diskState, known bool, err error) {
	content, err := os.ReadFile(f.meta())
	if errors.Is(err, fs.ErrNotExist) {
		return diskState{}, false, nil
	}
	if err != nil {
		return diskState{}, false, fmt.Errorf("read disk queue state: %w", err)
	}
	if s, err = parseState(content); err == nil {
		return s, true, nil
	}
	f.log.Error("disk queue state is not readable, starting with the first file", "queue", f.name, "err", err)
	first := f.first()
	return diskState{read: first, write: first}, false, nil
}

func (f *diskFiles) first() position {
	entries, _ := os.ReadDir(f.dir)
	var numbers []int64
	for _, e := range entries {
		var n int64
		if _, err := fmt.Sscanf(e.Name(), f.name+".diskqueue.%d.dat", &n); err == nil && e.Name() == filepath.Base(f.data(n)) {
			numbers = append(numbers, n)
		}
	}
	if len(numbers) == 0 {
		return position{}
	}
	return position{file: slices.Min(numbers)}
}

// skipRead moves the read position over files that have been read to their end. It reports whether one was missing, so
// that the depth cannot be trusted.
func (f *diskFiles) skipRead(s *diskState) (missing bool) {
	for s.read.file < s.write.file {
		size := f.size(s.read.file)
		if s.read.offset < size {
			break
		}
		missing = missing || size < 0
		_ = os.Remove(f.data(s.read.file))
		s.read = s.read.next()
	}
	return missing
}

// countOn moves the write position over all records behind it, through file last and as many as follow it.
func (f *diskFiles) countOn(s *diskState, last int64) error {
	for {
		records, end, sane, err := f.count(s.write)
		if err != nil {
			return fmt.Errorf("count records in disk queue: %w", err)
		}
		s.depth += records
		n := s.write.file
		if sane {
			s.write.offset = end
			if err := f.cut(s.write); err != nil {
				return err
			}
		}
		more := n < last || f.size(n+1) >= 0
		if sane && !more {
			return nil
		}
		s.write = s.write.next() // rubbish is left to go-diskqueue, which sets the file aside when it comes there
		if !more {
			return nil
		}
	}
}

// count returns the number of records from a position to the end of its file, where the last one ends, and whether what
// follows, if anything, can be the beginning of a record.
func (f *diskFiles) count(from position) (records, end int64, sane bool, err error) {
	if f.size(from.file) <= from.offset {
		return 0, max(f.size(from.file), 0), true, nil
	}
	file, err := os.Open(f.data(from.file))
	if err != nil {
		return 0, 0, false, err
	}
	defer file.Close()
	if _, err := file.Seek(from.offset, io.SeekStart); err != nil {
		return 0, 0, false, err
	}
	records, length, sane := countRecords(file, f.maxRecord)
	return records, from.offset + length, sane, nil
}

func countRecords(r io.Reader, maxRecord int64) (records, length int64, sane bool) {
	in := bufio.NewReaderSize(r, 64<<10)
	for {
		var head [4]byte
		if _, err := io.ReadFull(in, head[:]); err != nil {
			return records, length, true
		}
		size := int64(int32(binary.BigEndian.Uint32(head[:])))
		if size < recordHeader || size > maxRecord {
			return records, length, false
		}
		if n, _ := in.Discard(int(size)); int64(n) < size {
			return records, length, true
		}
		records++
		length += int64(len(head)) + size
	}
}

// cut removes what lies behind the write position.
func (f *diskFiles) cut(end position) error {
	if f.size(end.file) <= end.offset {
		return nil
	}
	if err := os.Truncate(f.data(end.file), end.offset); err != nil {
		return fmt.Errorf("cut torn end of disk queue: %w", err)
	}
	return nil
}

// advance makes writing go on in a new file, and reading, too, if it has come to the end of the old one, which is removed.
//
// go-diskqueue can do that itself, but if its reader stands at the end of the file just then, it takes the end for damage and
// sets the file aside as .bad.
func (f *diskFiles) advance(s diskState) (diskState, error) {
	old := s.write.file
	s.write = s.write.next()
	done := s.depth == 0
	if done {
		s.read = s.write
	}
	if err := f.save(s); err != nil {
		return s, err
	}
	if done {
		_ = os.Remove(f.data(old)) // a file too many does no harm
	}
	return s, nil
}

// remove deletes all files.
func (f *diskFiles) remove() error {
	s, _, err := f.load()
	if err != nil {
		return err
	}
	for n := s.read.file; n <= s.write.file || f.size(n) >= 0; n++ {
		err = errors.Join(err, removeFile(f.data(n)))
	}
	return errors.Join(err, removeFile(f.meta()))
}

func removeFile(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove file of disk queue: %w", err)
	}
	return nil
}

// sync makes a data file survive a power failure: go-diskqueue's Close syncs only the meta file.
func (f *diskFiles) sync(n int64) error {
	file, err := os.OpenFile(f.data(n), os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer file.Close()
	return file.Sync()
}
