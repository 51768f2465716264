package tools

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nsqio/go-nsq"
	"github.com/nsqmesh/nsqmesh/cmd/cli"
)

// tellEvery is how often the failures of one destination are told.
const tellEvery = 10 * time.Second

// delivery takes messages to destinations. A message is finished when one destination has taken it, and goes back to its channel
// when none has.
type delivery struct {
	destinations *destinations
	console      *cli.Console
	statusEvery  int // tell how it goes every so many messages
	started      time.Time

	delivered, dropped, requeued atomic.Int64

	mu   sync.Mutex
	took []time.Duration // by the last messages, until they are told
}

// rejected is a message that a destination refuses for what it is.
type rejected struct{ error }

func (r rejected) Unwrap() error { return r.error }

// drop finishes a message that is not to be delivered.
func (d *delivery) drop(m *nsq.Message) {
	m.DisableAutoResponse()
	d.dropped.Add(1)
	m.Finish()
}

// deliver sends a body until a destination takes it, and answers the message.
func (d *delivery) deliver(m *nsq.Message, body []byte, send func(destination string, body []byte) error) {
	m.DisableAutoResponse()
	for _, x := range d.destinations.order(time.Now()) {
		begin := time.Now()
		err := send(x.name, body)
		now := time.Now()
		if err == nil {
			d.destinations.ok(x, now, now.Sub(begin))
			d.delivered.Add(1)
			m.Finish()
			d.count(now.Sub(begin))
			return
		}
		var refusal rejected
		if d.destinations.failure(x, now, !errors.As(err, &refusal)) {
			d.console.Say("%s: %v (attempt %d of message %s)", x.name, err, m.Attempts, m.ID[:])
		}
	}
	d.requeued.Add(1)
	m.Requeue(-1)
}

func (d *delivery) count(took time.Duration) {
	if d.statusEvery <= 0 {
		return
	}
	d.mu.Lock()
	d.took = append(d.took, took)
	if len(d.took) < d.statusEvery {
		d.mu.Unlock()
		return
	}
	batch := d.took
	d.took = nil
	d.mu.Unlock()
	slices.Sort(batch)
	var sum time.Duration
	for _, t := range batch {
		sum += t
	}
	d.console.Say("finished %d - 99th: %s, 95th: %s, avg: %s", len(batch), cli.Brief(percentile(batch, 99)),
		cli.Brief(percentile(batch, 95)), cli.Brief(sum/time.Duration(len(batch))))
}

// percentile is of values that are sorted.
func percentile(sorted []time.Duration, percent int) time.Duration {
	at := int(math.Ceil(float64(len(sorted)*percent)/100)) - 1
	return sorted[max(0, at)]
}

// deliverySummary is what has been done.
type deliverySummary struct {
	Delivered    int64                      `json:"delivered"`
	Dropped      int64                      `json:"dropped"`
	Requeued     int64                      `json:"requeued"`
	Seconds      float64                    `json:"seconds"`
	PerSecond    float64                    `json:"messages_per_second"`
	Destinations map[string]deliveryOutcome `json:"destinations"`
}

type deliveryOutcome struct {
	Delivered int64 `json:"delivered"`
	Failed    int64 `json:"failed"`
}

func (d *delivery) sum() deliverySummary {
	elapsed := time.Since(d.started)
	s := deliverySummary{
		Delivered: d.delivered.Load(), Dropped: d.dropped.Load(), Requeued: d.requeued.Load(),
		Seconds: elapsed.Seconds(), PerSecond: cli.PerSecond(d.delivered.Load(), elapsed), Destinations: map[string]deliveryOutcome{},
	}
	d.destinations.mu.Lock()
	defer d.destinations.mu.Unlock()
	for _, x := range d.destinations.all {
		s.Destinations[x.name] = deliveryOutcome{x.done, x.failed}
	}
	return s
}

// status is the line that shows how far the work is.
func (d *delivery) status() string {
	s := d.sum()
	line := fmt.Sprintf("%s delivered, %s/s on average", cli.Plural(s.Delivered, "message"), cli.Grouped(int64(s.PerSecond)))
	if s.Dropped > 0 {
		line += fmt.Sprintf(", %s not to be delivered", cli.Grouped(s.Dropped))
	}
	if s.Requeued > 0 {
		line += fmt.Sprintf(", %s sent back to be tried again", cli.Grouped(s.Requeued))
	}
	return line
}

func (d *delivery) summary(std cli.Stdio, form cli.OutputForm) error {
	if form.Json() {
		return cli.PrintJSON(std.Out, d.sum())
	}
	d.console.Say("%s", d.status())
	return nil
}
