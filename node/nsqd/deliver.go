package nsqd

import (
	"sync"

	"github.com/nsqmesh/nsqmesh/node/queue"
)

const (
	// takeMost is how many messages are taken from the channel at once.
	takeMost = 256
	// parcelBytes leave in one write. A body of directBody or more isn't copied into the parcel but written by itself.
	parcelBytes = 64 << 10
	directBody  = 32 << 10
)

// parcel is what a delivery needs: the messages taken and the bytes of their frames. It is borrowed while there is
// something to deliver.
type parcel struct {
	messages []queue.Message
	used     int // messages that may hold bodies
	frames   []byte
}

var parcels = sync.Pool{New: func() any {
	return &parcel{messages: make([]queue.Message, 0, takeMost), frames: make([]byte, 0, parcelBytes)}
}}

// release gives the parcel back, without bodies.
func (p *parcel) release() {
	clear(p.messages[:p.used])
	p.used = 0
	parcels.Put(p)
}

// Close ends the connection, because its channel is gone.
func (c *conn) Close() { c.raw.Close() }

// deliverSome delivers up to so many batches and tells whether there may be more.
func (c *conn) deliverSome(batches int) bool {
	p := parcels.Get().(*parcel)
	defer p.release()
	for range batches {
		if !c.deliverBatch(p) {
			return false
		}
		c.beats.Store(0)
	}
	return true
}

// deliverBatch takes what the consumer may have and writes it at once; to wait for more would only make it later.
func (c *conn) deliverBatch(p *parcel) bool {
	c.out.Lock()
	defer c.out.Unlock()
	if c.over {
		return false
	}
	p.messages = c.sub.Take(p.messages[:0])
	p.used = max(p.used, len(p.messages))
	return len(p.messages) > 0 && c.writeMessages(p) == nil
}

func (c *conn) writeMessages(p *parcel) error {
	b := p.frames[:0]
	for i := range p.messages {
		m := &p.messages[i]
		direct := len(m.Body) >= directBody
		if len(b)+messageOverhead+len(m.Body) > cap(b) && !direct || len(b)+messageOverhead > cap(b) {
			if err := c.write(b); err != nil {
				return err
			}
			b = b[:0]
		}
		b = appendMessageHead(b, m)
		if !direct {
			b = append(b, m.Body...)
			continue
		}
		if err := c.write(b); err != nil {
			return err
		}
		if err := c.write(bytesOf(m.Body)); err != nil {
			return err
		}
		b = b[:0]
	}
	if len(b) > 0 {
		if err := c.write(b); err != nil {
			return err
		}
	}
	return c.push()
}
