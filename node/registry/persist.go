package registry

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

const (
	stateFile  = "nsqmesh.registry"
	retryDelay = 30 * time.Second
	saveDelay  = 500 * time.Millisecond
	// saveSoon is for what a restart would get wrong: a topic that was deleted and made anew would be taken for the deleted one.
	saveSoon = 20 * time.Millisecond
)

// state is what must outlive a restart: without the intents a delete would be forgotten with the node that took it, and
// without the creation stamps a topic made again after its delete would be deleted again.
type state struct {
	Counter uint64           `json:"counter"`
	Created map[string]Stamp `json:"created"` // by key
	Intents []savedIntent    `json:"intents"`
}

type savedIntent struct {
	Key       string `json:"key"`
	Stamp     Stamp  `json:"stamp"`
	Paused    bool   `json:"paused,omitempty"`
	Policy    string `json:"policy,omitempty"`
	Remaining int64  `json:"remaining_ms,omitempty"`
}

// Load reads what was kept over a restart. It is called before anything is said.
func (r *Registry) Load() error {
	if r.opts.DataPath == "" {
		return nil
	}
	b, err := os.ReadFile(filepath.Join(r.opts.DataPath, stateFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var s state
	if err == nil {
		err = json.Unmarshal(b, &s)
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", stateFile, err)
	}
	r.mu.Lock()
	defer r.commit()
	r.restore(s)
	return nil
}

func (r *Registry) restore(s state) {
	r.counter = max(r.counter, min(s.Counter, maxNumber))
	for k, stamp := range s.Created {
		r.created[k] = stamp
	}
	for _, i := range s.Intents {
		if subject, ok := parseKey(i.Key); ok && (subject.intent() || subject.kind == kindPolicy) {
			life := time.Duration(i.Remaining) * time.Millisecond
			v := stamped{i.Paused, i.Stamp, i.Policy}
			r.put(i.Key, v.encode(r.own.owner), min(life, intentLife))
		}
	}
}

// unsave has the state be written within a time.
func (r *Registry) unsave(within time.Duration) {
	if r.opts.DataPath == "" {
		return
	}
	r.unsaved = true
	if at := r.now() + within; r.saveAt == 0 || at < r.saveAt {
		r.saveAt = at
		r.schedule(at)
	}
}

// saveIfDue writes the state when it has been changed for a while.
func (r *Registry) saveIfDue() error {
	r.mu.Lock()
	due := r.saveAt != 0 && r.now() >= r.saveAt
	r.mu.Unlock()
	if !due {
		return nil
	}
	return r.save()
}

func (r *Registry) save() error {
	r.mu.Lock()
	if !r.unsaved {
		r.mu.Unlock()
		return nil
	}
	s, i := r.state(), r.identity()
	r.unsaved, r.saveAt = false, 0
	r.mu.Unlock()
	b, err := json.Marshal(s)
	if err == nil {
		err = writeFile(filepath.Join(r.opts.DataPath, stateFile), b)
	}
	if err == nil && i != nil {
		err = i.write(filepath.Join(r.opts.DataPath, identityFile))
	}
	if err != nil {
		r.mu.Lock()
		r.unsave(retryDelay)
		r.mu.Unlock()
		return fmt.Errorf("write %s: %w", stateFile, err)
	}
	return nil
}

func (r *Registry) state() state {
	s := state{Counter: r.counter, Created: map[string]Stamp{}}
	for k, stamp := range r.created {
		s.Created[k] = stamp
	}
	for k, e := range r.own.entries {
		subject, ok := parseKey(k)
		if !ok || e.deleted {
			continue
		}
		v := decodeStamped(e.value, r.own.owner)
		switch {
		case subject.ephemeral():
		case subject.kind == kindTopic || subject.kind == kindChannel:
			s.Created[k] = v.stamp
		case subject.intent(), subject.kind == kindPolicy:
			i := savedIntent{Key: k, Stamp: v.stamp, Paused: v.paused, Policy: v.text}
			if e.expires != 0 {
				i.Remaining = max(1, (e.expires - r.now()).Milliseconds())
			}
			s.Intents = append(s.Intents, i)
		}
	}
	return s
}

// identity returns what is to be written anew of it, nil if nothing is: a generation that a refutation raised, a node id
// that was taken.
func (r *Registry) identity() *Identity {
	i := &Identity{ID: r.opts.ID, Generation: r.own.generation}
	if r.nodeID.origin == ChosenNodeID {
		number := r.nodeID.number
		i.NodeID = &number
	}
	if i.Generation == r.opts.Generation && r.nodeID.number == r.nodeID.begun {
		return nil
	}
	return i
}
