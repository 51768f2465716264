package main

import (
	"sync"
	"time"
)

// eventKind is what happened to a node, as far as the check must know of it.
type eventKind uint8

const (
	killed  eventKind = iota // memory is lost
	wiped                    // everything is lost
	damaged                  // anything on disk may be lost or altered
	stopped                  // in order: what was in memory is on disk since
)

type event struct {
	kind eventKind
	node int
	at   time.Duration
}

// events is what happened. Its lock is a leaf.
type events struct {
	begun time.Time
	mu    sync.Mutex
	all   []event
}

func (e *events) add(kind eventKind, n *node) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all = append(e.all, event{kind, n.index, time.Since(e.begun)})
}

// count returns how many of a kind a node had.
func (e *events) count(kind eventKind, node int) (n int) {
	for _, ev := range e.all {
		if ev.kind == kind && ev.node == node {
			n++
		}
	}
	return n
}

// again reports whether a node may have forgotten how far it had read what is on disk, and until when that was deferred: it
// was killed after it had something there.
func (e *events) again(node int, sent, at time.Duration, onDisk bool) bool {
	for _, ev := range e.all {
		if ev.kind != stopped && (onDisk || e.between(node, sent, ev.at, stopped)) && e.between(node, max(sent, ev.at), at, ev.kind) && ev.node == node {
			return true
		}
	}
	return false
}

// between reports whether a node had an event of one of the kinds in a time.
func (e *events) between(node int, from, to time.Duration, kinds ...eventKind) bool {
	for _, ev := range e.all {
		for _, kind := range kinds {
			if ev.kind == kind && ev.node == node && ev.at >= from && ev.at <= to {
				return true
			}
		}
	}
	return false
}
