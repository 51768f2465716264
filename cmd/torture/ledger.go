package main

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"
)

// outcome is what a producer knows of a message.
type outcome uint8

const (
	unknown outcome = iota // sent, but no answer was read: it may be there or not
	refused                // surely not stored: nobody was reached
	acked
)

// message is one that was attempted. Times count from the start of the run.
type message struct {
	topic, node uint8
	outcome     outcome
	start, end  time.Duration
	due         time.Duration // not before; 0 is at once
	seen        [channels]sighting
}

// sighting is what one channel did with a message.
type sighting struct {
	count    int
	expected int           // deliveries that the consumers themselves asked for: put back, let time out, cut off
	finished time.Duration // the node has surely taken a FIN; 0 is unknown
}

// again is a delivery of a message that its channel had surely finished, or that was not due yet.
type again struct {
	name     string
	channel  int
	node     uint8
	sent     time.Duration
	from, at time.Duration
}

// ledger is what happened to all messages. Each producer has a book of its own.
type ledger struct {
	begun time.Time
	books []*book

	mu         sync.Mutex
	unexpected []string // never attempted, or not as they were sent
	early      []again
	afterFin   []again
	oks        []time.Duration // of every acknowledged call
}

type book struct {
	mu       sync.Mutex
	messages []message
}

func newLedger(producers int) *ledger {
	l := &ledger{begun: time.Now()}
	for range producers {
		l.books = append(l.books, &book{})
	}
	return l
}

func (l *ledger) now() time.Duration { return time.Since(l.begun) }

// attempt notes messages before they are sent, and returns their bodies.
func (l *ledger) attempt(producer, n int, m message, rng *rand.Rand) (first int, bodies [][]byte) {
	b := l.books[producer]
	b.mu.Lock()
	defer b.mu.Unlock()
	first = len(b.messages)
	m.start = l.now()
	for i := range n {
		b.messages = append(b.messages, m)
		bodies = append(bodies, encode(producer, first+i, rng.IntN(400)))
	}
	return first, bodies
}

func (l *ledger) settle(producer, first, n int, o outcome) {
	now := l.now()
	b := l.books[producer]
	b.mu.Lock()
	for i := first; i < first+n; i++ {
		b.messages[i].outcome, b.messages[i].end = o, now
	}
	b.mu.Unlock()
	if o == acked {
		l.mu.Lock()
		l.oks = append(l.oks, now)
		l.mu.Unlock()
	}
}

// encode writes a body: producer-counter, a hash of all that follows it, and padding that both determine.
func encode(producer, counter, padding int) []byte {
	rest := append(fmt.Appendf(nil, "%d-%d ", producer, counter), bytes.Repeat([]byte{'.'}, padding)...)
	return append(fmt.Appendf(nil, "%016x ", sum(rest)), rest...)
}

func sum(b []byte) uint64 {
	h := fnv.New64a()
	_, _ = h.Write(b)
	return h.Sum64()
}

func decode(body []byte) (producer, counter int, ok bool) {
	hash, rest, _ := bytes.Cut(body, []byte(" "))
	want, err := strconv.ParseUint(string(hash), 16, 64)
	if err != nil || want != sum(rest) {
		return 0, 0, false
	}
	_, err = fmt.Sscanf(string(rest), "%d-%d ", &producer, &counter)
	return producer, counter, err == nil
}

// delivered notes a delivery before it is answered. It returns nil if nobody sent such a message.
func (l *ledger) delivered(topic, channel int, body []byte) *receipt {
	now := l.now()
	producer, counter, ok := decode(body)
	if !ok || producer >= len(l.books) {
		l.surprise("topic %d: a body that nobody sent: %.80q", topic, body)
		return nil
	}
	b := l.books[producer]
	b.mu.Lock()
	defer b.mu.Unlock()
	if counter >= len(b.messages) || int(b.messages[counter].topic) != topic || b.messages[counter].outcome == refused {
		l.surprise("topic %d: message %d-%d was not sent there", topic, producer, counter)
		return nil
	}
	m := &b.messages[counter]
	s := &m.seen[channel]
	s.count++
	r := &receipt{b, counter, channel}
	if now < m.due {
		l.note(&l.early, again{fmt.Sprint(producer, "-", counter), channel, m.node, m.start, m.due, now})
	}
	if s.finished != 0 {
		l.note(&l.afterFin, again{fmt.Sprint(producer, "-", counter), channel, m.node, m.start, s.finished, now})
	}
	return r
}

func (l *ledger) surprise(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.unexpected = append(l.unexpected, fmt.Sprintf(format, args...))
}

func (l *ledger) note(list *[]again, a again) {
	l.mu.Lock()
	defer l.mu.Unlock()
	*list = append(*list, a)
}

// receipt is a delivery under way.
type receipt struct {
	book             *book
	counter, channel int
}

// expect says that this delivery will not be the last: the consumer did not finish it.
func (r *receipt) expect() {
	r.book.mu.Lock()
	r.book.messages[r.counter].seen[r.channel].expected++
	r.book.mu.Unlock()
}

// finished says that the node has surely taken the FIN.
func (r *receipt) finished(at time.Duration) {
	r.book.mu.Lock()
	r.book.messages[r.counter].seen[r.channel].finished = at
	r.book.mu.Unlock()
}
