package raftstore

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"time"

	"github.com/hashicorp/raft"
)

// A follower opens a stream to a member of the group and sends its position, a line of JSON. What comes back are frames: a
// kind, an index and a block.
const (
	frameEntry    = 'e' // the entry of that index
	frameSnapshot = 's' // instead of all entries up to its position
	frameBeat     = 'b' // nothing new
)

const (
	beatEvery  = 2 * time.Second
	beatMissed = 3 * beatEvery
	maxFrame   = 1 << 30
)

// serveFollowers hands the agreed entries to all who ask.
func (s *Store) serveFollowers(ctx context.Context, l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
			defer stop()
			if err := s.serveFollower(ctx, conn); err != nil {
				s.log.Debug("a follower of the catalog is gone", "err", err)
			}
		}()
	}
}

func (s *Store) serveFollower(ctx context.Context, conn net.Conn) error {
	_ = conn.SetReadDeadline(time.Now().Add(beatMissed))
	var at position
	if err := json.NewDecoder(io.LimitReader(conn, 1<<16)).Decode(&at); err != nil {
		return fmt.Errorf("read a follower's position: %w", err)
	}
	beat := time.NewTicker(beatEvery)
	defer beat.Stop()
	w := bufio.NewWriter(conn)
	writeFrame(w, frameBeat, s.replica.position().At, nil) // how far the follower has to come
	for {
		entries, next, err := s.replica.since(at)
		if errors.Is(err, errSnapshot) {
			entries, at, err = s.snapshotFrame(w)
		}
		if err != nil {
			return err
		}
		for _, e := range entries {
			writeFrame(w, frameEntry, e.index, e.data)
			at.At = e.index
		}
		_ = conn.SetWriteDeadline(time.Now().Add(beatMissed + time.Duration(w.Buffered())*time.Microsecond))
		if err := w.Flush(); err != nil {
			return err
		}
		if next == nil {
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-next:
		case <-beat.C:
			writeFrame(w, frameBeat, at.At, nil)
		}
	}
}

func (s *Store) snapshotFrame(w *bufio.Writer) ([]logged, position, error) {
	at, b, err := s.replica.bytes()
	if err == nil {
		writeFrame(w, frameSnapshot, at.At, b)
	}
	return nil, at, err
}

// writeFrame leaves errors to the flush.
func writeFrame(w *bufio.Writer, kind byte, index uint64, block []byte) {
	b := binary.AppendUvarint([]byte{kind}, index)
	_, _ = w.Write(binary.AppendUvarint(b, uint64(len(block))))
	_, _ = w.Write(block)
}

// followLoop follows the group while raft does not feed this node.
func (s *Store) followLoop(ctx context.Context) {
	for ctx.Err() == nil {
		p, found := s.source()
		fed := s.fed()
		if !fed && found {
			if err := s.follow(ctx, p); err != nil && ctx.Err() == nil {
				s.log.Debug("cannot follow the catalog", "node", p.Name, "err", err)
			}
		}
		if found {
			sleep(ctx, pace/2)
			continue
		}
		select {
		case <-s.news:
		case <-ctx.Done():
		}
	}
}

// fed reports whether raft itself brings this node what is agreed. A server that was removed is not told so: it is no
// longer spoken to.
func (s *Store) fed() bool {
	r := s.raft.Load()
	if r == nil {
		return false
	}
	_, in := s.seat(r, s.server)
	return in && (r.State() == raft.Leader || time.Since(r.LastContact()) < 5*s.o.Timeout)
}

// Current reports whether this node knows all that had been agreed when it started, or finds nobody who knew more.
func (s *Store) Current() bool {
	if _, found := s.source(); !found || s.current.Load() {
		return true
	}
	r := s.raft.Load()
	return r != nil && s.fed() && r.AppliedIndex() >= r.CommitIndex() && s.replica.isProven()
}

// source picks a member of the group to follow: of the latest recovery, any of them.
func (s *Store) source() (peer, bool) {
	at := s.replica.position()
	var all []peer
	for _, p := range s.peers() {
		if !p.Alive || p.Self || p.Cluster == "" || p.Role == roleNone || at.Cluster != "" && p.Cluster != at.Cluster || p.Generation < at.Generation {
			continue
		}
		if len(all) > 0 && p.Generation > all[0].Generation {
			all = nil
		}
		if len(all) == 0 || p.Generation == all[0].Generation {
			all = append(all, p)
		}
	}
	if len(all) == 0 {
		return peer{}, false
	}
	return all[rand.IntN(len(all))], true
}

// follow takes entries from a member until that ends, or raft feeds this node itself.
func (s *Store) follow(ctx context.Context, p peer) error {
	dial, cancel := context.WithTimeout(ctx, attempt)
	defer cancel()
	conn, err := s.o.Network.DialStream(dial, p.Node, PurposeFollow)
	if err != nil {
		return err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	b, err := json.Marshal(s.replica.position())
	if err != nil {
		return err
	}
	if _, err := conn.Write(append(b, '\n')); err != nil {
		return err
	}
	in := bufio.NewReader(conn)
	for !s.fed() {
		_ = conn.SetReadDeadline(time.Now().Add(beatMissed))
		if err := s.takeFrame(in); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) takeFrame(in *bufio.Reader) error {
	kind, err := in.ReadByte()
	if err != nil {
		return err
	}
	index, err := binary.ReadUvarint(in)
	if err != nil {
		return err
	}
	block, err := readBlock(in, maxFrame)
	if err != nil {
		return err
	}
	before := s.replica.position().identity
	switch kind {
	case frameBeat:
		s.behind.Store(index)
	case frameSnapshot:
		err = s.replica.restore(bytes.NewReader(block), fromCache)
	case frameEntry:
		s.replica.apply(index, block)
	}
	if s.replica.position().At >= s.behind.Load() {
		s.current.Store(true)
	}
	if s.replica.position().identity != before {
		s.o.Changed()
	}
	return err
}
