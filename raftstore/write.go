package raftstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/raft"
)

const (
	patience    = 4500 * time.Millisecond // of a write or a consistent read, below the 5 s that are promised
	attempt     = 1500 * time.Millisecond // of one node, which may hang
	retryAtOnce = 20 * time.Millisecond
	retryAtMost = 200 * time.Millisecond
)

// Kinds of requests between stores; the first byte of a call.
const (
	askApply    = 'a' // an entry; the reply has its position and the machine's answer
	askRead     = 'r' // the position that a consistent read needs
	askState    = 's' // how far the server is
	askPromise  = 'p' // to be in a group
	askTransfer = 't' // the leadership, to the server that is named
	askRemove   = 'x' // the server that is named
)

// reply is the answer to a request.
type reply struct {
	Position  position `json:"position"`
	Answer    []byte   `json:"answer,omitempty"`
	NotLeader bool     `json:"not_leader,omitempty"` // nothing was done
	State     *state   `json:"state,omitempty"`
}

// state is how far a server is in raft's log.
type state struct {
	Server  string        `json:"server"`
	Last    uint64        `json:"last"`
	Commit  uint64        `json:"commit"`
	Contact time.Duration `json:"contact"` // since it heard from the leader
}

var errNotLeader = errors.New("that node does not lead the raft group")

// Apply has a command committed and returns the machine's answer when this node's machine has applied it, too. It may be
// called on any node. An error that is ErrNoQuorum leaves open whether the command will be applied.
func (s *Store) Apply(ctx context.Context, cmd []byte) ([]byte, error) {
	r, err := s.commit(ctx, encodeCommand(newRequest(), cmd))
	return r.Answer, err
}

// Sync returns when this node's machine holds all that was committed before the call: what is read then is linearizable.
func (s *Store) Sync(ctx context.Context) error {
	_, err := s.atLeader(ctx, askRead, nil)
	return err
}

// Release gives the authority of the group back, or takes it again.
func (s *Store) Release(ctx context.Context, off bool) error {
	kind := byte(entryOn)
	if off {
		kind = entryOff
	}
	_, err := s.commit(ctx, encodeSwitch(kind))
	return err
}

func (s *Store) commit(ctx context.Context, entry []byte) (reply, error) {
	return s.atLeader(ctx, askApply, entry)
}

// atLeader has the leader answer, wherever it is and as soon as there is one, and waits until this node has come as far.
func (s *Store) atLeader(ctx context.Context, kind byte, body []byte) (r reply, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for pause := retryAtOnce; ; pause = min(2*pause, retryAtMost) {
		r, err = s.tryLeader(ctx, kind, body)
		if err == nil {
			break
		}
		sleep(ctx, pause)
		if ctx.Err() != nil {
			s.log.Debug("no leader took a request", "err", err)
			return r, s.noQuorum()
		}
	}
	err = s.replica.wait(ctx, r.Position)
	if err != nil && kind == askApply {
		s.log.Warn("what was committed has not come to this node yet", "at", r.Position.At)
		err = nil
	}
	if err != nil {
		return r, s.noQuorum()
	}
	return r, nil
}

func (s *Store) tryLeader(ctx context.Context, kind byte, body []byte) (reply, error) {
	ctx, cancel := context.WithTimeout(ctx, attempt)
	defer cancel()
	if s.leads() {
		return s.serve(ctx, kind, body)
	}
	p, ok := s.leader(s.peers())
	if !ok || p.Self {
		return reply{}, errNotLeader
	}
	r, err := s.ask(ctx, p.Node, kind, body)
	if err == nil && r.NotLeader {
		err = errNotLeader
	}
	return r, err
}

// ask sends a request to another store.
func (s *Store) ask(ctx context.Context, node string, kind byte, body []byte) (r reply, err error) {
	b, err := s.o.Network.Call(ctx, node, CallKind, append([]byte{kind}, body...))
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(b, &r); err != nil {
		return r, fmt.Errorf("read the reply of a raft request: %w", err)
	}
	return r, nil
}

// Answer answers the request of another store. It never asks a third one.
func (s *Store) Answer(ctx context.Context, _ string, body []byte) ([]byte, error) {
	if len(body) == 0 {
		return nil, errEntry
	}
	r, err := s.serve(ctx, body[0], body[1:])
	if errors.Is(err, errNotLeader) || errors.Is(err, errStopped) {
		r, err = reply{NotLeader: true}, nil
	}
	if err != nil {
		return nil, err
	}
	return json.Marshal(r)
}

// serve does what a request asks for on this node.
func (s *Store) serve(ctx context.Context, kind byte, body []byte) (reply, error) {
	switch kind {
	case askPromise:
		return reply{}, s.answerPromise(body)
	case askState:
		return s.answerState()
	}
	if !s.leads() || !s.replica.isProven() {
		return reply{}, errNotLeader
	}
	switch kind {
	case askApply:
		return s.applyHere(ctx, body)
	case askRead:
		return s.readHere(ctx)
	case askTransfer:
		return reply{}, s.transferHere(string(body))
	case askRemove:
		return reply{}, s.removeHere(string(body))
	}
	return reply{}, errEntry
}

func (s *Store) answerState() (reply, error) {
	r := s.raft.Load()
	if r == nil {
		return reply{}, errStopped
	}
	st := &state{Server: s.server, Last: r.LastIndex(), Commit: r.CommitIndex(), Contact: -1}
	if at := r.LastContact(); !at.IsZero() {
		st.Contact = time.Since(at)
	}
	return reply{Position: s.replica.position(), State: st}, nil
}

// applyHere commits an entry on this node, which leads.
func (s *Store) applyHere(ctx context.Context, entry []byte) (reply, error) {
	r := s.raft.Load()
	if r == nil {
		return reply{}, errStopped
	}
	f := r.Apply(entry, time.Until(deadline(ctx)))
	if err := await(ctx, f); err != nil {
		return reply{}, leaderError(err)
	}
	answer, _ := f.Response().([]byte)
	return reply{Position: position{s.replica.position().identity, f.Index()}, Answer: answer}, nil
}

// readHere finds the position that holds everything committed before the call. The barrier makes sure that the entries of
// earlier terms are committed, the heartbeats of a quorum that nobody else leads.
func (s *Store) readHere(ctx context.Context) (reply, error) {
	r := s.raft.Load()
	if r == nil {
		return reply{}, errStopped
	}
	if err := await(ctx, r.Barrier(time.Until(deadline(ctx)))); err != nil {
		return reply{}, leaderError(err)
	}
	at := s.replica.position()
	if err := await(ctx, r.VerifyLeader()); err != nil {
		return reply{}, leaderError(err)
	}
	return reply{Position: at}, nil
}

func deadline(ctx context.Context) time.Time {
	if at, ok := ctx.Deadline(); ok {
		return at
	}
	return time.Now().Add(attempt)
}

// await waits for raft, but no longer than ctx lives: a leader whose disk hangs never answers.
func await(ctx context.Context, f raft.Future) error {
	done := make(chan error, 1)
	go func() { done <- f.Error() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func leaderError(err error) error {
	if errors.Is(err, raft.ErrNotLeader) || errors.Is(err, raft.ErrLeadershipTransferInProgress) || errors.Is(err, raft.ErrRaftShutdown) {
		return errNotLeader
	}
	return err
}
