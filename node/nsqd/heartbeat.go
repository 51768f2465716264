package nsqd

import "time"

// beatEvery sends a heartbeat every interval from now on; 0 ends them. They come whether there is traffic or not. They
// are a timer and not a goroutine, so that a quiet connection doesn't pay for a stack.
func (c *conn) beatEvery(interval time.Duration) {
	c.out.Lock()
	defer c.out.Unlock()
	if c.heartbeat != nil {
		c.heartbeat.Stop()
	}
	c.interval = interval
	if interval > 0 {
		c.heartbeat = time.AfterFunc(interval, c.beat)
	}
}

func (c *conn) beat() {
	c.out.Lock()
	defer c.out.Unlock()
	if c.interval > 0 && c.sendLocked(heartbeatFrame) == nil {
		c.heartbeat.Reset(c.interval)
		c.countBeat()
	}
}

// renew gives the client two heartbeats' time for its next command.
func (c *conn) renew() {
	if c.interval > 0 {
		c.raw.SetReadDeadline(time.Now().Add(2 * c.interval))
	}
}

// noDeadlines is for a client that wants no heartbeats: then its silence means nothing.
func (c *conn) noDeadlines() { c.raw.SetDeadline(time.Time{}) }
