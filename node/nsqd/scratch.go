package nsqd

import (
	"sync"
	"time"

	"github.com/nsqmesh/nsqmesh/node/queue"
)

// scratch is what a connection needs while it has input to work on: the read buffer and the batches made of it. It is
// borrowed from a pool for that time, so that a quiet connection owns none.
type scratch struct {
	input   []byte
	answers []byte // frames that have not been written yet

	batch  []queue.Message // to be published
	bodies [][]byte        // of the batch, still in input; nil where the message has its body already
	ids    []queue.ID      // to be finished, requeued or touched
	delays []time.Duration // of those to be requeued
}

const (
	// busyBuffer is read at once from plain connections. 16 KB, the longest command line, would do; four times that
	// makes a pipelining producer a quarter of the system calls.
	busyBuffer = 64 << 10
	// ownBuffer is that of connections which cannot give theirs back while they wait.
	ownBuffer = 16 << 10
	// keptBatch and keptAnswers bound what the pool keeps after an unusually big MPUB.
	keptBatch   = 8 << 10
	keptAnswers = 128 << 10
)

var scratches = sync.Pool{New: func() any { return newScratch(busyBuffer) }}

func newScratch(size int) *scratch { return &scratch{input: make([]byte, size)} }

// release gives s back to the pool.
func (s *scratch) release() {
	s.emptyBatch()
	s.ids, s.delays, s.answers = s.ids[:0], s.delays[:0], s.answers[:0]
	if cap(s.answers) > keptAnswers {
		s.answers = nil
	}
	scratches.Put(s)
}

// append adds a message to the batch. Its body may still be in input.
func (s *scratch) append(m queue.Message, body []byte) {
	s.batch = append(s.batch, m)
	s.bodies = append(s.bodies, body)
}

// emptyBatch forgets what has been published, so that the pool holds no bodies.
func (s *scratch) emptyBatch() {
	clear(s.batch)
	s.batch, s.bodies = s.batch[:0], s.bodies[:0]
	if cap(s.batch) > keptBatch {
		s.batch, s.bodies = nil, nil
	}
}
