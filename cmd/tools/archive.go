package tools

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/nsqio/go-nsq"
	"github.com/nsqmesh/nsqmesh/cmd/cli"
)

// stopPause is how long an archive that stops waits for more messages before it makes safe what it has.
const stopPause = 50 * time.Millisecond

// archive writes the messages of one topic to files. One goroutine, that of run, does all of it. A message is finished
// only after the file that holds it is on disk.
type archive struct {
	topic     string
	place     *archivePlace
	syncEvery time.Duration
	skipEmpty bool
	batch     int // sync when so many messages wait for it
	console   *cli.Console
	verbose   bool

	consumer *nsq.Consumer
	messages chan *nsq.Message
	hangup   chan struct{} // close the file, so that somebody can move it

	name    string // of the file for now
	nameAt  int64  // the second that now is
	file    *archiveFile
	last    *archiveFile   // closed; its name may come again
	pending []*nsq.Message // written, not yet on disk

	written, files atomic.Int64
}

// HandleMessage hands a message to run, which answers it.
func (a *archive) HandleMessage(m *nsq.Message) error {
	m.DisableAutoResponse()
	a.messages <- m
	return nil
}

// run works until ctx ends and all that had arrived is safe.
func (a *archive) run(ctx context.Context) error {
	tick := time.NewTicker(a.syncEvery)
	defer tick.Stop()
	for {
		var err error
		select {
		case m := <-a.messages:
			err = a.take(m)
		case <-tick.C:
			err = a.tick()
		case <-a.hangup:
			err = a.close()
		case <-ctx.Done():
			return a.stop()
		}
		if err != nil {
			return a.fail(err)
		}
	}
}

func (a *archive) fail(err error) error { return fmt.Errorf("archive topic %s: %w", a.topic, err) }

// stop ends the consumer. It ends when nothing is in flight, so what still comes is made safe at once.
func (a *archive) stop() error {
	if err := a.sync(); err != nil {
		return a.fail(err)
	}
	a.consumer.Stop()
	tick := time.NewTicker(stopPause)
	defer tick.Stop()
	for {
		var err error
		select {
		case m := <-a.messages:
			err = a.take(m)
		case <-tick.C:
			err = a.sync()
		case <-a.consumer.StopChan:
			if err = a.close(); err == nil {
				return nil
			}
		}
		if err != nil {
			return a.fail(err)
		}
	}
}

// take writes a message, and syncs if the nodes hold back more until that is done.
func (a *archive) take(m *nsq.Message) error {
	now := time.Now()
	if err := a.ready(now); err != nil {
		return err
	}
	if err := a.file.write(m.Body); err != nil {
		return err
	}
	a.pending = append(a.pending, m)
	a.written.Add(1)
	if len(a.pending) >= a.batch || a.consumer.IsStarved() {
		return a.sync()
	}
	return nil
}

// tick syncs, and closes a file whose time is over even if nothing comes any more.
func (a *archive) tick() error {
	now := time.Now()
	if a.file != nil && !a.file.due(a.nameNow(now), now) {
		return a.sync()
	}
	if a.skipEmpty {
		return a.close()
	}
	return a.ready(now)
}

// ready opens the file for what comes now.
func (a *archive) ready(now time.Time) error {
	name := a.nameNow(now)
	if a.file != nil {
		if !a.file.due(name, now) {
			return nil
		}
		if err := a.close(); err != nil {
			return err
		}
	}
	revision := 0
	if a.last != nil && a.last.name == name {
		revision = a.last.revision
		if a.place.name.revision {
			revision++
		}
	}
	file, err := a.place.open(name, revision, now)
	if err != nil {
		return err
	}
	a.file = file
	a.files.Add(1)
	if a.verbose {
		a.console.Say("%s: opened %s", a.topic, file.file.Name())
	}
	return nil
}

// nameNow makes a name once a second: no letter of strftime changes more often.
func (a *archive) nameNow(now time.Time) string {
	if second := now.Unix(); a.name == "" || second != a.nameAt {
		a.name, a.nameAt = a.place.name.at(a.topic, now), second
	}
	return a.name
}

// sync finishes what is on disk, the newest first as nsq_to_file does.
func (a *archive) sync() error {
	if a.file == nil {
		return nil
	}
	if err := a.file.sync(); err != nil {
		return err
	}
	for _, m := range slices.Backward(a.pending) {
		m.Finish()
	}
	a.pending = a.pending[:0]
	return nil
}

func (a *archive) close() error {
	if a.file == nil {
		return nil
	}
	if err := a.sync(); err != nil {
		return err
	}
	path, err := a.file.finish()
	if err != nil {
		return err
	}
	a.last, a.file = a.file, nil
	if a.verbose {
		a.console.Say("%s: finished %s", a.topic, path)
	}
	return nil
}
