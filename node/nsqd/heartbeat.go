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
	c.noDeadlines()
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

// slack is how much later than due a deadline may come: every interval/64 is often enough to set it anew, and setting it
// for every command and answer would be a tenth of what a lone message costs.
func (c *conn) slack() time.Duration { return c.interval / 64 }

// renew gives the client two heartbeats' time for its next command.
func (c *conn) renew() {
	if c.interval <= 0 {
		return
	}
	if now := time.Now(); now.Sub(c.readFrom) >= c.slack() {
		c.readFrom = now
		c.raw.SetReadDeadline(now.Add(2*c.interval + c.slack()))
	}
}

// renewWrite needs c.out. It gives the client a heartbeat's time to take what it is sent.
func (c *conn) renewWrite() {
	if c.interval <= 0 {
		return
	}
	if now := time.Now(); now.Sub(c.writeFrom) >= c.slack() {
		c.writeFrom = now
		c.raw.SetWriteDeadline(now.Add(c.interval + c.slack()))
	}
}

// noDeadlines needs c.out. It is for a client that wants no heartbeats: then its silence means nothing.
func (c *conn) noDeadlines() {
	c.readFrom, c.writeFrom = time.Time{}, time.Time{}
	c.raw.SetDeadline(time.Time{})
}
