package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// Messages that a draining node hands over travel on streams of their own between nodes, which know and trust each other as
// links do. A parcel goes one way, after its length, and an answer comes back: the length of an error's text and the text,
// or a length of 0.

const (
	handOverPurpose  = "hand-over"
	handOverPatience = 30 * time.Second // for a parcel to be stored
	handOverRoom     = 2 << 20          // of a parcel, beside its largest message
	handOverError    = 1 << 10          // longest text of an error
)

// couriers carries parcels to other nodes, over one stream to each.
type couriers struct {
	dial func(ctx context.Context, owner string) (net.Conn, error)

	mu      sync.Mutex // held while a parcel is on its way: there is one at a time
	streams map[string]net.Conn
}

// Give returns when the other node has stored the parcel.
func (c *couriers) Give(ctx context.Context, owner string, parcel []byte) error {
	ctx, cancel := context.WithTimeout(ctx, handOverPatience)
	defer cancel()
	c.mu.Lock()
	defer c.mu.Unlock()
	conn := c.streams[owner]
	if conn == nil {
		var err error
		if conn, err = c.dial(ctx, owner); err != nil {
			return err
		}
		c.streams[owner] = conn
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	refused, err := deliver(conn, parcel)
	if !stop() || err != nil {
		delete(c.streams, owner)
		_ = conn.Close()
	}
	return errors.Join(err, refused)
}

// deliver returns what the other side has against the parcel, or why it is not known whether it has it.
func deliver(conn net.Conn, parcel []byte) (refused, err error) {
	if _, err := conn.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(parcel))), parcel...)); err != nil {
		return nil, fmt.Errorf("send messages: %w", err)
	}
	text, err := readSized(conn, handOverError)
	if err != nil {
		return nil, fmt.Errorf("wait for messages to be stored: %w", err)
	}
	if len(text) > 0 {
		return errors.New(string(text)), nil
	}
	return nil, nil
}

func readSized(r io.Reader, most int64) ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	n := int64(binary.BigEndian.Uint32(head[:]))
	if n > most {
		return nil, fmt.Errorf("%d bytes are more than %d", n, most)
	}
	b := make([]byte, n)
	_, err := io.ReadFull(r, b)
	return b, err
}

func (c *couriers) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.streams {
		_ = conn.Close()
	}
	clear(c.streams)
}

// heirs takes parcels of other nodes.
type heirs struct {
	take func(parcel []byte) error
	most int64

	mu    sync.Mutex
	open  map[net.Conn]struct{} // nil once closed
	calls sync.WaitGroup
}

func (h *heirs) serve(l net.Listener) error {
	for {
		conn, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("accept hand-overs: %w", err)
		}
		h.mu.Lock()
		if h.open == nil {
			_ = conn.Close()
		} else {
			h.open[conn] = struct{}{}
			h.calls.Go(func() { h.converse(conn) })
		}
		h.mu.Unlock()
	}
}

// converse takes parcels until the other side is done.
func (h *heirs) converse(conn net.Conn) {
	defer func() {
		_ = conn.Close()
		h.mu.Lock()
		delete(h.open, conn)
		h.mu.Unlock()
	}()
	for {
		parcel, err := readSized(conn, h.most)
		if err != nil {
			return
		}
		text := ""
		if err := h.take(parcel); err != nil {
			text = err.Error()
			text = text[:min(len(text), handOverError)]
		}
		if _, err := conn.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(text))), text...)); err != nil {
			return
		}
	}
}

// close waits for parcels that are being stored.
func (h *heirs) close() {
	h.mu.Lock()
	for conn := range h.open {
		_ = conn.Close()
	}
	h.open = nil
	h.mu.Unlock()
	h.calls.Wait()
}
