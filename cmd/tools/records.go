package tools

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"sync/atomic"

	"github.com/nsqmesh/nsqmesh/cmd/cli"
)

const (
	batchRecords = 500
	batchBytes   = 512 << 10
	recordBytes  = 64 << 20 // no node takes more by far
	inputBuffer  = 256 << 10
)

// batch is records to publish in one go.
type batch struct {
	bodies [][]byte
	bytes  int64
	empty  int64    // records without a byte, which are not published
	after  position // where reading goes on
}

// position is a place in the input.
type position struct {
	name   string
	offset int64
}

func (p position) String() string { return fmt.Sprintf("%s, byte %d", p.name, p.offset) }

// records cuts inputs into records and hands them over in batches, as large as what has arrived: a record never waits for
// the next one.
type records struct {
	delimiter byte
	whole     bool // an input is one record
	most      int  // records in a batch

	out  chan batch
	gone chan struct{} // closed when nobody takes batches any more
	err  error         // why reading ended, once out is closed

	waits atomic.Bool // for input: all whole records that came before were handed over
	now   batch
}

// read reads the files, or in if there are none, until all is read or ctx ends. Then it hands over what it has read of a
// stream, which nobody else will get; a file can be read again.
func (r *records) read(ctx context.Context, files []string, in io.Reader) {
	defer close(r.out)
	if len(files) == 0 {
		r.err = r.one(ctx, "standard input", in, true)
		return
	}
	for _, name := range files {
		if r.err = r.file(ctx, name, in); r.err != nil {
			return
		}
	}
}

func (r *records) file(ctx context.Context, name string, in io.Reader) error {
	if name == "-" {
		return r.one(ctx, "standard input", in, true)
	}
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	return r.one(ctx, name, f, false)
}

// errCut ends reading when nobody wants more.
var errCut = errors.New("interrupted")

// cutReader ends when ctx does. It cannot end a Read that waits, and tells of that.
type cutReader struct {
	ctx   context.Context
	in    io.Reader
	waits *atomic.Bool
}

func (c cutReader) Read(p []byte) (int, error) {
	if c.ctx.Err() != nil {
		return 0, errCut
	}
	c.waits.Store(true)
	defer c.waits.Store(false)
	return c.in.Read(p)
}

func (r *records) one(ctx context.Context, name string, in io.Reader, stream bool) error {
	r.now.after = position{name: name}
	b := bufio.NewReaderSize(cutReader{ctx, in, &r.waits}, inputBuffer)
	var err error
	if r.whole {
		err = r.all(b)
	} else {
		for err == nil {
			if !stream && ctx.Err() != nil {
				return errCut
			}
			err = r.next(b)
		}
	}
	r.flush()
	switch {
	case errors.Is(err, io.EOF):
		return nil
	case errors.Is(err, errCut):
		return errCut
	}
	return fmt.Errorf("read %s: %w", name, err)
}

func (r *records) all(b *bufio.Reader) error {
	body, err := io.ReadAll(io.LimitReader(b, recordBytes+1))
	switch {
	case err != nil:
		return err
	case len(body) > recordBytes:
		return errors.New("it is longer than any message may be")
	}
	r.take(body, int64(len(body)))
	return io.EOF
}

// next takes one record. The last one needs no delimiter; what was typed after it, a newline, is none of its bytes.
func (r *records) next(b *bufio.Reader) error {
	var record []byte
	for {
		piece, err := b.ReadSlice(r.delimiter)
		record = append(record, piece...)
		switch {
		case len(record) > recordBytes:
			return fmt.Errorf("record at byte %d is longer than any message may be: is --delimiter right?", r.now.after.offset)
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err == nil:
			r.take(record[:len(record)-1], int64(len(record)))
		case errors.Is(err, io.EOF) && len(record) > 0:
			r.take(bytes.TrimSuffix(record, []byte("\n")), int64(len(record)))
		}
		if err != nil || !r.another(b) {
			r.flush()
		}
		return err
	}
}

// another tells whether a whole record more has arrived.
func (r *records) another(b *bufio.Reader) bool {
	arrived, _ := b.Peek(b.Buffered())
	return bytes.IndexByte(arrived, r.delimiter) >= 0
}

func (r *records) take(body []byte, read int64) {
	r.now.after.offset += read
	if len(body) == 0 {
		r.now.empty++
		return
	}
	r.now.bodies = append(r.now.bodies, body)
	r.now.bytes += int64(len(body))
	if len(r.now.bodies) >= r.most || r.now.bytes >= batchBytes {
		r.flush()
	}
}

func (r *records) flush() {
	if len(r.now.bodies) > 0 || r.now.empty > 0 {
		select {
		case r.out <- r.now:
		case <-r.gone:
		}
		r.now = batch{after: r.now.after}
	}
}

// oneByte reads a delimiter: a byte, or an escape such as \n, \t or \x00.
func oneByte(s string) (byte, error) {
	if len(s) == 1 {
		return s[0], nil
	}
	if text, err := strconv.Unquote(`"` + s + `"`); err == nil && len(text) == 1 {
		return text[0], nil
	}
	if s == `\0` {
		return 0, nil
	}
	return 0, cli.WrongUsage("--delimiter must be a single byte")
}
