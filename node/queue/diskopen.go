package queue

import (
	"errors"
	"fmt"
	"time"

	"github.com/nsqio/go-diskqueue"
)

// open opens the files unless they are. d.mu is held, here and below.
func (d *disk) open() error {
	d.used = true
	if d.queue != nil {
		return nil
	}
	if d.closed {
		return ErrExiting
	}
	s, err := d.files.restore()
	if err != nil {
		return err
	}
	if err := d.due.load(time.Now().UnixNano()); err != nil {
		return err
	}
	d.start(s)
	d.rest = time.AfterFunc(diskRest, d.lapse)
	return nil
}

// start runs go-diskqueue. It gets no bound for its files: see roll.
func (d *disk) start(s diskState) {
	d.write = s.write
	d.count.Store(s.depth + d.handed)
	d.queue = diskqueue.New(d.files.name, d.o.DataPath, never, recordHeader, int32(d.files.maxRecord),
		d.o.SyncEvery, d.o.SyncTimeout, d.log)
}

// roll goes on in a new file. See diskFiles.advance for why go-diskqueue does not do it.
func (d *disk) roll() error {
	s, err := d.stop()
	if err != nil {
		return err
	}
	if s, err = d.files.advance(s); err != nil {
		return err
	}
	d.start(s)
	return nil
}

// stop ends go-diskqueue and returns what the files hold.
func (d *disk) stop() (diskState, error) {
	closed := d.queue.Close()
	d.queue = nil
	if closed != nil {
		d.o.Log.Error("close disk queue", "queue", d.files.name, "err", closed)
	}
	if err := d.files.sync(d.write.file); err != nil {
		return diskState{}, fmt.Errorf("sync disk queue: %w", err)
	}
	return d.files.restore() // which makes good what closing could not do
}

// shut closes the files. Those that have been read to the end are removed, before anything is written: the disk may be full.
func (d *disk) shut() error {
	if d.queue == nil {
		return nil
	}
	d.rest.Stop()
	d.buf, d.batch = nil, nil
	failed := d.due.sync()
	d.due.close()
	if d.spent() {
		failed = errors.Join(failed, d.queue.Empty())
	}
	s, err := d.stop()
	if err == nil {
		d.count.Store(s.depth + d.handed)
	}
	return errors.Join(failed, err)
}

// spent tells whether all that the files hold has been read.
func (d *disk) spent() bool {
	return d.write.offset > 0 && d.count.Load() == 0 && d.queue.Depth() == 0
}

// renew goes on in fresh files if the old ones only take up room, on a disk that has none.
func (d *disk) renew() bool {
	return d.queue != nil && d.spent() && d.shut() == nil && d.open() == nil
}

// lapse closes a queue that was not used for a while.
func (d *disk) lapse() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.queue == nil {
		return
	}
	if d.used {
		d.used = false
		d.rest.Reset(diskRest)
		return
	}
	if err := d.shut(); err != nil {
		d.o.Log.Error("close disk queue", "queue", d.files.name, "err", err)
	}
}

// log passes on what go-diskqueue says. Its INFO is about opening and closing files.
func (d *disk) log(level diskqueue.LogLevel, format string, args ...any) {
	switch {
	case level >= diskqueue.ERROR:
		d.o.Log.Error(fmt.Sprintf(format, args...))
	case level == diskqueue.WARN:
		d.o.Log.Warn(fmt.Sprintf(format, args...))
	}
}
