package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// producer publishes to any node in any way, one call after the other, and notes what it knows of each.
type producer struct {
	run   *torture
	index int
	rng   *rand.Rand
	conns map[int]*wire // by node
}

const longestDelay = 2 * time.Second

func (p *producer) produce(ctx context.Context) {
	defer func() {
		for _, w := range p.conns {
			w.Close()
		}
	}()
	pace := time.Duration(len(p.run.ledger.books)) * time.Second / time.Duration(p.run.cfg.rate)
	next := time.Now()
	for ctx.Err() == nil {
		n := p.publish()
		next = next.Add(time.Duration(n) * pace)
		if wait := time.Until(next); wait > 0 && p.run.overload.Load() == 0 {
			select {
			case <-ctx.Done():
			case <-time.After(wait):
			}
		} else {
			next = time.Now() // what a fault held up is not made up for
		}
	}
}

// publish makes one call and returns how many messages it carried.
func (p *producer) publish() int {
	nodes := p.run.members()
	at := nodes[p.rng.IntN(len(nodes))]
	m := message{topic: uint8(p.rng.IntN(topics)), node: uint8(at.index)}
	n := 1
	var delay time.Duration
	switch p.rng.IntN(10) {
	case 0, 1:
		n = 1 + p.rng.IntN(20)
	case 2:
		delay = time.Duration(100+p.rng.IntN(int(longestDelay.Milliseconds())-100)) * time.Millisecond
		m.due = p.run.ledger.now() + delay
	}
	first, bodies := p.run.ledger.attempt(p.index, n, m, p.rng)
	send := p.overTCP
	if p.rng.IntN(3) == 0 {
		send = p.overHTTP
	}
	err := send(at, topicName(int(m.topic)), delay, bodies)
	o := acked
	switch {
	case errors.Is(err, errSurelyNot):
		o = refused
	case err != nil:
		o = unknown
	}
	p.run.ledger.settle(p.index, first, n, o)
	if err != nil {
		p.run.noteError(at, err)
		time.Sleep(20 * time.Millisecond)
	}
	return n
}

func (p *producer) overTCP(at *node, topic string, delay time.Duration, bodies [][]byte) error {
	w := p.conns[at.index]
	if w == nil {
		var err error
		if w, err = dial(at.tcp); err != nil {
			return err
		}
		p.conns[at.index] = w
	}
	command := pubCommand(topic, bodies[0])
	switch {
	case delay > 0:
		command = dpubCommand(topic, delay, bodies[0])
	case len(bodies) > 1:
		command = mpubCommand(topic, bodies)
	}
	err := w.call(command)
	if err != nil {
		w.Close()
		delete(p.conns, at.index)
	}
	return err
}

func (p *producer) overHTTP(at *node, topic string, delay time.Duration, bodies [][]byte) error {
	path := "/pub?topic=" + topic
	switch {
	case delay > 0:
		path += fmt.Sprint("&defer=", delay.Milliseconds())
	case len(bodies) > 1:
		path = "/mpub?topic=" + topic
	}
	err := at.post(path, bytes.Join(bodies, []byte("\n")))
	if sentNothing(err) {
		return fmt.Errorf("%w: %w", errSurelyNot, err)
	}
	return err
}
