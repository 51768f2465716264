package queue

import (
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nsqio/go-diskqueue"
)

const (
	pullBatch = 256                   // messages that leave the disk under one lock
	pullBytes = 1 << 20               // bodies of such a batch, about
	pullWait  = 50 * time.Millisecond // before doubting that a message that should be there comes
	pullRetry = time.Second           // pause after files could not be opened
	diskRest  = 5 * time.Second       // after which an unused queue is closed, twice at most
)

// disk is a queue of messages on disk, in go-diskqueue's files.
//
// go-diskqueue has a goroutine and a ticker for each queue, so it is opened when there is something to write or somebody
// to read, and closed again when nobody did either for a while: a queue at rest is a number in memory, however much it
// holds.
type disk struct {
	files   diskFiles
	o       *Options
	health  *health
	deliver func([]Message)

	count   atomic.Int64 // messages on disk, and those that deliver has not returned from
	demand  atomic.Int64 // messages that deliver may still be given
	pulling atomic.Bool  // the pull goroutine runs
	halted  atomic.Bool

	handing sync.Mutex // held from reading messages until deliver has returned; above mu

	mu     sync.Mutex // guards what follows; held while waiting for the disk
	queue  diskqueue.Interface
	write  position // where queue writes next
	handed int64    // messages that are read but still in count
	reads  uint64   // how often something was read or dropped
	due    dueFile
	rest   *time.Timer
	used   bool // since rest was set
	closed bool
	buf    []byte
	batch  []Message
}

// newDisk returns the disk queue of that name with what its files hold. It hands messages to deliver, from a goroutine of
// its own, as far as they are wanted; with a nil deliver they are taken.
func newDisk(name string, o *Options, h *health, deliver func([]Message)) *disk {
	d := &disk{o: o, health: h, deliver: deliver}
	d.files = diskFiles{dir: o.DataPath, name: name, maxRecord: min(o.MaxMsgSize+recordHeader, math.MaxInt32), log: o.Log}
	d.due.path = d.files.due()
	s, err := d.files.restore()
	if err != nil {
		o.Log.Error("open disk queue", "queue", name, "err", err)
	}
	d.count.Store(s.depth)
	return d
}

// depth is the number of messages on disk, those included that are being delivered.
func (d *disk) depth() int64 { return d.count.Load() }

// put appends a batch. On an error some of it may be stored. It must not be called with a channel's lock held.
func (d *disk) put(batch []Message) error {
	err := d.store(batch)
	switch {
	case err == nil:
		d.health.wrote()
	case !errors.Is(err, ErrExiting):
		d.health.failed(err)
	}
	d.pullIfWanted()
	return err
}

func (d *disk) store(batch []Message) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.open(); err != nil {
		return err
	}
	if anyDeferred(batch) {
		if err := d.due.add(batch, time.Now().UnixNano()); err != nil {
			return err
		}
	}
	err := d.appendAll(batch)
	if err != nil && d.renew() {
		err = d.appendAll(batch)
	}
	if err != nil {
		return fmt.Errorf("write to disk queue %s: %w", d.files.name, err)
	}
	if d.o.SyncEvery == 1 {
		d.queue.Depth() // go-diskqueue says that a message is written before it syncs it, and syncs before it says anything else
	}
	return nil
}

func (d *disk) appendAll(batch []Message) error {
	for i := range batch {
		if err := d.append(&batch[i]); err != nil {
			return err
		}
	}
	return nil
}

func (d *disk) append(m *Message) error {
	d.buf = appendRecord(d.buf[:0], m)
	size := int64(len(d.buf)) + 4
	if d.write.offset > 0 && d.write.offset+size > d.o.MaxBytesPerFile {
		if err := d.roll(); err != nil {
			return err
		}
	}
	if err := d.queue.Put(d.buf); err != nil {
		// What a failed write left behind must not be taken for a record after a crash.
		return errors.Join(err, d.files.cut(d.write))
	}
	d.write.offset += size
	d.count.Add(1)
	if cap(d.buf) > pullBytes {
		d.buf = nil
	}
	return nil
}

// want says how many messages deliver may be given from now on. It takes no lock.
func (d *disk) want(n int) {
	d.demand.Store(int64(n))
	d.pullIfWanted()
}

func (d *disk) wanted() int { return int(min(d.demand.Load(), d.count.Load(), pullBatch)) }

func (d *disk) pullIfWanted() {
	if d.wanted() > 0 && !d.halted.Load() && d.pulling.CompareAndSwap(false, true) {
		go d.pull()
	}
}

