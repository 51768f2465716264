package queue

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"time"
)

// Reading without taking out, for a hand-over: a record that go-diskqueue has handed out is gone after a crash, so these read
// its files while it does not have them open.

// some returns copies of the messages at the front, within these bounds but at least one.
func (m *memory) some(n, maxBytes int) (batch []Message) {
	for c := m.head; c != nil; c = c.next {
		for i := c.read; i < c.filled; i++ {
			maxBytes -= len(c.block.messages[i].Body)
			if len(batch) > 0 && maxBytes < 0 || len(batch) == n {
				return batch
			}
			batch = append(batch, c.block.messages[i])
		}
	}
	return batch
}

// dropFront removes from the front what batch begins with.
func (m *memory) dropFront(batch []Message) {
	n, front := 0, m.some(len(batch), math.MaxInt)
	for n < len(front) && front[n].ID == batch[n].ID {
		n++
	}
	m.skip(n)
}

// some returns copies of deferred messages, in no order: each has its time. They are from the end of the heap, which can be
// cut off.
func (d *deferred) some(n, maxBytes int) (batch []Message) {
	for i := len(d.heap) - 1; i >= 0 && len(batch) < n; i-- {
		maxBytes -= len(d.heap[i].Body)
		if len(batch) > 0 && maxBytes < 0 {
			break
		}
		batch = append(batch, d.heap[i])
	}
	return batch
}

// remove forgets those that are still here.
func (d *deferred) remove(batch []Message) {
	gone := make(map[ID]bool, len(batch))
	for i := range batch {
		gone[batch[i].ID] = true
	}
	for n := len(d.heap) - 1; n >= 0 && gone[d.heap[n].ID]; n-- {
		delete(gone, d.heap[n].ID)
		d.heap[n] = Message{}
		d.heap = d.heap[:n]
	}
	d.shrink()
	if len(gone) == 0 {
		return
	}
	old := d.heap // some have become due, or others came, meanwhile
	d.heap = nil
	for _, m := range old {
		if !gone[m.ID] {
			d.push(m)
		}
	}
}

// some returns copies of messages in flight.
func (f *inFlight) some(n, maxBytes int) (batch []Message) {
	for i := range f.slots {
		s := &f.slots[i]
		if s.owner == nil {
			continue
		}
		maxBytes -= len(s.message.Body)
		if len(batch) > 0 && maxBytes < 0 || len(batch) == n {
			break
		}
		batch = append(batch, s.message)
	}
	return batch
}

// oldest returns the first messages on disk, which stay there until they are removed. None though there are some means
// that the files are damaged there.
func (d *disk) oldest() (parcel, error) {
	d.handing.Lock() // what is on its way to the channel is there when this returns
	defer d.handing.Unlock()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return parcel{}, ErrExiting
	}
	if err := d.shut(); err != nil {
		return parcel{}, err
	}
	s, err := d.files.restore()
	if err != nil {
		return parcel{}, err
	}
	records, err := d.files.peek(s, handOverBatch, handOverBytes)
	if err != nil {
		return parcel{}, fmt.Errorf("look into disk queue %s: %w", d.files.name, err)
	}
	if err := d.open(); err != nil { // which also reads the due times
		return parcel{}, err
	}
	batch, reads, now := d.parse(records), d.reads, time.Now().UnixNano()
	for i := range batch {
		if at := d.due.due[batch[i].ID]; at > now {
			batch[i].Due = at
		}
	}
	return parcel{batch, func([]Message) error { return d.removeRead(len(records), reads) }}, nil
}

func (d *disk) parse(records [][]byte) (batch []Message) {
	for _, r := range records {
		if m, err := parseRecord(r); err == nil {
			batch = append(batch, m)
		} else {
			d.o.Log.Error("skip record in disk queue", "queue", d.files.name, "err", err)
		}
	}
	return batch
}

// removeRead removes so many records, if nothing was read since.
func (d *disk) removeRead(records int, reads uint64) error {
	d.handing.Lock()
	defer d.handing.Unlock()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.reads != reads {
		return errMoved
	}
	for records > 0 {
		_, n, err := d.read(nil, records)
		if err != nil {
			return err
		}
		if n == 0 {
			break
		}
		d.count.Add(-n)
		records -= int(n)
	}
	return nil
}

// deliverSome has up to n messages delivered at once.
func (d *disk) deliverSome(n int) {
	d.demand.Store(int64(n))
	d.pullSome()
	d.demand.Store(0)
}

// peek returns records from where reading goes on.
func (f *diskFiles) peek(s diskState, n, maxBytes int) (records [][]byte, err error) {
	for at := s.read; len(records) < n && maxBytes > 0 && at.before(s.write); at = at.next() {
		end := int64(never)
		if at.file == s.write.file {
			end = s.write.offset
		}
		sane, err := f.peekFile(at, end, func(record []byte) bool {
			records = append(records, record)
			maxBytes -= len(record)
			return len(records) < n && maxBytes > 0
		})
		if err != nil || !sane {
			return records, err
		}
	}
	return records, nil
}

// peekFile shows the records of a file to each, as long as it wants more. What makes no sense ends it.
func (f *diskFiles) peekFile(at position, end int64, each func([]byte) bool) (sane bool, err error) {
	file, err := os.Open(f.data(at.file))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer file.Close()
	in := bufio.NewReaderSize(io.NewSectionReader(file, at.offset, end-at.offset), 64<<10)
	for {
		var head [4]byte
		if _, err := io.ReadFull(in, head[:]); err != nil {
			return errors.Is(err, io.EOF), nil
		}
		size := int64(int32(binary.BigEndian.Uint32(head[:])))
		if size < recordHeader || size > f.maxRecord {
			return false, nil
		}
		record := make([]byte, size)
		if _, err := io.ReadFull(in, record); err != nil {
			return false, nil
		}
		if !each(record) {
			return true, nil
		}
	}
}
