package tools

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

const (
	archiveDirMode  = 0o770
	archiveFileMode = 0o666
	archiveBuffer   = 64 << 10
)

// archivePlace says where files go and what they are like.
type archivePlace struct {
	name           archiveName
	work, output   string // folders of files that grow and of finished ones; the same or not
	gzipLevel      int
	rotateSize     int64
	rotateInterval time.Duration
}

func (p *archivePlace) moves() bool { return p.work != p.output }

// archiveFile is a file that grows.
type archiveFile struct {
	place    *archivePlace
	name     string // with <REV> open
	revision int
	opened   time.Time
	size     int64 // of what was written, before compression

	file *os.File
	out  *bufio.Writer
	gz   *gzip.Writer // nil without gzip
	open bool         // a gzip member has begun
	none bool         // no gzip member has ended yet
}

// open creates a file, or goes on with one where that is safe, at this revision or the next that is free.
func (p *archivePlace) open(name string, revision int, now time.Time) (*archiveFile, error) {
	flags := os.O_WRONLY | os.O_CREATE | os.O_APPEND
	if p.name.gzip || p.rotateInterval > 0 {
		flags |= os.O_EXCL // a restart starts a file of its own
	}
	for ; ; revision++ {
		path := filepath.Join(p.work, revised(name, revision))
		if p.moves() && exists(filepath.Join(p.output, revised(name, revision))) {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(path), archiveDirMode); err != nil {
			return nil, err
		}
		file, err := os.OpenFile(path, flags, archiveFileMode)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		a := &archiveFile{place: p, name: name, revision: revision, opened: now, file: file, none: true}
		if err := a.begin(); err != nil {
			file.Close()
			return nil, err
		}
		if p.rotateSize > 0 && a.size > p.rotateSize {
			file.Close()
			continue
		}
		return a, syncFolders(filepath.Dir(path), p.work)
	}
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// begin readies the file for what comes behind what it holds. A record that a crash has cut off keeps to its own line.
func (a *archiveFile) begin() error {
	info, err := a.file.Stat()
	if err != nil {
		return err
	}
	a.size = info.Size()
	a.out = bufio.NewWriterSize(a.file, archiveBuffer)
	if a.place.name.gzip {
		a.gz, err = gzip.NewWriterLevel(a.out, a.place.gzipLevel)
		return err
	}
	if a.size == 0 {
		return nil
	}
	last := make([]byte, 1)
	old, err := os.Open(a.file.Name())
	if err != nil {
		return nil // a file that one may write and not read
	}
	defer old.Close()
	if _, err := old.ReadAt(last, a.size-1); err == nil && last[0] != '\n' {
		return a.out.WriteByte('\n')
	}
	return nil
}

// write adds a message and its newline; neither need be on disk before sync.
func (a *archiveFile) write(body []byte) error {
	var w io.Writer = a.out
	if a.gz != nil {
		if !a.open {
			a.gz.Reset(a.out)
			a.open = true
		}
		w = a.gz
	}
	for _, part := range [][]byte{body, {'\n'}} {
		if _, err := w.Write(part); err != nil {
			return err
		}
	}
	a.size += int64(len(body)) + 1
	return nil
}

// sync returns when all that was written is on disk, readable by any gzip if it is compressed.
func (a *archiveFile) sync() error {
	if a.open {
		if err := a.gz.Close(); err != nil {
			return err
		}
		a.open, a.none = false, false
	}
	if err := a.out.Flush(); err != nil {
		return err
	}
	return a.file.Sync()
}

// due tells whether the next message belongs into another file.
func (a *archiveFile) due(name string, now time.Time) bool {
	p := a.place
	return a.name != name || p.rotateInterval > 0 && now.Sub(a.opened) > p.rotateInterval || p.rotateSize > 0 && a.size > p.rotateSize
}

// finish syncs, closes and moves the file, and returns where it is.
func (a *archiveFile) finish() (string, error) {
	if a.gz != nil && a.none && !a.open {
		a.gz.Reset(a.out) // a file without a message is still one that gzip reads
		a.open = true
	}
	if err := a.sync(); err != nil {
		return "", err
	}
	if err := a.file.Close(); err != nil {
		return "", err
	}
	if !a.place.moves() {
		return a.file.Name(), nil
	}
	return a.move()
}

// move links the file into the folder of finished ones, under a name that is free, and only then drops the old name: no
// crash loses it and nothing is overwritten.
func (a *archiveFile) move() (string, error) {
	for revision := a.revision; ; revision++ {
		path := filepath.Join(a.place.output, revised(a.name, revision))
		if err := os.MkdirAll(filepath.Dir(path), archiveDirMode); err != nil {
			return "", err
		}
		err := os.Link(a.file.Name(), path)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return "", fmt.Errorf("move finished file: %w", err)
		}
		if err := syncFolders(filepath.Dir(path), a.place.output); err != nil {
			return "", err
		}
		return path, os.Remove(a.file.Name())
	}
}

// syncFolders makes a new name in folder survive a power cut, and the folders down to it from root.
func syncFolders(folder, root string) error {
	for {
		d, err := os.Open(folder)
		if err != nil {
			return err
		}
		err = d.Sync()
		d.Close()
		if err != nil {
			return fmt.Errorf("sync folder %s: %w", folder, err)
		}
		parent := filepath.Dir(folder)
		if rel, err := filepath.Rel(root, folder); err != nil || rel == "." || parent == folder {
			return nil
		}
		folder = parent
	}
}