// pull hands messages over until nobody wants more or none is left.
func (d *disk) pull() {
	for d.pullSome() {
	}
	d.pulling.Store(false)
	d.pullIfWanted() // somebody may have come just before
}

func (d *disk) pullSome() bool {
	d.handing.Lock()
	defer d.handing.Unlock()
	n := d.wanted()
	if n <= 0 || d.halted.Load() {
		return false
	}
	batch, read, err := d.readSome(n)
	if err != nil {
		d.postpone(err)
	}
	d.demand.Add(-int64(len(batch)))
	if len(batch) > 0 {
		d.deliver(batch)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.count.Add(-read)
	d.handed -= read
	clear(d.batch)
	return true
}

func (d *disk) readSome(n int) (batch []Message, read int64, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.batch, read, err = d.read(d.batch[:0], n)
	d.handed += read
	return d.batch, read, err
}

// take moves up to n messages to the end of into. It takes fewer if they are large, or there are no more.
func (d *disk) take(into []Message, n int) ([]Message, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	into, read, err := d.read(into, n)
	d.count.Add(-read)
	return into, err
}

// read returns how many records it has read, which are more than messages if some are no messages.
func (d *disk) read(into []Message, n int) (batch []Message, read int64, err error) {
	if err := d.open(); err != nil {
		return into, 0, err
	}
	d.reads++
	patience := time.NewTimer(pullWait)
	defer patience.Stop()
	now := time.Now().UnixNano()
	most := min(int64(n), d.count.Load()-d.handed)
	for size := 0; read < most && size < pullBytes; read++ {
		record := d.next(patience)
		if record == nil {
			d.count.Store(read + d.handed) // there is no more, whatever was thought
			break
		}
		m, err := parseRecord(record)
		if err != nil {
			d.o.Log.Error("skip record in disk queue", "queue", d.files.name, "err", err)
			continue
		}
		if len(d.due.due) > 0 {
			m.Due = d.due.take(m.ID, now)
		}
		into = append(into, m)
		size += len(record)
	}
	if err := d.due.tidy(); err != nil {
		d.o.Log.Error("tidy disk queue", "queue", d.files.name, "err", err)
	}
	return into, read, nil
}

// next returns a record, or nil if there is none. Damage in the files can make the depth lie, so it is not waited for
// without looking.
func (d *disk) next(patience *time.Timer) []byte {
	for {
		select {
		case record := <-d.queue.ReadChan():
			return record
		case <-patience.C:
			patience.Reset(pullWait)
			if d.queue.Depth() <= 0 {
				return nil
			}
		}
	}
}

// postpone gives up handing over for a while, because trying again at once would be in vain.
func (d *disk) postpone(err error) {
	d.o.Log.Error("open disk queue", "queue", d.files.name, "err", err)
	n := d.demand.Swap(0)
	time.AfterFunc(pullRetry, func() {
		if d.demand.CompareAndSwap(0, n) {
			d.pullIfWanted()
		}
	})
}

// halt ends the handing over: when it returns, deliver is not running and will not be called again.
func (d *disk) halt() {
	d.halted.Store(true)
	d.handing.Lock()
	defer d.handing.Unlock()
}

// empty drops all messages.
func (d *disk) empty() error {
	d.handing.Lock()
	defer d.handing.Unlock()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return ErrExiting
	}
	if d.queue == nil && d.count.Load() == 0 {
		return nil
	}
	if err := d.open(); err != nil {
		return err
	}
	d.reads++
	err := errors.Join(d.queue.Empty(), d.due.remove())
	d.write = d.write.next()
	d.count.Store(0)
	return errors.Join(err, d.shut()) // the files are numbered on from where they were, which only the meta file knows
}

// close appends what remains and closes the files.
func (d *disk) close(rest []Message) error {
	d.halt()
	var failed error
	if len(rest) > 0 {
		failed = d.store(rest)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	failed = errors.Join(failed, d.shut())
	d.closed = true
	return failed
}

// remove drops all messages and deletes the files.
func (d *disk) remove() error {
	d.halt()
	d.mu.Lock()
	defer d.mu.Unlock()
	var failed error
	if d.queue != nil {
		failed = d.queue.Empty()
		failed = errors.Join(failed, d.queue.Delete())
		d.queue = nil
		d.rest.Stop()
	}
	d.closed = true
	d.count.Store(0)
	return errors.Join(failed, d.files.remove(), d.due.remove())
}
