package queue

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

const (
	dueSize    = 16   // bytes of an entry: id and due time, both big endian
	dueSpoiled = 1024 // entries that may be obsolete in the file before it is written anew
)

// dueFile remembers when the deferred messages of a disk queue are due, for which a stock nsqd's record has no room. It is a
// file beside the queue's own that a stock nsqd does not look at: to it these messages are ordinary ones.
//
// An entry is written before its message and forgotten when the message is read. The file is only appended to, written
// anew when most of it is obsolete, and removed when nothing is left. It is synced only when it is closed: a power failure
// may cost a delay, but no message. Its owner guards it.
type dueFile struct {
	path  string
	due   map[ID]int64
	file  *os.File // open while appending
	count int      // entries in the file
	buf   []byte
}

// load reads the file, if there is one, and mends it: a crash may have left a torn end, and entries whose time has come.
func (d *dueFile) load(now int64) error {
	content, err := os.ReadFile(d.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read due times: %w", err)
	}
	d.due = parseDue(content, now)
	d.count = len(content) / dueSize
	if len(d.due) == d.count && len(content)%dueSize == 0 {
		return nil
	}
	return d.rewrite()
}

// parseDue returns the entries that are still to come.
func parseDue(content []byte, now int64) map[ID]int64 {
	due := map[ID]int64{}
	for ; len(content) >= dueSize; content = content[dueSize:] {
		if at := int64(binary.BigEndian.Uint64(content[8:])); at > now {
			due[ID(binary.BigEndian.Uint64(content))] = at
		}
	}
	return due
}

// add notes the messages of a batch that are due after now.
func (d *dueFile) add(batch []Message, now int64) error {
	d.buf = d.buf[:0]
	for i := range batch {
		if m := &batch[i]; m.Due > now {
			d.buf = appendDue(d.buf, m.ID, m.Due)
		}
	}
	if len(d.buf) == 0 {
		return nil
	}
	if err := d.append(); err != nil {
		return fmt.Errorf("write due times: %w", err)
	}
	if d.due == nil {
		d.due = map[ID]int64{}
	}
	for i := range batch {
		if m := &batch[i]; m.Due > now {
			d.due[m.ID] = m.Due
		}
	}
	return nil
}

func appendDue(b []byte, id ID, at int64) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(id))
	return binary.BigEndian.AppendUint64(b, uint64(at))
}

// append writes what buf holds, all or nothing: half an entry would garble those that follow.
func (d *dueFile) append() (err error) {
	if d.file == nil {
		if d.file, err = os.OpenFile(d.path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600); err != nil {
			return err
		}
	}
	if _, err := d.file.Write(d.buf); err != nil {
		return errors.Join(err, d.file.Truncate(int64(d.count)*dueSize))
	}
	d.count += len(d.buf) / dueSize
	return nil
}

// take returns when a message that was read is due, 0 for at once, and forgets it.
func (d *dueFile) take(id ID, now int64) int64 {
	at, found := d.due[id]
	if !found {
		return 0
	}
	delete(d.due, id)
	if at <= now {
		return 0
	}
	return at
}

// tidy keeps the file in proportion to what is in it. It follows takes.
func (d *dueFile) tidy() error {
	if d.count > 0 && len(d.due) == 0 {
		return d.remove()
	}
	if d.count > 2*len(d.due)+dueSpoiled {
		return d.rewrite()
	}
	return nil
}

func (d *dueFile) rewrite() error {
	if len(d.due) == 0 {
		return d.remove()
	}
	d.closeFile()
	d.buf = d.buf[:0]
	for id, at := range d.due {
		d.buf = appendDue(d.buf, id, at)
	}
	if err := writeFile(d.path, d.buf); err != nil {
		return fmt.Errorf("rewrite due times: %w", err)
	}
	d.count, d.buf = len(d.due), nil
	return nil
}

// sync makes what was added survive a power failure.
func (d *dueFile) sync() error {
	if d.file == nil {
		return nil
	}
	return d.file.Sync()
}

func (d *dueFile) closeFile() {
	if d.file != nil {
		d.file.Close()
		d.file = nil
	}
}

// close forgets what the file knows.
func (d *dueFile) close() {
	d.closeFile()
	d.due, d.buf, d.count = nil, nil, 0
}

// remove forgets everything.
func (d *dueFile) remove() error {
	d.close()
	if err := os.Remove(d.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove due times: %w", err)
	}
	return nil
}
