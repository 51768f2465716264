package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"time"

	"github.com/nsqio/go-nsq"
)

// A delivery is noted before it is answered, so what was noted and comes again was not lost by anybody.

// rawConsumer consumes from one node at a time, misbehaves, and leaves in order or not. When it leaves in order the node
// has answered after all of its FINs, so those are surely taken.
type rawConsumer struct {
	run            *torture
	topic, channel int
	rng            *rand.Rand
}

func (c *rawConsumer) consume(ctx context.Context) {
	for ctx.Err() == nil {
		nodes := c.run.members()
		if err := c.session(ctx, nodes[c.rng.IntN(len(nodes))]); err != nil {
			sleep(ctx, 50*time.Millisecond)
		}
	}
}

// session is one connection.
func (c *rawConsumer) session(ctx context.Context, at *node) error {
	w, err := dial(at.tcp)
	if err != nil {
		return err
	}
	defer w.Close()
	if err := w.call(fmt.Appendf(nil, "SUB %s %s\n", topicName(c.topic), channelName(c.channel))); err != nil {
		return err
	}
	s := &session{rawConsumer: c, wire: w, finished: map[string]*receipt{}, open: map[string]*receipt{}}
	if err := w.send(fmt.Appendf(nil, "RDY %d\n", ready)); err != nil {
		return err
	}
	err = s.receive(ctx, time.Now().Add(time.Duration(500+c.rng.IntN(3000))*time.Millisecond))
	crash := !c.run.calm.Load() && c.rng.IntN(4) == 0
	if err == nil && !crash {
		err = s.close()
	}
	for _, r := range s.open { // the node puts back what is in flight, once its timeout is over
		r.expect()
	}
	if err != nil || crash {
		for _, r := range s.finished {
			r.expect() // the FIN may not have arrived
		}
	}
	return err
}

// session is a consumer's connection with what it got over it.
type session struct {
	*rawConsumer
	*wire
	finished, open map[string]*receipt // by message id
}

func (s *session) receive(ctx context.Context, until time.Time) error {
	for time.Now().Before(until) && ctx.Err() == nil {
		kind, data, err := s.frame(100 * time.Millisecond)
		switch {
		case isTimeout(err):
			continue
		case err != nil:
			return err
		}
		if err := s.take(kind, data); err != nil {
			return err
		}
	}
	return nil
}

const idLength = 16

func (s *session) take(kind frameKind, data []byte) error {
	if kind == frameError {
		s.refused(data)
		return nil
	}
	if kind != frameMessage || len(data) < 26 {
		return nil
	}
	id, body := string(data[10:26]), data[26:]
	r := s.run.ledger.delivered(s.topic, s.channel, body)
	if r == nil {
		return s.send([]byte("FIN " + id + "\n"))
	}
	return s.answer(id, r)
}

// answer finishes most messages, and does to some whatever a consumer may.
func (s *session) answer(id string, r *receipt) error {
	what := s.rng.IntN(100)
	if s.run.calm.Load() {
		what = 99
	}
	switch {
	case what < 3:
		r.expect()
		return s.send(fmt.Appendf(nil, "REQ %s %d\n", id, s.rng.IntN(500)))
	case what < 4: // lets it time out
		s.open[id] = r
		return nil
	case what < 7:
		if err := s.send([]byte("TOUCH " + id + "\n")); err != nil {
			return err
		}
	}
	s.finished[id] = r
	return s.send([]byte("FIN " + id + "\n"))
}

// refused takes a FIN back that came too late for the node.
func (s *session) refused(data []byte) {
	fields := bytes.Fields(data)
	for _, f := range fields {
		if r := s.finished[string(f)]; r != nil && len(f) == idLength {
			r.expect()
			delete(s.finished, string(f))
		}
	}
}

// close leaves in order. Commands are taken one after the other, so with the answer all FINs are taken.
func (s *session) close() error {
	if err := s.send([]byte("CLS\n")); err != nil {
		return err
	}
	for {
		kind, data, err := s.frame(callPatience)
		if err != nil {
			return err
		}
		switch {
		case kind == frameMessage && len(data) >= 26: // was under way
			if r := s.run.ledger.delivered(s.topic, s.channel, data[26:]); r != nil {
				r.expect()
			}
		case kind == frameError:
			s.refused(data)
		case string(data) == "CLOSE_WAIT":
			now := s.run.ledger.now()
			for _, r := range s.finished {
				r.finished(now)
			}
			return nil
		}
	}
}

// stockConsumer is go-nsq on all nodes, found by any of them.
func (t *torture) stockConsumer(ctx context.Context, topic, channel int, rng *rand.Rand) error {
	conf := nsq.NewConfig()
	conf.MaxInFlight, conf.MaxAttempts, conf.MaxBackoffDuration = 10*t.cfg.nodes, 0, 0
	conf.LookupdPollInterval, conf.LookupdPollJitter = 500*time.Millisecond, 0
	conf.DialTimeout, conf.MsgTimeout = time.Second, messageTimeout
	conf.HeartbeatInterval = 2 * time.Second
	c, err := nsq.NewConsumer(topicName(topic), channelName(channel), conf)
	if err != nil {
		return err
	}
	c.SetLogger(log.New(io.Discard, "", 0), nsq.LogLevelError)
	choice := make(chan int, 1)
	go func() {
		for {
			select {
			case choice <- rng.IntN(100):
			case <-ctx.Done():
				close(choice)
				return
			}
		}
	}()
	c.AddConcurrentHandlers(nsq.HandlerFunc(func(m *nsq.Message) error {
		m.DisableAutoResponse()
		r := t.ledger.delivered(topic, channel, m.Body)
		what := <-choice
		switch {
		case r == nil || t.calm.Load():
			m.Finish()
		case what < 3:
			r.expect()
			m.RequeueWithoutBackoff(time.Duration(what) * 100 * time.Millisecond)
		case what < 4: // lets it time out
			r.expect()
		default:
			if what < 7 {
				m.Touch()
			}
			m.Finish()
		}
		return nil
	}), 4)
	if err := c.ConnectToNSQLookupds(t.lookups()); err != nil {
		return err
	}
	<-ctx.Done()
	c.Stop()
	select {
	case <-c.StopChan:
	case <-time.After(callPatience):
	}
	return nil
}

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
