package queue

import (
	"fmt"

	"github.com/nsqmesh/nsqmesh/node/names"
)

// Load takes the lock of the data path, reads nsqd.dat, opens what it names and writes it back, which shows early
// whether it can be written. It is called once, before anything else.
func (b *Broker) Load() (err error) {
	if err := b.o.check(); err != nil {
		return err
	}
	if b.lock, err = lockDir(b.o.DataPath); err != nil {
		return fmt.Errorf("failed to lock data-path: %w", err)
	}
	if err := b.load(); err != nil {
		b.lock.Close()
		b.lock = nil
		return err
	}
	return nil
}

func (b *Broker) load() error {
	sweep(b.o.DataPath)
	topics, err := b.metadata.load()
	if err != nil {
		return fmt.Errorf("failed to load metadata - %w", err)
	}
	for _, m := range topics {
		b.loadTopic(m)
	}
	b.metadata.changed()
	if err := b.metadata.persist(); err != nil {
		return fmt.Errorf("failed to persist metadata - %w", err)
	}
	return nil
}

func (b *Broker) loadTopic(m metaTopic) {
	if !names.ValidTopic(m.Name) {
		b.o.Log.Warn("skip topic of invalid name", "topic", m.Name)
		return
	}
	t, _, err := b.findOrAdd(m.Name)
	if err != nil {
		return
	}
	t.Pause(m.Paused)
	for _, c := range m.Channels {
		if !names.ValidChannel(c.Name) {
			b.o.Log.Warn("skip channel of invalid name", "topic", m.Name, "channel", c.Name)
			continue
		}
		if channel, err := t.Channel(c.Name); err == nil {
			channel.Pause(c.Paused)
		}
	}
	t.start()
}
