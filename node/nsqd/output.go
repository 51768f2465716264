package nsqd

// send writes whole frames.
func (c *conn) send(frames []byte) error {
	c.out.Lock()
	defer c.out.Unlock()
	return c.sendLocked(frames)
}

// sayLast writes the last frames that this client gets.
func (c *conn) sayLast(frames []byte) error {
	c.out.Lock()
	defer c.out.Unlock()
	err := c.sendLocked(frames)
	c.over = true
	return err
}

func (c *conn) sendLocked(frames []byte) error {
	if err := c.write(frames); err != nil {
		return err
	}
	return c.push()
}

// write needs c.out. What is written may still wait in a compression for push. A client that doesn't take what it is sent
// within a heartbeat's time, or at all, loses its connection.
func (c *conn) write(b []byte) error {
	if c.over {
		return errOver
	}
	c.renewWrite()
	if _, err := c.outgoing.Write(b); err != nil {
		return c.broken(err)
	}
	return nil
}

// push needs c.out. It sends what a compression has gathered.
func (c *conn) push() error {
	if c.flush == nil {
		return nil
	}
	if err := c.flush(); err != nil {
		return c.broken(err)
	}
	return nil
}

func (c *conn) broken(err error) error {
	c.over = true
	c.raw.Close()
	return err
}
